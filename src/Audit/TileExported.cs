namespace Countersign.Audit;

/// <summary>How <see cref="TileExport"/> ended. Without a checkpoint nothing new is published.</summary>
public sealed class TileExported
{
    /// <summary>The head that the directory stands for now; null where the export was refused.</summary>
    public AuditCheckpoint? Checkpoint { get; init; }

    /// <summary>Why it was refused, or null.</summary>
    public AuditDamage? Damage { get; init; }

    /// <summary>Entries, counted from the first, that retention has dropped from the log.</summary>
    public long EntriesDropped { get; init; }

    /// <summary>
    /// Entry bundles that cannot be made any more, since retention dropped entries of theirs, and that no earlier
    /// export left in the directory. Their hashes are in the tiles.
    /// </summary>
    public long BundlesMissing { get; init; }

    /// <summary>Files that were written.</summary>
    public int FilesWritten { get; init; }
}
