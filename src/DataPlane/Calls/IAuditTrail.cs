namespace Countersign.DataPlane.Calls;

/// <summary>
/// A call's records, as the pipeline asks for them. There is one, <see cref="AuditTrail"/>; another stands in its place
/// only where what it costs is measured.
/// </summary>
// STYLE 2: an interface inside the process, since calls with and without audit are compared in one run.
internal interface IAuditTrail
{
    /// <inheritdoc cref="AuditTrail.Reserve"/>
    Verdict Reserve(CallContext call);

    /// <inheritdoc cref="AuditTrail.Trust"/>
    Verdict Trust(CallContext call);

    /// <inheritdoc cref="AuditTrail.Confirm"/>
    Verdict Confirm(CallContext call);

    /// <inheritdoc cref="AuditTrail.Park"/>
    void Park(CallContext call);

    /// <inheritdoc cref="AuditTrail.IntendAsync"/>
    ValueTask<Verdict> IntendAsync(CallContext call);

    /// <inheritdoc cref="AuditTrail.Record"/>
    void Record(CallContext call);
}
