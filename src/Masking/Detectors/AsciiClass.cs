namespace Countersign.Masking.Detectors;

/// <summary>
/// Kinds of bytes. A byte beyond ASCII is no letter and no digit here: where Chinese or Cyrillic text touches a number
/// the number is whole, and full-width digits are text.
/// </summary>
internal static class AsciiClass
{
    public static bool IsDigit(byte one) => (uint)(one - '0') <= 9;

    public static bool IsLetter(byte one) => (uint)((one | 0x20) - 'a') <= 25;

    public static bool IsUpper(byte one) => (uint)(one - 'A') <= 25;

    public static bool IsLower(byte one) => (uint)(one - 'a') <= 25;

    public static bool IsWord(byte one) => IsDigit(one) || IsLetter(one);

    public static bool IsBase64Url(byte one) => IsWord(one) || one is (byte)'-' or (byte)'_';

    public static bool IsBlank(byte one) => one is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n';

    /// <summary>True if no letter or digit stands before <paramref name="start"/>.</summary>
    public static bool BeginsWord(ReadOnlySpan<byte> value, int start) => start == 0 || !IsWord(value[start - 1]);

    /// <summary>True if no letter or digit stands at <paramref name="end"/>.</summary>
    public static bool EndsWord(ReadOnlySpan<byte> value, int end) => end >= value.Length || !IsWord(value[end]);

    /// <summary>True if a digit stands at <paramref name="place"/>.</summary>
    public static bool DigitAt(ReadOnlySpan<byte> value, int place) =>
        (uint)place < (uint)value.Length && IsDigit(value[place]);

    /// <summary>Two decimal digits as a number, or -1.</summary>
    public static int Two(ReadOnlySpan<byte> value, int place) =>
        DigitAt(value, place) && DigitAt(value, place + 1)
            ? ((value[place] - '0') * 10) + value[place + 1] - '0'
            : -1;
}
