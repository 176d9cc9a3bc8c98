using System.Buffers;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking.Detectors;

/// <summary>
/// An e-mail address as people write it: a local part of up to 64 letters, digits and <c>._%+'-</c>, and a domain of
/// two labels or more that ends in letters. Characters beyond ASCII may stand in the local part and in labels
/// (RFC 6531).
/// </summary>
internal static class EmailAddress
{
    // A local part that is cut at its most may begin up to three bytes later, at a whole character.
    private const int SureMax = DetectorLimits.LocalPartMax - 3;

    // A run that is longer than a local part may be still ends in one: its last 64 bytes are taken.
    private static readonly SearchValues<byte> NotLocal = SearchValues.Create(Others(Local()));
    private static readonly SearchValues<byte> Label = SearchValues.Create(Labels());

    /// <summary>Finds the address around the <c>@</c> at <paramref name="sign"/>.</summary>
    public static Detection Around(in ValueText text, int sign)
    {
        if (!Avx512Vbmi.IsSupported) return Around(text.Value, sign);
        return AddressBlocks.TryFind(text, sign, out Detection found) ? found : Around(text.Value, sign);
    }

    /// <summary>The same, byte by byte.</summary>
    public static Detection Around(ReadOnlySpan<byte> value, int sign)
    {
        int least = Math.Max(0, sign - DetectorLimits.LocalPartMax);
        int start = least + value[least..sign].LastIndexOfAny(NotLocal) + 1;
        if (start == least && least > 0)
        {
            while (start < sign && (value[start] & 0xC0) == 0x80) start++;   // not in the midst of a character
        }

        if (start == sign || !HoldsWord(value[start..sign])) return Detection.None;
        int end = EndOfDomain(value, sign + 1);
        return end == 0 ? Detection.None : new Detection(start, end - start, DetectorSet.Email);
    }

    /// <summary>True if one may begin before <paramref name="place"/> and end behind it.</summary>
    public static bool MayCross(ReadOnlySpan<byte> value, int place) =>
        place >= value.Length || value[place] == '@' || !NotLocal.Contains(value[place]);

    /// <summary>True if <paramref name="one"/> may stand in a local part.</summary>
    public static bool IsLocal(byte one) => !NotLocal.Contains(one);

    /// <summary>True if one that goes on before <paramref name="place"/> may have its sign there or behind.</summary>
    public static bool Crosses(ReadOnlySpan<byte> value, int place)
    {
        ReadOnlySpan<byte> rest = value[place..Math.Min(value.Length, place + DetectorLimits.LocalPartMax)];
        int sign = rest.IndexOfAny(NotLocal);
        return sign >= 0 && rest[sign] == '@';
    }

    /// <summary>True where it is sure that the one around the <c>@</c> at <paramref name="sign"/>, if there is one,
    /// begins before <paramref name="from"/>, a place at or before the sign.</summary>
    public static bool BeginsBefore(ReadOnlySpan<byte> value, int sign, int from) =>
        from > 0 && sign - from < SureMax && value[from - 1] < 0x80 && !NotLocal.Contains(value[from - 1])
        && value[from..sign].IndexOfAny(NotLocal) < 0;

    private static bool HoldsWord(ReadOnlySpan<byte> local)
    {
        foreach (byte one in local)
        {
            if (AsciiClass.IsWord(one) || one >= 0x80) return true;
        }

        return false;
    }

    /// <summary>Where the longest domain that begins at <paramref name="start"/> ends, or 0.</summary>
    private static int EndOfDomain(ReadOnlySpan<byte> value, int start)
    {
        ReadOnlySpan<byte> rest = value[start..Math.Min(value.Length, start + DetectorLimits.DomainMax)];
        int end = 0;
        int place = 0;
        for (bool isFirst = true; place < rest.Length; isFirst = false)
        {
            int length = rest[place..].IndexOfAnyExcept(Label);
            if (length < 0) length = rest.Length - place;
            if (length == 0) break;
            if (!isFirst)
            {
                int top = TopLevel(rest.Slice(place, length));
                if (top > 0) end = start + place + top;
            }

            place += length;
            if (place >= rest.Length || rest[place] != '.') break;
            place++;
        }

        return end;
    }

    // How many bytes of a label a top level domain can have: two letters or more, or none of ASCII, or a whole A-label.
    // Letters that text in another script touches are taken without it.
    private static int TopLevel(ReadOnlySpan<byte> label)
    {
        int beyond = 0;
        while (beyond < label.Length && label[beyond] >= 0x80) beyond++;
        if (beyond > 0) return beyond == label.Length ? beyond : 0;
        if (label.Length > 4 && (label[0] | 0x20) == 'x' && (label[1] | 0x20) == 'n' && label[2] == '-'
            && label[3] == '-')
        {
            return label.IndexOfAnyInRange((byte)0x80, (byte)0xFF) < 0 ? label.Length : 0;
        }

        int letters = 0;
        while (letters < label.Length && AsciiClass.IsLetter(label[letters])) letters++;
        return letters >= 2 && (letters == label.Length || label[letters] >= 0x80) ? letters : 0;
    }

    private static byte[] Local() =>
        [.. "._%+'-"u8, .. Ascii(AsciiClass.IsWord), .. Beyond()];

    private static byte[] Labels() => [(byte)'-', .. Ascii(AsciiClass.IsWord), .. Beyond()];

    private static byte[] Beyond() => [.. Enumerable.Range(0x80, 0x80).Select(one => (byte)one)];

    private static byte[] Ascii(Func<byte, bool> kind) =>
        [.. Enumerable.Range(0, 0x80).Select(one => (byte)one).Where(kind)];

    private static byte[] Others(byte[] bytes) =>
        [.. Enumerable.Range(0, 0x100).Select(one => (byte)one).Except(bytes)];
}
