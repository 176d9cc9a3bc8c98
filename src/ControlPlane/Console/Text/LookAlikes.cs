using System.Globalization;

namespace Countersign.ControlPlane.Console.Text;

/// <summary>
/// Finds characters that look like others (Unicode Technical Standard 39, sections 4 and 5, for the scripts that can be
/// taken for Latin). In a word that mixes Latin with another script the other's letters are marked; a word of another
/// script is marked where every letter of it could be Latin; what is only another form of a Latin letter or a digit is
/// always marked, and so are scripts whose letters were shaped after Latin ones (Lisu, Cherokee and their like), since
/// no reader tells them apart. Other words are left alone.
/// </summary>
internal static class LookAlikes
{
    // Pairs: the character, then what it looks like. Lower and upper case, digits and signs.
    private const string Letters =
        "аaеeоoрpсcуyхxѕsіiјjԁdһhԛqԝwӏl"
        + "АAВBЕEЗ3КKМMНHОOРPСCТTУYХXЅSІIЈJԌGҮYӀI"
        + "αaοoνvρpιiκkγyυuτtωwεeηnχxβB"
        + "ΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧX"
        + "օoսuոnցgհhյjԼLՕOՍUՏSաw"
        + "ıiɑaɡgɩiʀRʟLɴNꞮIᴄcᴏoᴠvᴡwᴢzſfƽsƖlǀlʏyɪiʜHᴀAᴇEᴛTᴋKᴍM"
        + "ⅰiⅴvⅹxⅼlⅽcⅾdⅿmⅠIⅤVⅩXⅬLⅭCⅮDⅯM"
        + "ꓐBꓑPꓓDꓔTꓖGꓗKꓙJꓚCꓜZꓝFꓟMꓠNꓡLꓢSꓣRꓦVꓧHꓪWꓫXꓬYꓮAꓰEꓲIꓳOꓴUꓹ," // Lisu
        + "ᎠDᎡRᎢTᎥiᎪAᎫJᎬEᎳWᎷMᎻHᎽYᏀGᏂhᏃZᏎ4ᏏbᏒRᏔWᏕSᏙVᏚSᏞLᏟCᏢPᏦKᏧdᏮ6ᏳGᏴBꭲtꭵiꭺaꭼeꮃwꮇmꮋhꮍyꮐgꮓzꮩvꮪsꮯcꮲpꮶk" // Cherokee
        + "סOוlןlاlهoھoہoᐯVᑌUᑭPᒍJᒪLᖇRᖴFᕼHᗅAᗞDᗪDᗷBⵔOⵏlⴹEⵝXⲞOⲟoⲤCⲥcⲎHⲒIⲔKⲘMⲚNⲢPⲦTⲬXჿoഠoଠOဝo"
        + "ꜰFꜱs"
        + "٠0۰0०0০0߀0оo೦o൦o៰0";

    // Alike in a Latin word only: an honest Cyrillic word may be made of nothing but these and the ones above.
    private const string NearLetters = "вBгrкkмmнHтTпnз3";

    // Signs that are always marked: an address or a number is read by them.
    private const string Signs =
        "‐-‑-‒-–-−-﹣-⁄/∕/╱/⧸/․.。.．.｡.ꓸ.：:∶:։:׃:ː:꞉:‚,٫,⸴,;;﹔;＠@﹫@％%٪%＃#＆&＝=＋+"
        + "ʹ'ʼ'ˈ'′'‵'՚'＇'＂\"″\"ǃ!！!？?＼\\∖\\⧵\\｜|∣|ǀ|＿_～~∼~＜<‹<＞>›>（(）)［[］]｛{｝}＊*∗*＄$";

    private static readonly Dictionary<int, string> Same = Pairs(Letters);
    private static readonly Dictionary<int, string> Near = Pairs(NearLetters);
    private static readonly Dictionary<int, string> SameSign = Pairs(Signs);

    private enum Script : byte
    {
        None = 0,
        Latin,
        Cyrillic,
        Greek,
        Armenian,
        Other,

        /// <summary>Shaped after Latin, or taken for it letter by letter: never left unmarked.</summary>
        Shaped,
    }

    /// <summary>For every index of the text, whether the character that begins there is to be marked.</summary>
    public static bool[] Find(string text)
    {
        bool[] marked = new bool[text.Length];
        for (int at = 0; at < text.Length;)
        {
            int end = at;
            while (end < text.Length && IsOfWord(text, end)) end += LengthAt(text, end);
            if (end > at) MarkWord(text, at, end, marked);
            else
            {
                int code = CodeAt(text, at);
                marked[at] = code > 0x7E && (SameSign.ContainsKey(code) || Form(code) is not null);
                end = at + LengthAt(text, at);
            }

            at = end;
        }

        return marked;
    }

