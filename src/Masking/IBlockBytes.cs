using System.Runtime.Intrinsics;

namespace Countersign.Masking;

/// <summary>How many bytes one instruction looks at. All give the same masks.</summary>
internal enum BlockWidth : byte
{
    Scalar = 0,
    Bits128,
    Bits256,
    Bits512,
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

    /// <summary>Bytes that are <paramref name="value"/>.</summary>
    ulong Equal(byte value);

    /// <summary>Bytes that are <paramref name="value"/> once 0x20 is set in them.</summary>
    ulong EqualFolded(byte value);

    /// <summary>Bytes of <paramref name="count"/> values from <paramref name="first"/> on.</summary>
    ulong InRange(byte first, byte count);

    /// <summary>Bytes from 0x80 on.</summary>
    ulong High();

    /// <summary>Brackets, colons and commas, and the control characters 0x0C and 0x1A, which differ from them in one
    /// bit.</summary>
    ulong Marks();

    /// <summary>White space of JSON.</summary>
    ulong Blanks();

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
    /// <summary>Of <see cref="IBlockBytes{TSelf}.Marks"/>, once 0x20 is set.</summary>
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
