using System.Buffers.Text;

namespace Countersign.Policy;

/// <summary>
/// What a path parameter takes. The order is the order in which parameters are tried at one place: from the type that
/// takes least to the one that takes everything.
/// </summary>
internal enum ParameterType : byte
{
    /// <summary>A whole number of 64 bits, with or without a minus.</summary>
    Int = 0,

    /// <summary>RFC 9562: 36 characters, hexadecimal digits of either case.</summary>
    Uuid,

    /// <summary>A day of the calendar, <c>2026-02-28</c> (RFC 3339 full-date).</summary>
    Date,

    /// <summary>Hexadecimal digits of either case.</summary>
    Hex,

    /// <summary>ASCII letters, digits, <c>-</c> and <c>_</c>, beginning with a letter or digit.</summary>
    Slug,

    /// <summary>Any one segment.</summary>
    Any,
}

/// <summary>Reads and checks the types of path parameters.</summary>
internal static class ParameterTypes
{
    /// <summary>The words of the language, at their places in <see cref="ParameterType"/>.</summary>
    public static IReadOnlyList<string> Words { get; } = ["int", "uuid", "date", "hex", "slug"];

    /// <summary>The bit of every type but <see cref="ParameterType.Any"/> that takes a decoded segment.</summary>
    [HotPath]
    public static int Fitting(ReadOnlySpan<byte> segment)
    {
        int fits = 0;
        if (IsInt(segment)) fits |= 1 << (int)ParameterType.Int;
        if (IsUuid(segment)) fits |= 1 << (int)ParameterType.Uuid;
        if (IsDate(segment)) fits |= 1 << (int)ParameterType.Date;
        if (IsHex(segment)) fits |= 1 << (int)ParameterType.Hex;
        if (IsSlug(segment)) fits |= 1 << (int)ParameterType.Slug;
        return fits;
    }

    [HotPath]
    private static bool IsInt(ReadOnlySpan<byte> segment) =>
        !segment.IsEmpty && segment[0] != (byte)'+'
        && Utf8Parser.TryParse(segment, out long _, out int read) && read == segment.Length;

    [HotPath]
    private static bool IsUuid(ReadOnlySpan<byte> segment) =>
        segment.Length == 36 && Utf8Parser.TryParse(segment, out Guid _, out int read) && read == segment.Length;

    [HotPath]
    private static bool IsDate(ReadOnlySpan<byte> segment)
    {
        if (segment.Length != 10 || segment[4] != (byte)'-' || segment[7] != (byte)'-') return false;
        int year = Number(segment[..4]);
        int month = Number(segment[5..7]);
        int day = Number(segment[8..]);
        return year >= 1 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month);
    }

    /// <summary>-1 if there is anything but digits.</summary>
    [HotPath]
    private static int Number(ReadOnlySpan<byte> digits)
    {
        int number = 0;
        foreach (byte one in digits)
        {
            if (one is < (byte)'0' or > (byte)'9') return -1;
            number = (number * 10) + one - '0';
        }

        return number;
    }

    [HotPath]
    private static bool IsHex(ReadOnlySpan<byte> segment)
    {
        foreach (byte one in segment)
        {
            if (!char.IsAsciiHexDigit((char)one)) return false;
        }

        return !segment.IsEmpty;
    }

    [HotPath]
    private static bool IsSlug(ReadOnlySpan<byte> segment)
    {
        foreach (byte one in segment)
        {
            if (!char.IsAsciiLetterOrDigit((char)one) && one is not ((byte)'-' or (byte)'_')) return false;
        }

        return !segment.IsEmpty && char.IsAsciiLetterOrDigit((char)segment[0]);
    }
}
