using System.Buffers;

namespace Countersign.Masking.Detectors;

/// <summary>
/// Text of 8 to 512 bytes that looks random: a Shannon entropy of 3 bits per byte or more, and a digit or letters in
/// both cases. Alone it means nothing, since ids and hashes look the same, so it counts beside a telling name: in a
/// value that has one, or after <c>name=</c> or <c>name: </c> in a text. There, four groups of four small letters with
/// the same blank or dash between them count too, which is how Google and Apple write passwords of apps: all of the
/// value, or all up to where one in a text ends.
/// </summary>
internal static class HighEntropySecret
{
    /// <summary>Bytes of four groups of four letters.</summary>
    public const int GroupedBytes = (GroupLetters * 4) + 3;

    private const int GroupLetters = 4;
    private const double BitsMin = 3.0 - 1e-9;   // eight bytes that all differ have three

    private static readonly SearchValues<byte> BlankBytes = SearchValues.Create(Controls());
    private static readonly SearchValues<byte> Ends = SearchValues.Create([.. Controls(), .. "\"'`,;&<>()[]{}"u8]);
    private static readonly double[] Weighted =
        [0, .. Enumerable.Range(1, DetectorLimits.SecretMax).Select(count => count * Math.Log2(count))];

    private const int SureLessThan = 8;      // different bytes: seven have 2.81 bits
    private const double Margin = 1e-10;     // sums in another order differ by far less
    private static readonly int[] SureFrom = Sure();

    /// <summary>The first secret that begins at or after <paramref name="from"/> in a value with a telling
    /// name.</summary>
    public static Detection InValue(ReadOnlySpan<byte> value, int from)
    {
        if (value.Length > DetectorLimits.TellingValueMax) return Detection.None;
        int first = Math.Max(0, value.IndexOfAnyExcept(BlankBytes));
        ReadOnlySpan<byte> whole = value[first..(value.LastIndexOfAnyExcept(BlankBytes) + 1)];
        if (first >= from && IsGrouped(whole)) return new(first, GroupedBytes, DetectorSet.HighEntropy);
        int place = from;
        if (from > 0 && !BlankBytes.Contains(value[from - 1])) place = from + Run(value[from..], BlankBytes);
        while (place < value.Length)
        {
            int length = Run(value[place..], BlankBytes);
            if (IsSecret(value.Slice(place, length))) return new(place, length, DetectorSet.HighEntropy);
            place += length + 1;
        }

        return Detection.None;
    }

    /// <summary>Finds the secret that is assigned by the <c>=</c> or <c>:</c> at <paramref name="sign"/>.</summary>
    public static Detection After(ReadOnlySpan<byte> value, int sign)
    {
        if (!TellingNames.MayEndBefore(value, sign)) return Detection.None;
        if (!HasTellingName(value[Math.Max(0, sign - DetectorLimits.NameMax - 2)..sign])) return Detection.None;
        int start = sign + 1;
        for (int blanks = 0; blanks < 2 && start < value.Length && value[start] == ' '; blanks++) start++;
        if (start < value.Length && value[start] is (byte)'"' or (byte)'\'') start++;
        start += Scheme(value[start..]);
        ReadOnlySpan<byte> rest = value[start..Math.Min(value.Length, start + DetectorLimits.SecretMax + 1)];
        int length = Run(rest, Ends);
        if (BeginsGrouped(rest)) length = GroupedBytes;
        else if (!IsSecret(rest[..length])) return Detection.None;
        return new(start, length, DetectorSet.HighEntropy);
    }

    // Words that go on are a sentence.
    private static bool BeginsGrouped(ReadOnlySpan<byte> text)
    {
        if (text.Length <= GroupedBytes) return IsGrouped(text);
        byte next = text[GroupedBytes];
        return next is not ((byte)' ' or (byte)'\t') && Ends.Contains(next) && IsGrouped(text[..GroupedBytes]);
    }

    private static bool IsGrouped(ReadOnlySpan<byte> text)
    {
        if (text.Length != GroupedBytes || text[GroupLetters] is not ((byte)' ' or (byte)'-')) return false;
        for (int place = 0; place < text.Length; place++)
        {
            bool parts = place % (GroupLetters + 1) == GroupLetters;
            if (parts ? text[place] != text[GroupLetters] : !AsciiClass.IsLower(text[place])) return false;
        }

        return IsMixed(text, new ByteSet(text));
    }

    // `Authorization: Bearer …` and its like.
    private static int Scheme(ReadOnlySpan<byte> text)
    {
        int length = text.StartsWith("Bearer "u8) || text.StartsWith("bearer "u8) ? 7 : 0;
        return text.StartsWith("Basic "u8) || text.StartsWith("Token "u8) ? 6 : length;
    }

    // The name may stand in quotes, and one blank may follow it.
    private static bool HasTellingName(ReadOnlySpan<byte> before)
    {
        if (before.Length > 0 && before[^1] == ' ') before = before[..^1];
        if (before.Length > 0 && before[^1] is (byte)'"' or (byte)'\'') before = before[..^1];
        int start = before.Length;
        while (start > 0 && (AsciiClass.IsBase64Url(before[start - 1]) || before[start - 1] == '.')) start--;
        return TellingNames.IsTelling(before[start..]);
    }

    private static int Run(ReadOnlySpan<byte> text, SearchValues<byte> ends)
    {
        int length = text.IndexOfAny(ends);
        return length < 0 ? text.Length : length;
    }

    private static bool IsSecret(ReadOnlySpan<byte> text)
    {
        if (text.Length is < DetectorLimits.SecretMin or > DetectorLimits.SecretMax) return false;
        var bytes = new ByteSet(text);
        return (bytes.HasDigit || (bytes.HasCapital && bytes.HasSmall)) && IsMixed(text, bytes);
    }

    // How many bytes differ tells of most texts whether they have enough bits: fewer than eight have not, and so many
    // have that would have enough even if all others were the same.
    private static bool IsMixed(ReadOnlySpan<byte> text, in ByteSet bytes)
    {
        if (bytes.IsAscii && bytes.Count < SureLessThan) return false;
        return bytes.Count >= SureFrom[text.Length] || Bits(text) >= BitsMin;
    }

    private static double Bits(ReadOnlySpan<byte> text)
    {
        Span<ushort> counts = stackalloc ushort[256];
        counts.Clear();
        foreach (byte one in text) counts[one]++;
        double sum = 0;
        foreach (byte one in text)
        {
            sum += Weighted[counts[one]];
            counts[one] = 0;
        }

        return (Weighted[text.Length] - sum) / text.Length;
    }

    // By a text's length: of how many different bytes, the others being one of them, it has bits enough for sure.
    private static int[] Sure()
    {
        int[] sure = new int[DetectorLimits.SecretMax + 1];
        for (int length = 0; length <= DetectorLimits.SecretMax; length++)
        {
            int different = 1;
            while (different <= length && Bits(length, different) < BitsMin + Margin) different++;
            sure[length] = different;
        }

        return sure;
    }

    private static double Bits(int length, int different) =>
        (Weighted[length] - Weighted[length - different + 1]) / length;

    private static byte[] Controls() => [.. Enumerable.Range(0, 0x21).Select(one => (byte)one), 0x7F];
}
