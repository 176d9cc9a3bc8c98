using System.Runtime.Intrinsics;

namespace Countersign.Masking;

/// <summary>How many bytes one instruction looks at. All give the same masks.</summary>
internal enum BlockWidth : byte
{
    Scalar = 0,
    Bits128,
    Bits256,
    Bits512,

    /// <summary>As <see cref="Bits512"/>, and masks of eight blocks at once.</summary>
    Eights,
}

/// <summary>64 bytes, asked for one bit each: the lowest is the first byte's.</summary>
internal interface IBlockBytes<TSelf>
    where TSelf : struct, IBlockBytes<TSelf>
{
    /// <summary>The first 64 of <paramref name="bytes"/>.</summary>
    static abstract TSelf Load(ReadOnlySpan<byte> bytes);

    /// <summary>Of the bytes of <paramref name="around"/> from the ninth on, the 64 before which a name of
    /// <paramref name="names"/> may end; too many, never too few.</summary>
    static abstract ulong NameEnds(ReadOnlySpan<byte> around, KeyTrails names);

    /// <summary>Of the same bytes those at which it shows that they, or the three before them, are not UTF-8 (RFC
    /// 3629).</summary>
    static abstract ulong NotUtf8(ReadOnlySpan<byte> around);

    /// <summary>The first bytes of the literals of JSON in the first 64 of <paramref name="bytes"/>, which has eight
    /// more, among <paramref name="starts"/>; <paramref name="fives"/> are those of <c>false</c>.</summary>
    static abstract ulong Literals(ReadOnlySpan<byte> bytes, ulong starts, out ulong fives);

    /// <summary>Bytes that are <paramref name="value"/>.</summary>
    ulong Equal(byte value);

    /// <summary>Bytes that are <paramref name="value"/> once 0x20 is set in them.</summary>
    ulong EqualFolded(byte value);

    /// <summary>Bytes of <paramref name="count"/> values from <paramref name="first"/> on.</summary>
    ulong InRange(byte first, byte count);

    /// <summary>Bytes from 0x80 on.</summary>
    ulong High();

    /// <summary>What may stand between values: brackets, colons, commas and white space of JSON.</summary>
    ulong Between();

    /// <summary>Backslashes and bytes from 0x80 on: what plain text has none of.</summary>
    ulong Special();

    /// <summary>What may follow a backslash, but quotes, backslashes and <c>u</c>.</summary>
    ulong EscapeLetters();

    /// <summary>Writes the bytes of <paramref name="mask"/>, one behind another, to <paramref name="target"/>, which
    /// has room for 64: what is behind them there means nothing.</summary>
    void Compress(ulong mask, Span<byte> target);
}

/// <summary>Tables that tell bytes apart by their lower half: at the half's place the only byte with it that counts.
/// Where none does stands one that has another half.</summary>
internal static class HalfByteTables
{
    /// <summary>Of brackets, colons and commas, once 0x20 is set; two control characters are then taken for some of
    /// them.</summary>
    public static ReadOnlySpan<byte> Marks =>
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)':', (byte)'{', (byte)',', (byte)'}', 0, 0];

    /// <summary>Of white space.</summary>
    public static ReadOnlySpan<byte> Blanks =>
        [(byte)' ', 0, 0, 0, 0, 0, 0, 0, 0, (byte)'\t', (byte)'\n', 0, 0, (byte)'\r', 0, 0];

    /// <summary>Of what may follow a backslash; <c>r</c> has the half of <c>b</c> and is not there.</summary>
    public static ReadOnlySpan<byte> Escapes =>
        [1, 0, (byte)'b', 0, (byte)'t', 0, (byte)'f', 0, 0, 0, 0, 0, 0, 0, (byte)'n', (byte)'/'];

    /// <summary>A table four times over, for each 16 bytes of a block.</summary>
    public static Vector512<byte> Repeat(ReadOnlySpan<byte> table) =>
        Vector512.Create([.. table, .. table, .. table, .. table]);
}