    /// <summary>The part for a marked character.</summary>
    public static TextPart Explain(int code, string shown)
    {
        string number = "U+" + code.ToString("X4", CultureInfo.InvariantCulture);
        string? like = Form(code) ?? Same.GetValueOrDefault(code) ?? Near.GetValueOrDefault(code)
            ?? SameSign.GetValueOrDefault(code);
        if (like is not null) return new TextPart(TextPartKind.LookAlike, shown, $"{number} looks like {like}");
        string note = ScriptOf(code) switch
        {
            Script.Shaped => $"{number} is of a script that is shaped like Latin",
            Script.Other => $"Letter {number} among letters of another script",
            Script script => $"{script} letter {number} among letters of another script",
        };
        return new TextPart(TextPartKind.LookAlike, shown, note);
    }

    private static void MarkWord(string text, int from, int to, bool[] marked)
    {
        bool hasLatin = false, hasOther = false, allAlike = true;
        for (int at = from; at < to; at += LengthAt(text, at))
        {
            int code = CodeAt(text, at);
            Script script = ScriptOf(code);
            hasLatin |= script == Script.Latin && Form(code) is null;
            if (script is Script.None or Script.Latin) continue;
            hasOther = true;
            allAlike &= Same.ContainsKey(code);
        }

        bool isMixed = hasLatin && hasOther;
        for (int at = from; at < to; at += LengthAt(text, at))
        {
            int code = CodeAt(text, at);
            if (code <= 0x7E) continue;
            Script script = ScriptOf(code);
            bool isForeign = script is not (Script.None or Script.Latin);
            bool isAlike = Form(code) is not null || (!isForeign && Same.ContainsKey(code));
            marked[at] = isAlike || script == Script.Shaped || (isForeign && (isMixed || allAlike));
        }
    }

    // Another form of one ASCII character: what NFKC would make of it.
    private static string? Form(int code)
    {
        if (code <= 0x7E) return null;
        if (code is >= 0xFF01 and <= 0xFF5E) return ((char)(code - 0xFEE0)).ToString();
        if (code is >= 0x1D400 and <= 0x1D6A3) return Letter((code - 0x1D400) % 52);
        if (code is >= 0x1D7CE and <= 0x1D7FF) return ((char)('0' + ((code - 0x1D7CE) % 10))).ToString();
        if (code is >= 0x1FBF0 and <= 0x1FBF9) return ((char)('0' + (code - 0x1FBF0))).ToString();
        if (code is >= 0x24B6 and <= 0x24E9) return Letter((code - 0x24B6) % 52);
        if (code is >= 0x1F130 and <= 0x1F149) return Letter(code - 0x1F130);
        if (code is >= 0x2080 and <= 0x2089) return ((char)('0' + (code - 0x2080))).ToString();
        if (code is >= 0x2460 and <= 0x2468) return ((char)('1' + (code - 0x2460))).ToString();
        if (Enclosed(code) is { } enclosed) return enclosed;
        if (CharUnicodeInfo.GetUnicodeCategory(code) == UnicodeCategory.DecimalDigitNumber)
        {
            int digit = CharUnicodeInfo.GetDecimalDigitValue(char.ConvertFromUtf32(code), 0);
            return ((char)('0' + digit)).ToString();
        }

        return code switch
        {
            0x2070 => "0",
            0x00B9 => "1",
            0x00B2 => "2",
            0x00B3 => "3",
            >= 0x2074 and <= 0x2079 => ((char)('4' + (code - 0x2074))).ToString(),
            0x2102 => "C",
            0x210A => "g",
            0x210E => "h",
            0x2110 or 0x2111 => "I",
            0x2112 => "L",
            0x2113 => "l",
            0x2115 => "N",
            0x2119 => "P",
            0x211A => "Q",
            0x211B or 0x211C or 0x211D => "R",
            0x2124 or 0x2128 => "Z",
            0x212A => "K",
            0x212C => "B",
            0x212D => "C",
            0x212F => "e",
            0x2130 => "E",
            0x2131 => "F",
            0x2133 => "M",
            0x2134 => "o",
            0x2139 => "i",
            _ => null,
        };
    }

    // Numbers and letters in rings, brackets and squares, and letters that were joined.
    private static string? Enclosed(int code) => code switch
    {
        0x00AA => "a",
        0x00BA => "o",
        0x24EA or 0x24FF => "0",
        >= 0x2469 and <= 0x2473 => Number(code - 0x2469 + 10),
        >= 0x2474 and <= 0x2487 => "(" + Number(code - 0x2474 + 1) + ")",
        >= 0x2488 and <= 0x249B => Number(code - 0x2488 + 1) + ".",
        >= 0x249C and <= 0x24B5 => "(" + (char)('a' + code - 0x249C) + ")",
        >= 0x24EB and <= 0x24F4 => Number(code - 0x24EB + 11),
        >= 0x24F5 and <= 0x24FE => Number(code - 0x24F5 + 1),
        >= 0x2776 and <= 0x2793 => Number(((code - 0x2776) % 10) + 1),
        >= 0x1F150 and <= 0x1F169 => Letter(code - 0x1F150),
        >= 0x1F170 and <= 0x1F189 => Letter(code - 0x1F170),
        0x1F100 => "0.",
        >= 0x1F101 and <= 0x1F10A => Number(code - 0x1F101) + ",",
        0xFB00 => "ff",
        0xFB01 => "fi",
        0xFB02 => "fl",
        0xFB03 => "ffi",
        0xFB04 => "ffl",
        0xFB05 or 0xFB06 => "st",
        _ => null,
    };

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Letter(int index) =>
        (index < 26 ? (char)('A' + index) : (char)('a' + index - 26)).ToString();

