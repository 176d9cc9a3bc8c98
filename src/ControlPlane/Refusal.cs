namespace Countersign.ControlPlane;

/// <summary>Every way a request is refused. Zero is the fault that nobody foresaw.</summary>
internal enum Refusal : byte
{
    InternalError = 0,
    MalformedRequest,
    Unauthenticated,
    Denied,
    NotAnApprover,
    DutyConflict,
    NotFound,
    MethodNotAllowed,
    ApprovalMismatch,
    ApprovalSettled,
    ApprovalExpired,
    ApprovalDenied,
    PreconditionFailed,
    PreconditionRequired,
    PolicyConflict,
    RotationUnderWay,
    BodyTooLarge,
    UnsupportedMediaType,
    PolicyInvalid,
    StoreUnavailable,
    AuditUnavailable,
    PolicyStale,
    RateLimited,
}

/// <summary>How a refusal is answered.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Name">The last part of the problem's type.</param>
/// <param name="Title">The problem's title.</param>
internal readonly record struct RefusalRow(int Status, string Name, string Title);

/// <summary>The one table from refusals to answers (DESIGN 4.1 and 4.4).</summary>
internal static class RefusalTable
{
    public static RefusalRow RowOf(Refusal refusal) => refusal switch
    {
        Refusal.MalformedRequest => new(400, "malformed-request", "The request cannot be read"),
        Refusal.Unauthenticated => new(401, "unauthenticated", "A valid bearer token is needed"),
        Refusal.Denied => new(403, "denied", "You may not do this"),
        Refusal.NotAnApprover => new(403, "not-an-approver", "You are not an approver of this"),
        Refusal.DutyConflict => new(403, "duty-conflict", "Separation of duties forbids this"),
        Refusal.NotFound => new(404, "not-found", "There is no such thing here"),
        Refusal.MethodNotAllowed => new(405, "method-not-allowed", "This path has no such method"),
        Refusal.ApprovalMismatch => new(409, "approval-mismatch", "This is not the call that was asked for"),
        Refusal.ApprovalSettled => new(409, "approval-settled", "The approval is settled"),
        Refusal.ApprovalExpired => new(410, "approval-expired", "The approval has expired"),
        Refusal.ApprovalDenied => new(410, "approval-denied", "The approval was denied or withdrawn"),
        Refusal.PreconditionFailed => new(412, "precondition-failed", "It has changed since you looked"),
        Refusal.PreconditionRequired => new(428, "precondition-required", "Say what your change follows"),
        Refusal.PolicyConflict => new(409, "policy-conflict", "The store's policy does not stand as this needs it to"),
        Refusal.RotationUnderWay => new(409, "rotation-under-way", "The next keys are on their way already"),
        Refusal.BodyTooLarge => new(413, "body-too-large", "The body is too large"),
        Refusal.UnsupportedMediaType => new(415, "unsupported-media-type", "The body is of another type"),
        Refusal.PolicyInvalid => new(422, "policy-invalid", "The policy does not compile"),
        Refusal.StoreUnavailable => new(503, "store-unavailable", "The store does not answer"),
        Refusal.AuditUnavailable => new(503, "audit-unavailable", "The audit log cannot be written"),
        Refusal.RateLimited => new(429, "rate-limited", "Too many at once"),
        Refusal.PolicyStale => new(503, "policy-stale", "No policy is in force"),
        _ => new(500, "internal-error", "The gateway failed"),
    };

    /// <summary>What a bare status of the HTTP stack means.</summary>
    public static Refusal Named(int status) => status switch
    {
        404 => Refusal.NotFound,
        405 => Refusal.MethodNotAllowed,
        413 => Refusal.BodyTooLarge,
        415 => Refusal.UnsupportedMediaType,
        >= 400 and < 500 => Refusal.MalformedRequest,
        _ => Refusal.InternalError,
    };
}
