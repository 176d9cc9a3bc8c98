using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking;

/// <summary>A block in two 256-bit vectors.</summary>
internal readonly struct Block256(Vector256<byte> low, Vector256<byte> high) : IBlockBytes<Block256>
{
    private const int HalfBytes = 32;
    private const int Choices = 256;   // of eight bytes

    private static readonly Vector256<byte> MarkTable = HalfByteTables.Repeat(HalfByteTables.Marks).GetLower();
    private static readonly Vector256<byte> BlankTable = HalfByteTables.Repeat(HalfByteTables.Blanks).GetLower();
    private static readonly Vector256<byte> FirstHigh = HalfByteTables.Repeat(Utf8Tables.FirstHigh).GetLower();
    private static readonly Vector256<byte> FirstLow = HalfByteTables.Repeat(Utf8Tables.FirstLow).GetLower();
    private static readonly Vector256<byte> SecondHigh = HalfByteTables.Repeat(Utf8Tables.SecondHigh).GetLower();
    private static readonly ulong[] PlacesOf = MakePlaces();
    private static readonly Vector128<byte>[] JoinAt = MakeJoins();
    private static readonly Vector256<byte> EscapeTable = HalfByteTables.Repeat(HalfByteTables.Escapes).GetLower();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Block256 Load(ReadOnlySpan<byte> bytes) =>
        new(Vector256.Create(bytes), Vector256.Create(bytes[HalfBytes..]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong NameEnds(ReadOnlySpan<byte> around, KeyTrails names)
    {
        if (!Avx2.IsSupported) return Block128.NameEnds(around, names);
        Vector256<byte> zero = Vector256<byte>.Zero;
        return ~Join(
            Vector256.Equals(Ends(around, names), zero), Vector256.Equals(Ends(around[HalfBytes..], names), zero));
    }

    public static ulong NotUtf8(ReadOnlySpan<byte> around) => Avx2.IsSupported
        ? ~Join(Sound(around), Sound(around[HalfBytes..]))
        : Block128.NotUtf8(around);

    private static Vector256<byte> Sound(ReadOnlySpan<byte> around)
    {
        Vector256<byte> half = Vector256.Create((byte)0x0F);
        Vector256<byte> second = Vector256.Create(around[8..]);
        Vector256<byte> first = Vector256.Create(around[7..]);
        Vector256<byte> pairs = Avx2.Shuffle(FirstHigh, (first.AsUInt16() >>> 4).AsByte() & half)
            & Avx2.Shuffle(FirstLow, first & half)
            & Avx2.Shuffle(SecondHigh, (second.AsUInt16() >>> 4).AsByte() & half);
        Vector256<byte> third =
            Vector256.SubtractSaturate(Vector256.Create(around[6..]), Vector256.Create(Utf8Tables.ThirdFrom));
        Vector256<byte> fourth =
            Vector256.SubtractSaturate(Vector256.Create(around[5..]), Vector256.Create(Utf8Tables.FourthFrom));
        return Vector256.Equals(pairs, (third | fourth) & Vector256.Create(Utf8Tables.TwoGoOn));
    }

    public static ulong Literals(ReadOnlySpan<byte> bytes, ulong starts, out ulong fives) =>
        LiteralWords.Find(bytes, starts, out fives);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Equal(byte value)
    {
        Vector256<byte> wanted = Vector256.Create(value);
        return Join(Vector256.Equals(low, wanted), Vector256.Equals(high, wanted));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong EqualFolded(byte value)
    {
        Vector256<byte> wanted = Vector256.Create(value);
        Vector256<byte> bit = Vector256.Create((byte)0x20);
        return Join(Vector256.Equals(low | bit, wanted), Vector256.Equals(high | bit, wanted));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong InRange(byte first, byte count)
    {
        Vector256<byte> start = Vector256.Create(first);
        Vector256<byte> last = Vector256.Create((byte)(count - 1));
        Vector256<byte> a = low - start;
        Vector256<byte> b = high - start;
        return Join(Vector256.Equals(Vector256.Min(a, last), a), Vector256.Equals(Vector256.Min(b, last), b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong High() => Join(low, high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Between()
    {
        if (Avx2.IsSupported) return Join(Between(low), Between(high));
        Vector256<byte> bit = Vector256.Create((byte)0x20);
        return (InTable(MarkTable, low | bit, high | bit) & ~InRange(0, 0x20)) | InTable(BlankTable, low, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Special()
    {
        Vector256<byte> wanted = Vector256.Create((byte)'\\');
        return Join(low | Vector256.Equals(low, wanted), high | Vector256.Equals(high, wanted));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong EscapeLetters() => Equal((byte)'r') | InTable(EscapeTable, low, high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Compress(ulong mask, Span<byte> target)
    {
        if (Ssse3.IsSupported)
        {
            int count = Compress(low.GetLower(), (uint)mask, target, 0);
            count = Compress(low.GetUpper(), (uint)(mask >> 16), target, count);
            count = Compress(high.GetLower(), (uint)(mask >> 32), target, count);
            Compress(high.GetUpper(), (uint)(mask >> 48), target, count);
            return;
        }

        new Block128(low.GetLower(), low.GetUpper(), high.GetLower(), high.GetUpper()).Compress(mask, target);
    }

    // Each eight bytes by a look-up of which of them are wanted, and then both eights by how many are of the first.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Compress(Vector128<byte> bytes, uint mask, Span<byte> target, int count)
    {
        ulong[] places = PlacesOf;
        int first = (byte)mask;
        int second = (byte)(mask >> 8);
        Vector128<byte> wanted = Vector128.Create(places[first], places[Choices + second]).AsByte();
        Vector128<byte> kept = Ssse3.Shuffle(bytes, wanted);
        Ssse3.Shuffle(kept, JoinAt[BitOperations.PopCount((uint)first)]).CopyTo(target[count..]);
        return count + BitOperations.PopCount(mask & 0xFFFF);
    }

    // For each choice of the first eight bytes their places, one behind another, and then of the second eight.
    private static ulong[] MakePlaces()
    {
        ulong[] places = new ulong[2 * Choices];
        for (int choice = 0; choice < Choices; choice++)
        {
            int count = 0;
            for (int left = choice; left != 0; left &= left - 1, count++)
                places[choice] |= (ulong)BitOperations.TrailingZeroCount(left) << 8 * count;
            places[Choices + choice] = places[choice] | 0x0808_0808_0808_0808;
        }

        return places;
    }

    // Behind the first so many bytes the second eight.
    private static Vector128<byte>[] MakeJoins() =>
    [
        .. Enumerable.Range(0, 9).Select(count => Vector128.Create(
            [.. Enumerable.Range(0, 16).Select(at => (byte)(at < count ? at : 8 + Math.Min(at - count, 7)))]))
    ];

    // The table of marks also has two control characters for some.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Between(Vector256<byte> bytes)
    {
        Vector256<byte> folded = bytes | Vector256.Create((byte)0x20);
        Vector256<byte> marks = Vector256.Equals(Avx2.Shuffle(MarkTable, folded), folded);
        Vector256<byte> controls = Vector256.Equals(Vector256.Min(bytes, Vector256.Create((byte)0x1F)), bytes);
        return Vector256.AndNot(marks, controls) | Vector256.Equals(Avx2.Shuffle(BlankTable, bytes), bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong InTable(Vector256<byte> table, Vector256<byte> a, Vector256<byte> b)
    {
        if (Avx2.IsSupported)
            return Join(Vector256.Equals(Avx2.Shuffle(table, a), a), Vector256.Equals(Avx2.Shuffle(table, b), b));
        Vector128<byte> half = table.GetLower();
        return Block128.InTable(half, a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Ends(ReadOnlySpan<byte> around, KeyTrails names) =>
        Groups(Vector256.Create(around[7..]), names.Last) & Groups(Vector256.Create(around[6..]), names.SecondLast)
            & Groups(Vector256.Create(around[5..]), names.ThirdLast);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Groups(Vector256<byte> bytes, TrailSet set)
    {
        Vector256<byte> half = Vector256.Create((byte)0x0F);
        Vector256<byte> highs = (bytes.AsUInt16() >>> 4).AsByte() & half;
        return Avx2.Shuffle(set.Low.GetLower(), bytes & half) & Avx2.Shuffle(set.Unfolded.GetLower(), highs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Join(Vector256<byte> a, Vector256<byte> b) =>
        a.ExtractMostSignificantBits() | (ulong)b.ExtractMostSignificantBits() << HalfBytes;
}
