namespace Countersign.DataPlane.Calls;

/// <summary>
/// Where a call stands, and in the end why it ended: one enum for every stage. Zero refuses (STYLE rule 3). Each has a
/// row in docs/VERDICTS.md and a case in tests/cases/verdicts.
/// </summary>
internal enum Verdict : byte
{
    /// <summary>A stage forgot to say; refused as a fault of the gateway.</summary>
    Undecided = 0,

    /// <summary>On to the next stage.</summary>
    Proceed,

    /// <summary>Identify has not seen this token before; it must be verified.</summary>
    TokenUnseen,

    /// <summary>Resolve must see the first bytes of the body.</summary>
    BodyNeeded,

    /// <summary>A path of the gateway's own, answered by itself.</summary>
    OwnPathAnswered,

    /// <summary>The bytes can be read two ways, or are no HTTP.</summary>
    Malformed,

    /// <summary>The path can be read two ways.</summary>
    AmbiguousPath,

    /// <summary>The request target is too long.</summary>
    TargetTooLong,

    /// <summary>The request head is too large.</summary>
    HeadersTooLarge,

    /// <summary>The request body is too large.</summary>
    BodyTooLarge,

    /// <summary>The client expects what the gateway does not know.</summary>
    ExpectationFailed,

    /// <summary>A tunnel, an upgrade or TRACE, which the gateway does not do.</summary>
    NotImplemented,

    /// <summary>The request did not come in time, or too slowly.</summary>
    RequestTimedOut,

    /// <summary>No, bad or expired token.</summary>
    Unauthenticated,

    /// <summary>Policy denies.</summary>
    Denied,

    /// <summary>The rule wants a reason and there is none.</summary>
    ReasonRequired,

    /// <summary>A separation of duties forbids.</summary>
    DutyConflict,

    /// <summary>No function matches.</summary>
    UnknownFunction,

    /// <summary>No such thing on the gateway's own paths.</summary>
    NotFound,

    /// <summary>The call is not the one approved.</summary>
    ApprovalMismatch,

    /// <summary>The approval has been claimed already.</summary>
    ApprovalUsed,

    /// <summary>The approval lapsed.</summary>
    ApprovalExpired,

    /// <summary>The approval was denied, cancelled or revoked.</summary>
    ApprovalDenied,

    /// <summary>Paused, and not yet settled.</summary>
    ApprovalRequired,

    /// <summary>A limit of the policy lets no more calls through for now.</summary>
    RateLimited,

    /// <summary>Paused, and made without its caller once it is approved.</summary>
    ApprovalAccepted,

    /// <summary>An earlier call like this one was made; this is what it was answered.</summary>
    OutcomeReplayed,

    /// <summary>No credential could be had for the call; nothing was called.</summary>
    CredentialUnavailable,

    /// <summary>The upstream could not be reached, or broke.</summary>
    UpstreamFailed,

    /// <summary>The upstream did not answer in time.</summary>
    UpstreamTimedOut,

    /// <summary>The answer could not be proven masked.</summary>
    NotMaskable,

    /// <summary>The store is away and the call needs it.</summary>
    StoreUnavailable,

    /// <summary>There is no room in the audit log, or it cannot be written.</summary>
    AuditUnavailable,

    /// <summary>No policy, or none that is fresh enough for this function.</summary>
    PolicyStale,

    /// <summary>Too many calls.</summary>
    Overloaded,

    /// <summary>The function's upstream has as many calls or connections as it may.</summary>
    UpstreamBusy,

    /// <summary>The gateway is shutting down.</summary>
    Draining,

    /// <summary>The client went away; nobody is left to answer.</summary>
    ClientGone,

    /// <summary>A bug. The connection is cut.</summary>
    Fault,
}