    private static Script ScriptOf(int code) => code switch
    {
        <= 0x40 => Script.None,
        <= 0x7E => char.IsAsciiLetter((char)code) ? Script.Latin : Script.None,
        0xD7 or 0xF7 => Script.None,
        >= 0xAA and <= 0x24F => code is 0xAA or 0xBA or >= 0xC0 ? Script.Latin : Script.None,
        >= 0x250 and <= 0x2AF => Script.Latin,
        >= 0x1D00 and <= 0x1D25 => Script.Latin,
        >= 0x1E00 and <= 0x1EFF => Script.Latin,
        >= 0x2160 and <= 0x2188 => Script.Latin,
        >= 0x370 and <= 0x3FF => Script.Greek,
        >= 0x1F00 and <= 0x1FFF => Script.Greek,
        >= 0x400 and <= 0x52F => Script.Cyrillic,
        >= 0x1C80 and <= 0x1C8F => Script.Cyrillic,
        >= 0x2DE0 and <= 0x2DFF => Script.Cyrillic,
        >= 0xA640 and <= 0xA69F => Script.Cyrillic,
        >= 0x530 and <= 0x58F => Script.Armenian,
        >= 0x2C60 and <= 0x2C7F => Script.Latin,
        >= 0xA720 and <= 0xA7FF => Script.Latin,
        >= 0xAB30 and <= 0xAB6F => Script.Latin,
        >= 0x13A0 and <= 0x13FF => Script.Shaped, // Cherokee
        >= 0xAB70 and <= 0xABBF => Script.Shaped,
        >= 0xA4D0 and <= 0xA4FF => Script.Shaped, // Lisu
        0x11FB0 => Script.Shaped,
        >= 0x10280 and <= 0x1034F => Script.Shaped, // Lycian, Carian, Old Italic, Gothic
        >= 0x10400 and <= 0x1044F => Script.Shaped, // Deseret
        >= 0x104B0 and <= 0x1052F => Script.Shaped, // Osage, Elbasan
        >= 0x118A0 and <= 0x118FF => Script.Shaped, // Warang Citi
        >= 0x16F00 and <= 0x16F9F => Script.Shaped, // Miao
        _ when IsWrittenBesideLatin(code) => Script.None,
        _ => IsLetter(code) ? Script.Other : Script.None,
    };

    // Scripts without spaces between words, in which a Latin name stands inside a word of honest text; modifiers.
    private static bool IsWrittenBesideLatin(int code) => code is (>= 0x2B0 and <= 0x36F) or (>= 0xE00 and <= 0xEFF)
        or (>= 0x1000 and <= 0x109F) or (>= 0x1100 and <= 0x11FF) or (>= 0x1780 and <= 0x17FF)
        or (>= 0x1D26 and <= 0x1DFF) or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7FF)
        or (>= 0xF900 and <= 0xFAFF) or (>= 0xFF00 and <= 0xFFEF) or (>= 0x1D400 and <= 0x1D7FF)
        or (>= 0x1B000 and <= 0x1B16F) or (>= 0x20000 and <= 0x3FFFF);

    private static bool IsLetter(int code) => CharUnicodeInfo.GetUnicodeCategory(code) is
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        or UnicodeCategory.OtherLetter;

    private static bool IsOfWord(string text, int at)
    {
        int code = CodeAt(text, at);
        return code < 0x80
            ? char.IsAsciiLetterOrDigit((char)code) || code == '_'
            : !SameSign.ContainsKey(code) && CharUnicodeInfo.GetUnicodeCategory(code) is
                UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.DecimalDigitNumber
                or UnicodeCategory.LetterNumber or UnicodeCategory.NonSpacingMark or UnicodeCategory.Format;
    }

    private static int LengthAt(string text, int at) => char.IsSurrogatePair(text, at) ? 2 : 1;

    private static int CodeAt(string text, int at) =>
        char.IsSurrogatePair(text, at) ? char.ConvertToUtf32(text, at) : text[at];

    private static Dictionary<int, string> Pairs(string text)
    {
        Dictionary<int, string> pairs = [];
        for (int at = 0; at + 1 < text.Length; at += 2)
        {
            if (text[at] != text[at + 1] && text[at] > 0x7E) pairs[text[at]] = text[at + 1].ToString();
        }

        return pairs;
    }
}
