
namespace Countersign.DataPlane.Http;

/// <summary>
/// Refuses paths that two parsers could resolve differently (DESIGN 4.3), since policy matches on paths and what it
/// matched goes upstream byte for byte.
/// </summary>
internal static class PathRules
{
    // Beyond this no path segment that a function could name is decoded on the stack.
    private const int SegmentBytesMax = 1024;

    /// <summary>
    /// Only the characters of RFC 3986 may stand in a target. A backslash, which some servers take for a slash, makes
    /// it ambiguous; anything else is malformed.
    /// </summary>
    [HotPath]
    internal static HttpFault CheckCharacters(ReadOnlySpan<byte> target)
    {
        int odd = target.IndexOfAnyExcept(HttpChars.Target);
        if (odd < 0) return HttpFault.None;
        return target[odd] == '\\' ? HttpFault.AmbiguousPath : IsQueryCharacter(target, odd);
    }

    /// <summary>
    /// Dot segments, empty segments, encoded slashes and backslashes, NULs, bad escapes, overlong UTF-8.
    /// </summary>
    [HotPath]
    internal static HttpFault Check(ReadOnlySpan<byte> path)
    {
        if (path.Length == 1) return HttpFault.None;
        bool isEncoded = path.Contains((byte)'%');
        int start = 1;
        while (start <= path.Length)
        {
            int length = path[start..].IndexOf((byte)'/');
            ReadOnlySpan<byte> segment = length < 0 ? path[start..] : path.Slice(start, length);
            if (segment.IsEmpty || IsDots(segment)) return HttpFault.AmbiguousPath;
            if (isEncoded && !DecodesOneWay(segment)) return HttpFault.AmbiguousPath;
            start += segment.Length + 1;
        }

        return HttpFault.None;
    }

    // Servers that know path parameters cut a segment at its semicolon, and resolve its dots after that.
    private static bool IsDots(ReadOnlySpan<byte> segment)
    {
        int parameters = segment.IndexOf((byte)';');
        ReadOnlySpan<byte> name = parameters < 0 ? segment : segment[..parameters];
        return name is [] or [(byte)'.'] or [(byte)'.', (byte)'.'];
    }

    // Clients send these raw in queries, and no server reads them two ways there: " < > [ ] ^ ` { | }.
    private static HttpFault IsQueryCharacter(ReadOnlySpan<byte> target, int odd)
    {
        int query = target.IndexOf((byte)'?');
        if (query < 0 || odd < query) return HttpFault.Malformed;
        foreach (byte one in target[query..])
        {
            if (one is <= 0x20 or >= 0x7F or (byte)'#' or (byte)'\\') return HttpFault.Malformed;
        }

        return HttpFault.None;
    }

    private static bool DecodesOneWay(ReadOnlySpan<byte> segment)
    {
        if (!segment.Contains((byte)'%')) return true;
        if (segment.Length > SegmentBytesMax) return false;
        Span<byte> decoded = stackalloc byte[SegmentBytesMax];
        int count = 0;
        for (int at = 0; at < segment.Length; at++)
        {
            byte one = segment[at];
            if (one == '%')
            {
                if (at + 2 >= segment.Length) return false;
                int high = HttpChars.HexValue(segment[at + 1]), low = HttpChars.HexValue(segment[at + 2]);
                if (high < 0 || low < 0) return false;
                one = (byte)((high << 4) | low);
                at += 2;
                if (one is < 0x20 or 0x7F or (byte)'/' or (byte)'\\') return false;
            }

            decoded[count++] = one;
        }

        ReadOnlySpan<byte> whole = decoded[..count];
        return !IsDots(whole) && !DecodesAgain(whole) && System.Text.Unicode.Utf8.IsValid(whole);
    }

    // "%252e", and "%25%32%65" too, is a dot to a reader that decodes twice.
    private static bool DecodesAgain(ReadOnlySpan<byte> decoded)
    {
        for (int at = 0; at + 2 < decoded.Length; at++)
        {
            bool isEscape = decoded[at] == '%' && HttpChars.HexValue(decoded[at + 1]) >= 0
                && HttpChars.HexValue(decoded[at + 2]) >= 0;
            if (isEscape) return true;
        }

        return false;
    }
}
