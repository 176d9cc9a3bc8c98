namespace Countersign.Masking.Content;

/// <summary>The names that HTML (13.5) has for the characters of ASCII.</summary>
internal static class HtmlNames
{
    /// <summary>The longest name, bytes.</summary>
    public const int LengthMax = 16;

    private static readonly (byte[] Name, byte Letter)[] Names =
    [
        .. Of("amp AMP", '&'), .. Of("lt LT", '<'), .. Of("gt GT", '>'), .. Of("quot QUOT", '"'), .. Of("apos", '\''),
        .. Of("Tab", '\t'), .. Of("NewLine", '\n'), .. Of("excl", '!'), .. Of("num", '#'), .. Of("dollar", '$'),
        .. Of("percnt", '%'), .. Of("lpar", '('), .. Of("rpar", ')'), .. Of("ast midast", '*'), .. Of("plus", '+'),
        .. Of("comma", ','), .. Of("period", '.'), .. Of("sol", '/'), .. Of("colon", ':'), .. Of("semi", ';'),
        .. Of("equals", '='), .. Of("quest", '?'), .. Of("commat", '@'), .. Of("lsqb lbrack", '['),
        .. Of("bsol", '\\'), .. Of("rsqb rbrack", ']'), .. Of("Hat", '^'), .. Of("lowbar UnderBar", '_'),
        .. Of("grave DiacriticalGrave", '`'), .. Of("lcub lbrace", '{'), .. Of("verbar vert VerticalLine", '|'),
        .. Of("rcub rbrace", '}'),
    ];

    // Those that HTML also takes without a semicolon.
    private const int OpenNames = 8;

    /// <summary>The character of a name; -1 where there is none.</summary>
    /// <param name="name">Without ampersand and semicolon.</param>
    /// <param name="isClosed">Whether a semicolon follows.</param>
    public static int Find(ReadOnlySpan<byte> name, bool isClosed)
    {
        int count = isClosed ? Names.Length : OpenNames;
        for (int at = 0; at < count; at++)
        {
            if (name.SequenceEqual(Names[at].Name)) return Names[at].Letter;
        }

        return -1;
    }

    private static IEnumerable<(byte[] Name, byte Letter)> Of(string names, char letter) =>
        names.Split(' ').Select(name => (System.Text.Encoding.ASCII.GetBytes(name), (byte)letter));
}
