using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Countersign.Masking;

/// <summary>Many short pieces on their way to one output: they are copied into the room that it last gave, which is
/// counted once. Nothing else may write to the output before <see cref="Flush"/>.</summary>
internal ref struct OutputRun(IBufferWriter<byte> output)
{
    private const int StepBytes = 64;
    private const int StepsBytesMax = 256;   // more is sooner left to the runtime's own copy
    private const ulong Redacted = 0x22_2A_2A_2A_22;   // "***" with its quotes, in the order of the bytes
    private const int RedactedBytes = 5;
    private const ulong Stars = 0x2A_2A_2A;
    private const int StarBytes = 3;

    private Span<byte> _room;
    private int _count;

    /// <summary>Adds a piece behind.</summary>
    public void Add(scoped ReadOnlySpan<byte> bytes)
    {
        if (!bytes.TryCopyTo(_room[_count..]))
        {
            AddBeyond(bytes);
            return;
        }

        _count += bytes.Length;
    }

    /// <summary>Adds the bytes of <paramref name="input"/> from <paramref name="from"/> to <paramref name="to"/>, and
    /// behind them a string of three stars. Short pieces are copied in whole steps: what is too much of the last step
    /// is written over, or wiped by <see cref="Flush"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddRedacted(scoped ReadOnlySpan<byte> input, int from, int to)
    {
        if (TryAdd(input, from, to, Redacted, RedactedBytes)) return;
        Add(input[from..to]);
        Add("\"***\""u8);
    }

    /// <summary>The same, and three stars alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddStars(scoped ReadOnlySpan<byte> input, int from, int to)
    {
        if (TryAdd(input, from, to, Stars, StarBytes)) return;
        Add(input[from..to]);
        Add("***"u8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryAdd(scoped ReadOnlySpan<byte> input, int from, int to, ulong behind, int behindBytes)
    {
        int length = to - from;
        bool isShort = (uint)length <= StepsBytesMax && to + StepBytes <= input.Length
            && _count + length + StepBytes <= _room.Length;
        if (!isShort) return false;
        scoped ReadOnlySpan<byte> piece = input.Slice(from, length + StepBytes);
        Span<byte> room = _room.Slice(_count, length + StepBytes);
        for (int done = 0; done < length; done += StepBytes)
            Vector512.Create(piece[done..]).CopyTo(room[done..]);
        BinaryPrimitives.WriteUInt64LittleEndian(room[length..], behind);
        _count += length + behindBytes;
        return true;
    }

    /// <summary>Hands over what was added, and the output with it.</summary>
    public IBufferWriter<byte> Flush()
    {
        _room.Slice(_count, Math.Min(StepBytes, _room.Length - _count)).Clear();
        if (_count > 0) output.Advance(_count);
        _room = default;
        _count = 0;
        return output;
    }

    private void AddBeyond(scoped ReadOnlySpan<byte> bytes)
    {
        Flush();
        Span<byte> room = output.GetSpan();
        if (bytes.TryCopyTo(room))
        {
            _room = room;
            _count = bytes.Length;
            return;
        }

        output.Write(bytes);   // over as many pieces of memory as it takes
    }
}
