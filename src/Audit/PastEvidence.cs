namespace Countersign.Audit;

/// <summary>How a log stands towards a checkpoint of it that somebody else kept. Zero says nothing.</summary>
public enum PastStanding : byte
{
    /// <summary>The checkpoint is not signed by the log's key, so it says nothing of the log.</summary>
    NotOurs = 0,

    /// <summary>The log contains it.</summary>
    Continues,

    /// <summary>The log ends before it: entries that were signed are gone.</summary>
    RolledBack,

    /// <summary>The log holds other entries than were signed.</summary>
    Forked,

    /// <summary>The log's tiles do not reach so far, so nobody can tell.</summary>
    Unknown,
}

/// <summary>Holds an open log against what others kept of it: its own signature is the witness against it.</summary>
public static class PastEvidence
{
    /// <summary>Compares a log with a note that carries a checkpoint of it.</summary>
    public static PastStanding Judge(AuditLog log, ReadOnlySpan<byte> note)
    {
        ArgumentNullException.ThrowIfNull(log);
        if (log.Keys.IsContradictedBy(note)) return PastStanding.Forked;
        if (log.Keys.Parse(note, out AuditCheckpoint? kept) != AuditCheckpointStatus.Ok)
            return PastStanding.NotOurs;
        AuditCheckpoint? head = log.LastCheckpoint;
        if (head is null || kept!.Size > head.Size) return PastStanding.RolledBack;
        Span<byte> root = stackalloc byte[AuditLimits.HashBytes];
        if (kept.Size == 0) MerkleHash.Empty(root);
        else if (!AuditProof.TryHash(new TileReader(log.Folder), 0, kept.Size, root)) return PastStanding.Unknown;
        return root.SequenceEqual(kept.Root.Span) ? PastStanding.Continues : PastStanding.Forked;
    }
}
