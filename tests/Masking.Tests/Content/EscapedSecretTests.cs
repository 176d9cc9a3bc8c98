using System.Globalization;
using System.Text;
using Countersign.Masking.Content;

namespace Countersign.Masking.Tests.Content;

/// <summary>Known secrets that are escaped where they pass by.</summary>
public sealed class EscapedSecretTests
{
    private const string Token = "eyJh+bGci/OiJF.Uz==";

    public static TheoryData<string, string> Forms => new()
    {
        { Token, Token.Replace("=", "\\u003d", Ordinal) },
        { Token, Token.Replace("=", "\\u003D", Ordinal) },
        { Token, Token.Replace("/", "\\/", Ordinal) },
        { Token, Token.Replace("/", "\\\\/", Ordinal) },
        { Token, Token.Replace("/", "\\u002F", Ordinal).Replace("+", "\\u002B", Ordinal) },
        { Token, Token.Replace("+", "&#x2B;", Ordinal) },
        { Token, Token.Replace("=", "&#61;", Ordinal).Replace("/", "&sol;", Ordinal) },
        { Token, Token.Replace("=", "&#0061", Ordinal) },
        { Token, Token.Replace("+", "\\u0026#x2B;", Ordinal) },
        { Token, Token.Replace("+", "&amp;#43;", Ordinal) },
        { Token, Token.Replace("=", "%5Cu003d", Ordinal) },
        { Token, Token.Replace("+", "%252b", Ordinal) },
        { Token, Token.Replace("=", "\\x3d", Ordinal) },
        { Token, "\\u0065" + Token[1..] },
        { Token, string.Concat(Token.Select(one => $"\\u{(int)one:x4}")) },
        { Token, string.Concat(Token.Select(one => $"&#x{(int)one:X};")) },
        { Token, string.Concat(Token.Select(one => $"%{(int)one:X2}")) },
        { "p\u00e4ssw\u00f6rd-\U0001f600", "p\\u00e4ssw&ouml;rd-\\ud83d\\ude00".Replace("&ouml;", "&#246;", Ordinal) },
        { "p\u00e4ssw\u00f6rd-\U0001f600", "p%C3%A4ssw\\u00F6rd-&#128512;" },
        { "with a tab\tand\nline", "with a tab\\tand\\u000aline" },
        { "with some spaces", "with+some%20spaces" },
        { "quo\"te\\back&per%25cent", "quo\\\"te\\\\back\\u0026per%2525cent" },
        { "ab\\u0041%41&#65;cd", "ab\\\\u0041%2541&amp;#65;cd" },
        { "ab\\u0041%41&#65;cd", "ab\\u0041%41&#65;cd" },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void It_is_overwritten_however_it_is_written(string secret, string written)
    {
        // Proves each way to write it, wherever the text is cut in two and in single bytes, with as many asterisks as
        // bytes and nothing else changed; and the same where it is there as a whole.
        byte[] text = Bytes("\"\\n <" + written + "> &lt; \\n\"");
        string clean = "\"\\n <" + new string('*', Encoding.UTF8.GetByteCount(written)) + "> &lt; \\n\"";
        for (int cut = 0; cut <= text.Length; cut++)
            Assert.Equal(clean, Pass(Filter(secret), text[..cut], text[cut..]));
        Assert.Equal(clean, Pass(Filter(secret), [.. text.Select(one => new[] { one })]));
        Assert.True(Filter(secret).HoldsAny(text));
        Filter(secret).Overwrite(text);
        Assert.Equal(clean, Encoding.UTF8.GetString(text));
    }

    [Fact]
    public void A_random_secret_never_leaks()
    {
        // Proves the property: a random secret, escaped by up to three writers one inside the other, each of which
        // escapes what it must and whatever else it likes, between random noise, at random cuts, is overwritten whole,
        // and not a byte beside it. The seed is the failure's name.
        for (int seed = 0; seed < 2_000; seed++)
        {
            Random random = new(seed);
            string secret = Secret(random), written = secret;
            for (int layer = random.Next(4); layer > 0; layer--) written = Write(random, written);
            string before = Noise(random) + " ", after = "<" + Noise(random);
            string expected = before + new string('*', Encoding.UTF8.GetByteCount(written)) + after;
            string actual = Pass(Filter(secret), Cut(random, Bytes(before + written + after)));
            Assert.True(expected == actual, $"seed {seed}: {secret} as {written} gave {actual}");
        }
    }

    [Fact]
    public void What_holds_none_is_untouched()
    {
        // Proves that text full of escapes, and of beginnings of the secret in every spelling, passes as it is.
        for (int seed = 0; seed < 2_000; seed++)
        {
            Random random = new(seed);
            string secret = Secret(random);
            StringBuilder text = new();
            for (int part = 0; part < 6; part++)
            {
                text.Append(Noise(random));
                string begun = secret[..random.Next(secret.Length / 2)];
                for (int layer = random.Next(3); layer > 0; layer--) begun = Write(random, begun);
                text.Append(begun).Append('\u00a7');
            }

            string actual = Pass(Filter(secret), Cut(random, Bytes(text.ToString())));
            Assert.True(text.ToString() == actual, $"seed {seed}: {secret} in {text} gave {actual}");
        }
    }

    [Fact]
    public void What_needs_no_closer_look_has_nothing_of_a_secret()
    {
        // Proves that an escape that is passed over by its first bytes reads as no character of the secret, whichever
        // it would have to be and however deep it is read; and that most of those that writers make are passed over.
        int passed = 0;
        for (int seed = 0; seed < 20_000; seed++)
        {
            Random random = new(seed);
            string letters = random.Next(2) == 0 ? "abdeuxn0123456789+/=._-" : "abfnrtux05/\"'<> ;#\u00e4\n";
            KnownSecret secret = new();
            IEnumerable<char> drawn = Enumerable.Range(0, 12).Select(_ => letters[random.Next(letters.Length)]);
            secret.Become(Bytes(string.Concat(drawn)));
            string noise = Noise(random);
            for (int layer = random.Next(4); layer > 0; layer--) noise = Write(random, noise);
            byte[] text = Bytes(noise);
            for (int at = 0; at < text.Length; at++)
            {
                if (!EscapedText.Beginnings.Contains(text[at])) continue;
                int run = text.AsSpan(at).IndexOfAnyExcept((byte)'\\');
                int after = text[at] != '\\' ? at + 1 : run < 0 ? text.Length : at + run;
                if (EscapeMeaning.MayBeIn(secret, text, at, after)) continue;
                passed++;
                for (int matched = 0; matched < secret.Value.Length; matched++)
                {
                    SecretMatch match = SecretMatcher.Match(text, secret.Value.Span, matched, at, false, out _);
                    Assert.True(match == SecretMatch.No, $"seed {seed}: {noise} at {at} gave {match}");
                }
            }
        }

        Assert.InRange(passed, 20_000, int.MaxValue);
    }

    [Fact]
    public void No_cut_changes_what_is_found()
    {
        // Proves that where a text is cut never matters, with secrets, their halves and escapes side by side.
        for (int seed = 0; seed < 2_000; seed++)
        {
            Random random = new(seed);
            string[] secrets = [Secret(random), Secret(random)];
            StringBuilder text = new();
            for (int part = 0; part < 6; part++)
            {
                string one = secrets[random.Next(2)];
                string piece = random.Next(3) == 0 ? one : one[random.Next(one.Length)..];
                for (int layer = random.Next(3); layer > 0; layer--) piece = Write(random, piece);
                text.Append(piece).Append(random.Next(2) == 0 ? "" : Noise(random));
            }

            byte[] bytes = Bytes(text.ToString());
            string whole = Pass(Filter(secrets), bytes), cut = Pass(Filter(secrets), Cut(random, bytes));
            Assert.True(whole == cut, $"seed {seed}: {text} gave {whole} and {cut}");
        }
    }

    [Theory]
    [InlineData("\\")]
    [InlineData("%5C")]
    [InlineData("%25")]
    [InlineData("&amp;")]
    [InlineData("eyJh%2B")]
    [InlineData("eyJhbGci")]
    public void A_long_text_of_beginnings_is_held_no_longer_than_a_secret(string part)
    {
        // Proves the bound: whatever comes, what waits for the next run stays short, and all of it leaves.
        SecretFilter filter = Filter("eyJh+bGci/OiJF.Uz==", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl");
        byte[] run = Bytes(string.Concat(Enumerable.Repeat(part, 4_096 / part.Length)));
        long taken = 0, left = 0;
        for (int round = 0; round < 16; round++)
        {
            taken += run.Length;
            left += filter.Clean(run, isLast: false).Length;
            Assert.InRange(taken - left, 0, 512);
        }

        Assert.Equal(taken, left + filter.Clean(default, isLast: true).Length);
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    private static string Secret(Random random)
    {
        const string letters = "abcdefuxn0123456789+/=._-%&#;\"'<>\u00e4\u20ac \t\\";
        StringBuilder secret = new();
        while (secret.Length < 8 || secret.Replace("\\", "", 0, secret.Length).Length < 8)
            secret.Append(letters[random.Next(letters.Length)]);
        int count = random.Next(8, 24);
        while (secret.Length < count)
        {
            // No two backslashes together, and none at the end: three writers make eight of each.
            char next = letters[random.Next(letters.Length)];
            if (next == '\\' && (secret[^1] == '\\' || secret.Length + 1 >= count)) continue;
            secret.Append(next);
        }

        return secret.ToString();
    }

    // One writer: what it must escape it does, of what escapes begin with all or none, of the rest what chance says.
    private static string Write(Random random, string text)
    {
        int kind = random.Next(3), zeal = random.Next(1, 5);
        bool takesMarks = zeal == 1 || random.Next(2) == 0;
        StringBuilder written = new();
        foreach (char one in text)
        {
            bool isChosen = one is '\\' or '&' or '%' ? takesMarks : random.Next(zeal) == 0;
            written.Append(kind switch
            {
                0 => Json(random, one, isChosen),
                1 => Html(random, one, isChosen, zeal == 1),
                _ => Percent(random, one, isChosen),
            });
        }

        return written.ToString();
    }

    private static string Json(Random random, char one, bool isChosen)
    {
        string format = random.Next(2) == 0 ? "\\u{0:x4}" : "\\u{0:X4}";
        string code = string.Format(CultureInfo.InvariantCulture, format, (int)one);
        if (one == '\t') return isChosen ? code : "\\t";
        if (one is '"' or '\\') return isChosen ? code : "\\" + one;
        if (!isChosen) return one.ToString();
        return one == '/' && random.Next(2) == 0 ? "\\/" : code;
    }

    private static string Html(Random random, char one, bool isChosen, bool takesAll)
    {
        if (one is not ('&' or '<' or '"') && !isChosen) return one.ToString();

        // Of letters and digits a writer of references takes all or none.
        if (char.IsAsciiLetterOrDigit(one) && !takesAll) return one.ToString();
        string name = one switch { '&' => "&amp;", '<' => "&lt;", '"' => "&quot;", '+' => "&plus;", _ => "" };
        return name.Length > 0 && random.Next(2) == 0 ? name
            : random.Next(2) == 0 ? $"&#{(int)one};" : $"&#x{(int)one:X};";
    }

    private static string Percent(Random random, char one, bool isChosen)
    {
        bool mustBe = one > '~' || " \t\"%<>\\".Contains(one, Ordinal);
        if (!mustBe && !isChosen) return one.ToString();
        string format = random.Next(2) == 0 ? "x2" : "X2";
        return string.Concat(Bytes(one.ToString()).Select(
            part => "%" + part.ToString(format, CultureInfo.InvariantCulture)));
    }

    private static string Noise(Random random)
    {
        string[] parts =
        [
            "\\", "\\u00", "\\u003d", "&", "&#", "&amp;", "&#61;", "%", "%4", "%41", "a", "b", "=", "\\n", "\"", " ",
        ];
        return string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => parts[random.Next(parts.Length)]));
    }

    private static byte[][] Cut(Random random, byte[] bytes)
    {
        List<byte[]> runs = [];
        for (int at = 0; at < bytes.Length;)
        {
            int count = Math.Min(random.Next(0, 12), bytes.Length - at);
            runs.Add(bytes[at..(at + count)]);
            at += count;
        }

        return [.. runs];
    }

    private static string Pass(SecretFilter filter, params byte[][] runs)
    {
        using MemoryStream left = new();
        foreach (byte[] run in runs) left.Write(filter.Clean(run, isLast: false));
        left.Write(filter.Clean(default, isLast: true));
        return Encoding.UTF8.GetString(left.ToArray());
    }

    private static SecretFilter Filter(params string[] secrets)
    {
        SecretFilter filter = new();
        foreach (string secret in secrets) filter.Add(Bytes(secret));
        return filter;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
