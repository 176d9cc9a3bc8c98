using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>What the writer thread owns of an open log.</summary>
internal sealed record OpenedLog(
    LogKey Key, AuditKeyChain Keys, AuditCheckpoint Checkpoint,
    MerkleFrontier Frontier, SegmentWriter Segment, TileWriter Tiles,
    SafeFileHandle Lock) : IDisposable
{
    public void Dispose()
    {
        Segment.Dispose();
        Tiles.Dispose();
        Key.Dispose();
        Lock.Dispose();
    }
}
