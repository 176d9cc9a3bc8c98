using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Countersign.Masking;

/// <summary>The short names, in their folded spelling: most bodies spell them so, and
/// one compare of 16 bytes then finds what is said of them. Immutable.</summary>
internal sealed class ShortNames
{
    private const int BytesMax = 16;
    private const ulong Factor = 0x9E37_79B9_7F4A_7C15;

    private readonly Vector128<byte>[] _names;   // each behind zeros, of which no name in a body has one
    private readonly NameHit[] _hits;
    private readonly int _shift;

    /// <summary>Those of <paramref name="names"/> that are short, and what <paramref name="find"/> says of
    /// them.</summary>
    public ShortNames(IReadOnlyList<byte[]> names, Func<byte[], NameHit> find)
    {
        byte[][] all = [.. names.Where(name => name.Length is > 0 and <= BytesMax && find(name) != NameHit.None)];
        int bits = BitOperations.Log2((uint)all.Length * 2 + 1) + 1;
        _shift = 64 - bits;
        _names = new Vector128<byte>[1 << bits];
        _hits = new NameHit[1 << bits];
        byte[] padded = new byte[BytesMax];
        foreach (byte[] name in all)
        {
            padded.AsSpan().Clear();
            name.CopyTo(padded, BytesMax - name.Length);
            var key = Vector128.Create(padded);
            int slot = SlotOf(key);
            while (_names[slot] != default) slot = slot + 1 & _names.Length - 1;
            (_names[slot], _hits[slot]) = (key, find(name));
        }
    }

    // 16 bytes from the length of a name on keep as many as it has, the last ones.
    private static ReadOnlySpan<byte> Kept =>
    [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    ];

    /// <summary>True if the name of <paramref name="length"/> bytes that ends before <paramref name="end"/>, none of
    /// them escaped, is one of these; false also says that it may be one in another spelling.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFind(ReadOnlySpan<byte> input, int end, int length, out NameHit hit)
    {
        hit = NameHit.None;
        if ((uint)(length - 1) >= BytesMax || end < BytesMax) return false;
        Vector128<byte> name = Vector128.Create(input[(end - BytesMax)..]) & Vector128.Create(Kept[length..]);
        Vector128<byte>[] names = _names;
        for (int slot = SlotOf(name); (uint)slot < (uint)names.Length; slot = slot + 1 & names.Length - 1)
        {
            if (names[slot] == name)
            {
                hit = _hits[slot];
                return true;
            }

            if (names[slot] == default) return false;
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int SlotOf(Vector128<byte> name)
    {
        Vector128<ulong> halves = name.AsUInt64();
        return (int)((halves[1] ^ BitOperations.RotateLeft(halves[0], 29)) * Factor >> _shift);
    }
}
