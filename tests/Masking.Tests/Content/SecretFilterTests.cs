using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Masking.Content;

namespace Countersign.Masking.Tests.Content;

/// <summary>Known secrets in bytes that pass by.</summary>
public sealed class SecretFilterTests
{
    private const string Token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
    private const string Key = "Qk+9/w\"a\\b&c<d>==";

    public static TheoryData<string, string> Texts => new()
    {
        { "", "" },
        { "nothing of it", "nothing of it" },
        { Token, Stars(Token) },
        { $"Bearer {Token}, and {Token}{Token}.", $"Bearer {Stars(Token)}, and {Stars(Token + Token)}." },
        { "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJi", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJi" },
        { "eyJhbGci" + Token + "eyJhbG", "eyJhbGci" + Stars(Token) + "eyJhbG" },
        { "eyeyJeyJh" + Token + "e", "eyeyJeyJh" + Stars(Token) + "e" },
        { Key, Stars(Key) },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void It_is_overwritten_wherever_the_text_is_cut(string text, string clean)
    {
        // Proves every occurrence and no other byte, by every cut into two and into bytes; that what leaves before the
        // end never holds a part of a secret; and that the length stays.
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int cut = 0; cut <= bytes.Length; cut++)
            Assert.Equal(clean, Pass(Filter(Token, Key), bytes[..cut], bytes[cut..]));
        Assert.Equal(clean, Pass(Filter(Token, Key), [.. bytes.Select(one => new[] { one })]));
        Assert.Equal(text.Length, clean.Length);
    }

    [Fact]
    public void Random_texts_are_cleaned_as_a_slow_reader_would()
    {
        // Proves the same against string.Replace, with a small alphabet in which beginnings of secrets abound, at
        // random cuts; the seed is the failure's name.
        for (int seed = 0; seed < 2_000; seed++)
        {
            Random random = new(seed);
            string secret = Letters(random, random.Next(8, 14));
            StringBuilder text = new();
            while (text.Length < 120) text.Append(random.Next(3) == 0 ? secret : Letters(random, random.Next(1, 9)));
            byte[] bytes = Encoding.ASCII.GetBytes(text.ToString());
            List<byte[]> runs = [];
            for (int at = 0; at < bytes.Length;)
            {
                int count = Math.Min(random.Next(0, 30), bytes.Length - at);
                runs.Add(bytes[at..(at + count)]);
                at += count;
            }

            string expected = text.ToString().Replace(secret, Stars(secret), StringComparison.Ordinal);
            string actual = Pass(Filter(secret), [.. runs]);
            Assert.True(expected == actual, $"seed {seed}: {secret} in {text} at cuts gave {actual}");
        }
    }

    [Fact]
    public void It_is_known_as_json_and_urls_write_it()
    {
        // Proves the forms by the platform's own writers, and by those of PHP, Go and a lower-case one, as text.
        string go = Key.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("&", "\\u0026", StringComparison.Ordinal)
            .Replace("<", "\\u003c", StringComparison.Ordinal).Replace(">", "\\u003e", StringComparison.Ordinal);
        string relaxed = JsonEncodedText.Encode(Key, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();
        string[] forms =
        [
            JsonEncodedText.Encode(Key).ToString(), relaxed, relaxed.Replace("/", "\\/", StringComparison.Ordinal), go,
            Uri.EscapeDataString(Key), Uri.EscapeDataString(Key).Replace("%2F", "%2f", StringComparison.Ordinal)
                .Replace("%2B", "%2b", StringComparison.Ordinal).Replace("%5C", "%5c", StringComparison.Ordinal)
                .Replace("%3C", "%3c", StringComparison.Ordinal).Replace("%3E", "%3e", StringComparison.Ordinal)
                .Replace("%3D", "%3d", StringComparison.Ordinal),
        ];
        Assert.All(forms, form => Assert.Equal($"<{Stars(form)}>", Pass(Filter(Key), Bytes($"<{form}>"))));
    }

    [Fact]
    public void The_longer_of_two_is_overwritten_whole()
    {
        // Proves that a secret inside another does not save the rest of it, at every cut; and that a short value is
        // not looked for.
        const string longer = "xxABCDEFGHyyy";
        byte[] text = Bytes("-xxABCDEFGHyyy-ABCDEFGH-xxABCDEFGHy-short");
        string clean = $"-{Stars(longer)}-{Stars("ABCDEFGH")}-xx{Stars("ABCDEFGH")}y-short";
        for (int cut = 0; cut <= text.Length; cut++)
            Assert.Equal(clean, Pass(Filter("ABCDEFGH", longer, "short"), text[..cut], text[cut..]));
        Assert.True(Filter("short").IsEmpty);
    }

    [Fact]
    public void A_text_that_is_whole_and_one_that_follows_another()
    {
        // Proves the two ways beside runs, and that a text that broke off leaves nothing to the next.
        SecretFilter filter = Filter(Token);
        byte[] text = Bytes("a" + Token);
        Assert.True(filter.HoldsAny(text));
        filter.Overwrite(text);
        Assert.Equal("a" + Stars(Token), Encoding.ASCII.GetString(text));
        Assert.Equal(1, filter.FoundCount);
        Assert.Equal("b", Encoding.ASCII.GetString(filter.Clean(Bytes("beyJhbGci"), isLast: false)));
        filter.Begin();
        Assert.Equal("next", Encoding.ASCII.GetString(filter.Clean(Bytes("next"), isLast: true)));
        filter.Clear();
        Assert.True(filter.IsEmpty);
        Assert.Equal(Token, Encoding.ASCII.GetString(filter.Clean(Bytes(Token), isLast: true)));
    }

    private static string Pass(SecretFilter filter, params byte[][] runs)
    {
        StringBuilder left = new();
        foreach (byte[] run in runs) left.Append(Encoding.UTF8.GetString(filter.Clean(run, isLast: false)));
        return left.Append(Encoding.UTF8.GetString(filter.Clean(default, isLast: true))).ToString();
    }

    private static SecretFilter Filter(params string[] secrets)
    {
        SecretFilter filter = new();
        foreach (string secret in secrets) filter.Add(Bytes(secret));
        return filter;
    }

    private static string Letters(Random random, int count) =>
        new([.. Enumerable.Range(0, count).Select(_ => "ab"[random.Next(2)])]);

    private static string Stars(string text) => new('*', Encoding.UTF8.GetByteCount(text));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
