namespace Countersign.Masking;

/// <summary>How a text begins that may be JSON to some reader, however lax.</summary>
internal static class JsonOpening
{
    /// <summary>False if a string whose raw content begins so holds no JSON text.</summary>
    public static bool MayBegin(byte first) =>
        first is (byte)'{' or (byte)'[' or (byte)' ' or (byte)'\\' or 0xC2 or 0xE2 or 0xEF;

    /// <summary>True if the text begins with an object or array, or with a string whose content may do so.</summary>
    public static bool Begins(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty) return false;
        return text[0] is (byte)'{' or (byte)'[' || (text[0] == '"' && MayBeginInString(text));
    }

    /// <summary>How many bytes the text begins with that somebody passes over before JSON: white space, which for
    /// many readers is more than JSON's, and byte order marks.</summary>
    public static int Blanks(ReadOnlySpan<byte> text)
    {
        int place = 0;
        while (BlankAt(text[place..]) is > 0 and int length) place += length;
        return place;
    }

    // Behind a string's quote, escaped any number of times, and behind blanks, escaped or not. What is escaped by its
    // number may be any of them, or what is looked for.
    private static bool MayBeginInString(ReadOnlySpan<byte> text)
    {
        for (int place = 0; place < text.Length; place++)
        {
            byte next = text[place];
            bool isEscaped = place > 0 && text[place - 1] == '\\';
            if (next is (byte)'{' or (byte)'[') return true;
            if (next is (byte)'"' or (byte)'\\') continue;
            if (isEscaped && next == 'u') return true;
            if (isEscaped && "nrtf"u8.Contains(next)) continue;
            int blank = BlankAt(text[place..]);
            if (blank == 0) return false;
            place += blank - 1;
        }

        return false;
    }

    private static int BlankAt(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty) return 0;
        if (text[0] is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r')) return 1;
        if (text.StartsWith("\u00A0"u8)) return 2;
        bool isBlank = text.StartsWith("\u2028"u8) || text.StartsWith("\u2029"u8) || text.StartsWith("\uFEFF"u8);
        return isBlank ? 3 : 0;
    }
}
