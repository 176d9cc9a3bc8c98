using System.Globalization;

namespace Countersign.Audit;

/// <summary>How a log is kept. Checked whole when the log is opened.</summary>
public sealed record AuditLogOptions
{
    /// <summary>The log's folder; made if absent. One log has one writer, held to that by a lock file.</summary>
    public required string Folder { get; init; }

    /// <summary>
    /// The log's name, first line of its checkpoints and name of its key, such as <c>countersign/gateway-1</c>: no
    /// space,
    /// plus or control character (C2SP tlog-checkpoint). Never changes for a folder.
    /// </summary>
    public required string Origin { get; init; }

    /// <summary>
    /// A 32-byte Ed25519 seed (RFC 8032); empty to keep one in <c>key.seed</c>, made when first needed.
    /// </summary>
    public ReadOnlyMemory<byte> KeySeed { get; init; }

    /// <summary>
    /// Records that may exist, of 1 KiB each once needed; every reservation holds two. What a disk that stalls for half
    /// a second leaves waiting at 25,000 calls a second. 2 to 1,048,576.
    /// </summary>
    public int QueueRecordsMax { get; init; } = 32_768;

    /// <summary>The longest record, in bytes. 8,192 to 65,535, the limit of tlog-tiles.</summary>
    public int RecordBytesMax { get; init; } = AuditLimits.EntryBytesMax;

    /// <summary>A segment that would grow beyond this is closed and the next begun. At least 1,024 bytes.</summary>
    public long SegmentBytesMax { get; init; } = 64L * 1024 * 1024;

    /// <summary>The longest an entry nobody waits for stays off the disk. 1 ms to 1 minute.</summary>
    public TimeSpan CommitEvery { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// The least time between two checkpoints, and the longest that an entry stays unsigned. 1 ms to 1 hour.
    /// </summary>
    public TimeSpan CheckpointEvery { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Segments whose newest entry is older are dropped, their hashes kept; zero keeps all. 1 hour or more.
    /// </summary>
    public TimeSpan KeepFor { get; init; }

    /// <summary>
    /// Oldest segments are dropped while all together are larger, in bytes; 0 keeps all. Twice
    /// <see cref="SegmentBytesMax"/> or more.
    /// </summary>
    public long KeepBytes { get; init; }

    /// <summary>
    /// True reads every entry again when the log is opened (some seconds for each gigabyte); false reads only the
    /// newest
    /// segment and takes the leaf hashes of older ones from the tiles, which must still add up to the signed root.
    /// </summary>
    public bool ChecksEverySegment { get; init; } = true;

    /// <summary>Every error, or empty.</summary>
    internal List<string> Errors()
    {
        List<string> errors = [];
        if (string.IsNullOrWhiteSpace(Folder)) errors.Add("Folder is empty");
        if (string.IsNullOrEmpty(Origin) || !AuditKey.IsName(Origin))
        {
            errors.Add("Origin must be a name without spaces, plus signs and control characters");
        }

        if (KeySeed.Length is not 0 and not AuditLimits.HashBytes) errors.Add("KeySeed must hold 32 bytes");
        Check(errors, nameof(QueueRecordsMax), QueueRecordsMax, 2, 1_048_576);
        Check(errors, nameof(RecordBytesMax), RecordBytesMax, AuditLimits.RecordBytesMaxLeast,
            AuditLimits.EntryBytesMax);
        Check(errors, nameof(SegmentBytesMax), SegmentBytesMax, 1_024, long.MaxValue / 2);
        if (KeepFor != TimeSpan.Zero) Check(errors, nameof(KeepFor), KeepFor.TotalHours, 1, 1_000_000);
        if (KeepBytes != 0) Check(errors, nameof(KeepBytes), KeepBytes, SegmentBytesMax * 2.0, long.MaxValue);
        Check(errors, nameof(CommitEvery), CommitEvery.TotalMilliseconds, 1, 60_000);
        Check(errors, nameof(CheckpointEvery), CheckpointEvery.TotalMilliseconds, 1, 3_600_000);
        return errors;
    }

    private static void Check(List<string> errors, string name, double value, double least, double most)
    {
        if (value >= least && value <= most) return;
        errors.Add(string.Create(CultureInfo.InvariantCulture, $"{name} must be {least} to {most}, not {value}"));
    }
}
