using static Countersign.DataPlane.Calls.Verdict;

namespace Countersign.DataPlane.Calls;

/// <summary>One row of the table of DESIGN 4.1.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Name">The last part of the problem type's URN.</param>
/// <param name="Title">The problem's title.</param>
/// <param name="Closes">The connection ends, since its bytes cannot be trusted.</param>
internal readonly record struct VerdictRow(int Status, string Name, string Title, bool Closes);

/// <summary>The one table from verdict to status and problem (RFC 9457).</summary>
internal static class VerdictTable
{
    /// <summary>The row of a verdict that refuses.</summary>
    internal static VerdictRow Of(Verdict verdict) => verdict switch
    {
        Malformed => new(400, "malformed-request", "The request can be read in more than one way", true),
        AmbiguousPath => new(400, "ambiguous-path", "The path can be read in more than one way", true),
        Unauthenticated => new(401, "unauthenticated", "A valid token is required", false),
        Denied or ReasonRequired => new(403, "denied", "Policy does not allow this call", false),
        DutyConflict => new(403, "duty-conflict", "A separation of duties forbids this call", false),
        UnknownFunction => new(404, "unknown-function", "No function matches this method and path", false),
        NotFound => new(404, "not-found", "There is no such resource", false),
        RequestTimedOut => new(408, "request-timeout", "The request did not come in time", true),
        ApprovalMismatch => new(409, "approval-mismatch", "This is not the call that was approved", false),
        ApprovalUsed => new(409, "approval-used", "The approval has already been used", false),
        ApprovalExpired => new(410, "approval-expired", "The approval has expired", false),
        ApprovalDenied => new(410, "approval-denied", "The approval was denied or withdrawn", false),
        BodyTooLarge => new(413, "body-too-large", "The request body is too large", true),
        ApprovalAccepted => new(202, "approval-accepted", "The call will be made once it is approved", false),
        TargetTooLong => new(414, "target-too-long", "The request target is too long", true),
        ExpectationFailed => new(417, "expectation-failed", "Only 100-continue can be expected", true),
        ApprovalRequired => new(428, "approval-required", "Another person must approve this call", false),
        RateLimited => new(429, "rate-limited", "Too many calls for now", false),
        HeadersTooLarge => new(431, "headers-too-large", "The request head is too large", true),
        NotImplemented => new(501, "not-implemented", "The gateway does not tunnel, upgrade or trace", true),
        UpstreamFailed => new(502, "upstream-failed", "The function did not give a usable answer", false),
        NotMaskable => new(502, "response-not-maskable", "The answer could not be proven masked", false),
        StoreUnavailable => new(503, "store-unavailable", "The approval store is not available", false),
        CredentialUnavailable => new(503, "credential-unavailable", "No credential can be lent for this call", false),
        AuditUnavailable => new(503, "audit-unavailable", "The audit log is not available", false),
        PolicyStale => new(503, "policy-stale", "No sufficiently fresh policy is available", false),
        Overloaded => new(503, "overloaded", "The gateway is overloaded", false),
        UpstreamBusy => new(503, "overloaded", "The function's upstream is overloaded", false),
        Draining => new(503, "draining", "The gateway is shutting down", true),
        UpstreamTimedOut => new(504, "upstream-timeout", "The function did not answer in time", false),
        _ => new(500, "internal-error", "The gateway failed", true),
    };

    /// <summary>What the audit calls it: the problem's name, or <c>ok</c>.</summary>
    internal static string AuditName(Verdict verdict) => verdict switch
    {
        Proceed or OwnPathAnswered => "ok",
        OutcomeReplayed => "outcome-replayed",
        ClientGone => "client-gone",
        _ => Of(verdict).Name,
    };
}
