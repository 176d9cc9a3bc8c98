namespace Countersign.Audit;

/// <summary>Every limit of the log and its files, in one place.</summary>
internal static class AuditLimits
{
    // tlog-tiles entry bundles carry a 16-bit length, so no entry may be longer and still be served by standard tools.
    internal const int EntryBytesMax = 65_535;

    // The least in which CallRecord can promise that its shortened fields fit (see AuditJson).
    internal const int RecordBytesMaxLeast = 8_192;

    internal const int FrameHeadBytes = 8;
    internal const int HashBytes = 32;
    internal const int TileHashes = 256;
    internal const int TileBytes = TileHashes * HashBytes;

    // 8 bits a level: eight levels cover every long.
    internal const int TileLevels = 8;

    // What each pooled record holds without renting; most records are 400 to 900 bytes.
    internal const int RecordBytesKept = 1_024;

    // One write to the segment. Larger batches only delay the committers who wait behind them.
    internal const int BatchBytesMax = 1_048_576;

    // So that the leaf hashes of what is not on disk yet have a fixed place; 2 MiB of them. More forces a flush.
    internal const int UnsyncedEntriesMax = 65_536;

    // Room that nobody was promised: 510 calls at once that have written nothing yet, at first; as much as was written
    // since the start, up to what a disk that stalls for half a second leaves queued at 25,000 calls a second.
    internal const long PrepareBytesLeast = 8_388_608;
    internal const long PrepareBytesMost = 33_554_432;

    // A disk with more to spare than this may be promised from before room is made: nobody fills that within LendFor.
    internal const long SpareBytes = 1L << 30;
    internal static readonly TimeSpan LendFor = TimeSpan.FromSeconds(1);

    // What every reserved record is promised: in that much a record of a call fits, with its fields shortened.
    internal const int RecordBytesPromised = RecordBytesMaxLeast;
    internal const int FrameBytesPromised = FrameHeadBytes + RecordBytesPromised;

    // What an outcome adds to what it shares with its intent, with its fields shortened as far as they may be.
    internal const int OutcomeBytesMost = 2_560;

    // The end of a segment that no frame fits in may be lost, once.
    internal const int FrameBytesMost = FrameHeadBytes + EntryBytesMax;

    // How often a disk that was full is asked again.
    internal static readonly TimeSpan RetryEvery = TimeSpan.FromMilliseconds(250);

    // Zeros in one write: what a batch may have to wait for.
    internal const int PrepareStepBytes = 131_072;

    // Lazy records that wake a dozing writer: a committer who arrives next waits for at most this backlog.
    internal const int WakeRecords = 256;

    // How long the writer lets lazy records gather before it looks again.
    internal const int DozeMilliseconds = 2;

    internal const int NoteBytesMax = 65_536;
    internal const int ReadAheadBytes = 262_144;
}
