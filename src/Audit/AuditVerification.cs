namespace Countersign.Audit;

/// <summary>What a verifier found. The default damage is "not examined": never whole by accident.</summary>
public sealed record AuditVerification
{
    /// <summary>The first finding; <see cref="AuditDamageKind.None"/> when there is none.</summary>
    public AuditDamageKind Kind { get; init; }

    /// <summary>Everything that is covered is whole and signed.</summary>
    public bool IsOk => Kind == AuditDamageKind.None;

    /// <summary>The first bad entry, or -1 when the damage names no single one.</summary>
    public long FirstBadEntry { get; init; } = -1;

    /// <summary>The file it is in, relative to the log's folder, or empty.</summary>
    public string File { get; init; } = "";

    /// <summary>Where in that file, or -1.</summary>
    public long ByteOffset { get; init; } = -1;

    /// <summary>The finding for people, and what can still be trusted.</summary>
    public string Message { get; init; } = "";

    /// <summary>The checkpoint that was believed, or null.</summary>
    public AuditCheckpoint? Checkpoint { get; init; }

    /// <summary>Entries that the checkpoint covers.</summary>
    public long EntriesCovered { get; init; }

    /// <summary>
    /// Entries, counted from the first, that are whole and proven by the signed root. With damage, the count up to the
    /// first bad entry if the tiles still add up to the root, else 0.
    /// </summary>
    public long EntriesProven { get; init; }

    /// <summary>
    /// Entries, counted from the first, that retention has dropped, as the log's key says: their hashes are proven by
    /// the root, what they said is gone.
    /// </summary>
    public long EntriesDropped { get; init; }

    /// <summary>Whole entries behind the checkpoint: not signed yet.</summary>
    public long TailEntries { get; init; }

    /// <summary>Bytes of an unfinished frame at the very end, as a crash or a writer at work leaves them.</summary>
    public long TailTornBytes { get; init; }
}
