using System.Buffers;

namespace Countersign.DataPlane.Sockets;

/// <summary>
/// Buffers that sockets borrow, kept per thread and last in first out, so that the next one is warm in the core's
/// cache. The shared pool keeps too few of a size for a loop of many busy connections and would make new ones.
/// </summary>
internal static class BufferStack
{
    // Together 4 MiB a thread at most: what a burst needs beyond that goes back to the shared pool.
    private const int SmallBytes = 4_096, MiddleBytes = 16_384;
    private const int SmallMax = 512, MiddleMax = 128;

    [ThreadStatic]
    private static Shelf? t_small;

    [ThreadStatic]
    private static Shelf? t_middle;

    /// <summary>A buffer of at least this many bytes.</summary>
    [HotPath]
    internal static byte[] Rent(int bytes)
    {
        if (bytes <= SmallBytes) return Take(t_small) ?? ArrayPool<byte>.Shared.Rent(SmallBytes);
        if (bytes <= MiddleBytes) return Take(t_middle) ?? ArrayPool<byte>.Shared.Rent(MiddleBytes);
        return ArrayPool<byte>.Shared.Rent(bytes);
    }

    /// <summary>Takes a buffer back; its user has wiped it.</summary>
    [HotPath]
    internal static void Return(byte[] buffer)
    {
        bool isKept = buffer.Length switch
        {
            SmallBytes => TryKeep(t_small ??= new Shelf(SmallMax), buffer),
            MiddleBytes => TryKeep(t_middle ??= new Shelf(MiddleMax), buffer),
            _ => false,
        };
        if (!isKept) ArrayPool<byte>.Shared.Return(buffer);
    }

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
}
