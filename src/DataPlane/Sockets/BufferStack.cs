using System.Buffers;
using System.Collections.Concurrent;

namespace Countersign.DataPlane.Sockets;

/// <summary>
/// Buffers that sockets borrow, kept per thread and last in first out, so that the next one is warm in the core's
/// cache. The shared pool keeps too few of a size for a loop of many busy connections and would make new ones. The
/// collector never moves those of the usual sizes, so that the kernel can be given their addresses
/// (<see cref="Ring"/>).
/// </summary>
internal static class BufferStack
{
    // What some turns of a loop need, 1.5 MiB a thread at most. What a burst needs beyond that, and what one thread
    // takes and another gives back, is kept for all of them, up to 8 MiB.
    private const int SmallBytes = 4_096, MiddleBytes = 16_384;
    private const int SmallMax = 128, MiddleMax = 64;
    private static readonly Spare s_small = new(SmallBytes, buffersMax: 1_024);
    private static readonly Spare s_middle = new(MiddleBytes, buffersMax: 256);

    [ThreadStatic]
    private static Shelf? t_small;

    [ThreadStatic]
    private static Shelf? t_middle;

    /// <summary>A buffer of at least this many bytes.</summary>
    [HotPath]
    internal static byte[] Rent(int bytes)
    {
        if (bytes <= SmallBytes) return Take(t_small) ?? s_small.Take();
        if (bytes <= MiddleBytes) return Take(t_middle) ?? s_middle.Take();
        return ArrayPool<byte>.Shared.Rent(bytes); // of the next power of two, so of no usual size
    }

    /// <summary>Takes a buffer back; its user has wiped it.</summary>
    [HotPath]
    internal static void Return(byte[] buffer)
    {
        switch (buffer.Length)
        {
            case SmallBytes:
                if (!TryKeep(t_small ??= new Shelf(SmallMax), buffer)) s_small.Keep(buffer);
                break;
            case MiddleBytes:
                if (!TryKeep(t_middle ??= new Shelf(MiddleMax), buffer)) s_middle.Keep(buffer);
                break;
            default:
                ArrayPool<byte>.Shared.Return(buffer);
                break;
        }
    }

    /// <summary>True if the collector never moves it.</summary>
    [HotPath]
    internal static bool IsPinned(byte[] buffer) => buffer.Length is SmallBytes or MiddleBytes;

    private static byte[]? Take(Shelf? shelf) =>
        shelf is null || shelf.Count == 0 ? null : shelf.Buffers[--shelf.Count];

    private static bool TryKeep(Shelf shelf, byte[] buffer)
    {
        if (shelf.Count == shelf.Buffers.Length) return false;
        shelf.Buffers[shelf.Count++] = buffer;
        return true;
    }

    private sealed class Shelf(int buffersMax)
    {
        internal byte[][] Buffers { get; } = new byte[buffersMax][];

        internal int Count { get; set; }
    }

    // What threads need beyond their own; beyond its bound the collector has it.
    private sealed class Spare(int bytes, int buffersMax)
    {
        private readonly ConcurrentQueue<byte[]> _buffers = new();

        internal byte[] Take() => _buffers.TryDequeue(out byte[]? kept)
            ? kept
            : GC.AllocateUninitializedArray<byte>(bytes, pinned: true);

        internal void Keep(byte[] buffer)
        {
            if (_buffers.Count < buffersMax) _buffers.Enqueue(buffer);
        }
    }
}
