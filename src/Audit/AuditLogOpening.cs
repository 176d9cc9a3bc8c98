namespace Countersign.Audit;

/// <summary>How opening a log ended. Only the two Opened states bring a log; zero is none.</summary>
public enum AuditOpenStatus : byte
{
    /// <summary>Not opened.</summary>
    None = 0,

    /// <summary>Open, whole, and going on where it ended.</summary>
    Opened,

    /// <summary>
    /// Open; a torn tail beyond the checkpoint, left by a crash, was cut. Worth an alarm, not a refusal.
    /// </summary>
    OpenedAfterCut,

    /// <summary>The options are wrong; the message lists every error.</summary>
    OptionsInvalid,

    /// <summary>Another process writes this log.</summary>
    InUse,

    /// <summary>The seed or the public key file is unusable, or the seed of an existing log is gone.</summary>
    KeyInvalid,

    /// <summary>The seed is not the one that this log was begun with.</summary>
    KeyMismatch,

    /// <summary>The log was begun, but its checkpoint is gone.</summary>
    CheckpointMissing,

    /// <summary>The checkpoint is malformed or not signed by the log's key.</summary>
    CheckpointInvalid,

    /// <summary>The log holds fewer entries than its checkpoint states.</summary>
    RolledBack,

    /// <summary>
    /// Something the checkpoint covers, or something no crash explains, is damaged. Nothing was changed.
    /// </summary>
    Damaged,

    /// <summary>The disk failed or refused.</summary>
    StorageFailed,
}

/// <summary>How opening ended.</summary>
/// <param name="Status">The outcome.</param>
/// <param name="Message">The same, for people.</param>
/// <param name="Log">The open log, or null.</param>
/// <param name="Damage">Where it is broken, when it is.</param>
/// <param name="TailCutBytes">Bytes cut from the newest segment.</param>
public sealed record AuditLogOpening(
    AuditOpenStatus Status, string Message, AuditLog? Log = null, AuditDamage? Damage = null, long TailCutBytes = 0)
{
    /// <summary>
    /// Intents without an outcome, of calls that a killed process left; none where only the newest segment was read
    /// (<see cref="AuditLogOptions.ChecksEverySegment"/>) and they stand before it. See
    /// <see cref="InterruptedCalls.CloseAsync"/>.
    /// </summary>
    public IReadOnlyList<AuditEntry> Interrupted { get; init; } = [];

    /// <summary>The hand-over to a new key that this opening made, or null. It is an event in the log.</summary>
    public KeyHandover? Handover { get; init; }
}
