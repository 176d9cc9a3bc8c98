using System.Buffers;

namespace Countersign.Masking.Detectors;

/// <summary>
/// User and password in a URL (RFC 3986 section 3.2.1), without the rest of it: what stands between <c>://</c> and the
/// last <c>@</c> of the authority, when a colon and something after it is in there.
/// </summary>
internal static class BasicAuth
{
    private static readonly SearchValues<byte> AuthorityEnds = SearchValues.Create(
        [.. Enumerable.Range(0, 0x21).Select(one => (byte)one), .. "/?#\"'<>\\`"u8, 0x7F]);

    /// <summary>Finds what follows the <c>:</c> at <paramref name="colon"/> of <c>://</c>.</summary>
    public static Detection After(ReadOnlySpan<byte> value, int colon)
    {
        int start = colon + 3;
        if (colon == 0 || !AsciiClass.IsWord(value[colon - 1]) || start >= value.Length) return Detection.None;
        if (value[colon + 1] != '/' || value[colon + 2] != '/') return Detection.None;
        ReadOnlySpan<byte> authority = value[start..Math.Min(value.Length, start + DetectorLimits.AuthorityMax)];
        int end = authority.IndexOfAny(AuthorityEnds);
        if (end >= 0) authority = authority[..end];
        int sign = authority.LastIndexOf((byte)'@');
        if (sign <= 0 || sign + 1 >= authority.Length) return Detection.None;
        int parting = authority[..sign].IndexOf((byte)':');
        return parting < 0 || parting == sign - 1
            ? Detection.None
            : new Detection(start, sign, DetectorSet.BasicAuthUrl);
    }
}
