using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Countersign.Masking.Detectors;

/// <summary>A value, and what stands around it: that may be read with it, so that most reads need no copy among zeros,
/// but says nothing of the value.</summary>
internal readonly ref struct ValueText
{
    private const int BlockBytes = 64;
    private const int PartBytes = 32;

    private readonly ReadOnlySpan<byte> _around;
    private readonly int _start;   // of the value, in what is around it

    /// <summary>A value by itself.</summary>
    public ValueText(ReadOnlySpan<byte> value)
    {
        Value = value;
        _around = value;
    }

    /// <summary>The value from <paramref name="start"/> to <paramref name="end"/> of
    /// <paramref name="around"/>.</summary>
    public ValueText(ReadOnlySpan<byte> around, int start, int end)
    {
        Value = around[start..end];
        _around = around;
        _start = start;
    }

    /// <summary>The value alone.</summary>
    public ReadOnlySpan<byte> Value { get; }

    /// <summary>What stands from <paramref name="place"/> on, no less than the value, as far as it may be
    /// read.</summary>
    public ReadOnlySpan<byte> From(int place) => _around[(_start + place)..];

    /// <summary>The 64 bytes from <paramref name="place"/>; <paramref name="inValue"/> has a bit for each of the
    /// value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<byte> Block(int place, out ulong inValue)
    {
        int left = Value.Length - place;
        inValue = left >= BlockBytes ? ulong.MaxValue : (1UL << left) - 1;
        ReadOnlySpan<byte> from = _around[(_start + place)..];
        return from.Length >= BlockBytes ? Vector512.Create(from) : Padded(Value[place..]);
    }

    /// <summary>The 64 bytes before <paramref name="place"/>; <paramref name="inValue"/> has a bit for each of the
    /// value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<byte> BlockBefore(int place, out ulong inValue)
    {
        inValue = place >= BlockBytes ? ulong.MaxValue : ~(ulong.MaxValue >> place);
        int from = _start + place - BlockBytes;
        return from >= 0 ? Vector512.Create(_around[from..]) : PaddedBefore(Value[..Math.Min(place, BlockBytes)]);
    }

    /// <summary>The 32 bytes from <paramref name="place"/>; <paramref name="inValue"/> has a bit for each of the
    /// value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<byte> Part(int place, out uint inValue)
    {
        int left = Value.Length - place;
        inValue = left >= PartBytes ? uint.MaxValue : (1U << left) - 1;
        ReadOnlySpan<byte> from = _around[(_start + place)..];
        return from.Length >= PartBytes ? Vector256.Create(from) : Padded(Value[place..]).GetLower();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector512<byte> Padded(ReadOnlySpan<byte> bytes)
    {
        Span<byte> padded = stackalloc byte[BlockBytes];
        bytes[..Math.Min(bytes.Length, BlockBytes)].CopyTo(padded);
        return Vector512.Create<byte>(padded);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector512<byte> PaddedBefore(ReadOnlySpan<byte> bytes)
    {
        Span<byte> padded = stackalloc byte[BlockBytes];
        bytes.CopyTo(padded[(BlockBytes - bytes.Length)..]);
        return Vector512.Create<byte>(padded);
    }
}
