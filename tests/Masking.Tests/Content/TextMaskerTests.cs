using System.Buffers;
using System.Text;
using Countersign.Masking.Content;
using Countersign.Masking.Detectors;
using Countersign.Masking.Tests.Detectors;

namespace Countersign.Masking.Tests.Content;

public sealed class TextMaskerTests
{
    private const DetectorSet Every = (DetectorSet)1023;

    [Fact]
    public void Says_the_same_for_every_chunking()
    {
        // Proves over random texts, some with lines and keys beyond what is held, that the output is that of the whole
        // text looked at in one piece, whatever the chunks, and that at no time something masked has begun to leave.
        int masked = 0;
        for (int seed = 1; seed <= 250; seed++)
        {
            var random = new Random(seed);
            byte[] body = Body(random);
            byte[] expected = Whole(body, out int count);
            masked += count;
            foreach (int most in new[] { 1, 50, 5_000, 100_000 })
            {
                (MaskStatus status, byte[] output, int said, string because) = Run(body, random, most, expected);
                Assert.True(status == MaskStatus.Done, $"seed {seed}, chunks of {most}: {because}");
                Assert.True(expected.AsSpan().SequenceEqual(output), $"seed {seed}, chunks of {most}");
                Assert.Equal(count, said);
            }
        }

        Assert.True(masked > 500, "too little was masked to prove anything: " + masked);
    }

    [Fact]
    public void Drops_the_rest_of_a_long_key()
    {
        // Proves that keys beyond what is held, among other text, end for every chunking where they end in the whole.
        for (int seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            byte[] body =
            [
                .. "text "u8, .. RandomText.Of(random), .. RandomText.LongKey(random), .. RandomText.Of(random),
                .. RandomText.LongKey(random), .. "\n"u8, .. RandomText.Of(random),
            ];
            byte[] expected = Whole(body, out int count);
            foreach (int most in new[] { 1, 50, 5_000, 100_000 })
            {
                (MaskStatus status, byte[] output, int said, string because) = Run(body, random, most, expected);
                Assert.True(status == MaskStatus.Done, $"seed {seed}, chunks of {most}: {because}");
                Assert.True(expected.AsSpan().SequenceEqual(output), $"seed {seed}, chunks of {most}");
                Assert.Equal(count, said);
            }
        }
    }

    [Fact]
    public void Lets_a_line_go_when_it_is_whole()
    {
        // Proves that a reader of lines waits for none but the last, and for a private key until its end.
        var masker = new TextMasker();
        var output = new ArrayBufferWriter<byte>();
        masker.Reset(Every, new StarredText(MaskAction.Redact));
        masker.Write("first\nada@exam"u8, output);
        Assert.Equal("first\n", Text(output));
        masker.Write("ple.com\n-----BEGIN PRIVATE KEY-----\nMIIB\n"u8, output);
        Assert.Equal("first\n***\n", Text(output));
        masker.Write("-----END PRIVATE KEY----"u8, output);
        Assert.Equal("first\n***\n", Text(output));
        masker.Write("-\nlast"u8, output);
        Assert.Equal("first\n***\n***\n", Text(output));
        Assert.Equal(MaskStatus.Done, masker.Finish(output));
        Assert.Equal(("first\n***\n***\nlast", 2), (Text(output), masker.MaskedCount));
    }

    [Theory]
    [InlineData("{\"password\":1}")]
    [InlineData(" \r\n{ \"a\":1}")]
    [InlineData("{}")]
    [InlineData("[{\"a\":1}]")]
    [InlineData("[ \"a\"]")]
    [InlineData("[[1]]")]
    [InlineData("[1,{\"ssn\":1,\"to\":\"x\"}]")]
    [InlineData("[null,{\"ssn\":1}]")]
    [InlineData("[true,[{}]]")]
    [InlineData("[false]")]
    [InlineData("[-1.5e-3,2]")]
    [InlineData("\"{\\\"ssn\\\":1}\"")]
    [InlineData("\"[1]\"")]
    [InlineData("\"\\\"{\\\\\\\"ssn\\\\\\\":1}\\\"\"")]
    [InlineData("\"\\u007b\\\"ssn\\\":1}\"")]
    [InlineData("\f{\"ssn\":1}")]
    [InlineData("\u00a0{\"ssn\":1}")]
    [InlineData("\u2028[\u2029{\"ssn\":1}]")]
    [InlineData("\f\u00a0[1\u00a0,2]")]
    [InlineData("[1\t,2]")]
    [InlineData("[1] ")]
    [InlineData("[1]\n{\"ssn\":1}")]
    [InlineData("\" \u00a0[1]\"")]
    [InlineData("[\ufeff1,2]")]
    [InlineData("\ufeffhello")]
    [InlineData("h\0e\0l\0l\0o\0")]
    public void Refuses_what_is_no_text(string body)
    {
        // Proves that JSON, byte order marks and UTF-16 under a text's content type let nothing go, byte by byte too.
        foreach (int most in new[] { 1, 1_000 })
        {
            var run = Run(Encoding.UTF8.GetBytes(body), new Random(1), most, []);
            Assert.Equal(MaskStatus.Refused, run.Status);
            Assert.Empty(run.Output);
        }
    }

    [Theory]
    [InlineData(new byte[] { 0xFF, 0xFE, (byte)'a', 0 })]
    [InlineData(new byte[] { (byte)'a', 0x80 })]
    [InlineData(new byte[] { (byte)'a', 0xC3 })]
    [InlineData(new byte[] { (byte)'a', 0xED, 0xA0, 0x80 })]
    [InlineData(new byte[] { (byte)'a', 0xF4, 0x90, 0x80, 0x80 })]
    [InlineData(new byte[] { (byte)'a', 0xC0, 0xAF })]
    [InlineData(new byte[] { 0x1F, 0x8B, 8, 0 })]
    public void Refuses_what_is_no_utf8(byte[] body)
    {
        // Proves that other encodings, cut or overlong characters and compressed bodies are refused at the end at last.
        foreach (int most in new[] { 1, 1_000 })
            Assert.Equal(MaskStatus.Refused, Run(body, new Random(1), most, []).Status);
    }

    [Theory]
    [InlineData("[2024-05-17] ada@example.com", "[2024-05-17] ***")]
    [InlineData("{name} is +1 415 555 2671", "{name} is ***")]
    [InlineData("{", "{")]
    [InlineData("[", "[")]
    [InlineData("[1] a footnote", "[1] a footnote")]
    [InlineData("[1] [2] ada@example.com", "[1] [2] ***")]
    [InlineData("[1", "[1")]
    [InlineData("[1 2", "[1 2")]
    [InlineData("[2024-05-17, 9:31] started", "[2024-05-17, 9:31] started")]
    [InlineData("[2024-05-17 09:31:00,123] started", "[2024-05-17 09:31:00,123] started")]
    [InlineData("[note, tru, nullable]", "[note, tru, nullable]")]
    [InlineData("[tru, nul]", "[tru, nul]")]
    [InlineData("[nullable, it]", "[nullable, it]")]
    [InlineData("\"hello\", he said", "\"hello\", he said")]
    [InlineData("\"\\\\server\\share\",1", "\"\\\\server\\share\",1")]
    [InlineData("\"\u201cquoted\u201d\"", "\"\u201cquoted\u201d\"")]
    [InlineData("\u2022 one\n\u00a7 two", "\u2022 one\n\u00a7 two")]
    [InlineData("", "")]
    [InlineData("  \n", "  \n")]
    [InlineData("卡号4111111111111111，", "卡号***，")]
    public void Takes_what_only_looks_like_json(string body, string expected)
    {
        // Proves that log lines and templates that begin with a bracket or a brace are text.
        foreach (int most in new[] { 1, 1_000 })
        {
            var run = Run(Encoding.UTF8.GetBytes(body), new Random(1), most, Encoding.UTF8.GetBytes(expected));
            Assert.Equal((MaskStatus.Done, expected), (run.Status, Encoding.UTF8.GetString(run.Output)));
        }
    }

    [Fact]
    public void Keeps_the_last_four_where_it_is_told_to()
    {
        // Proves stars and the last four characters of long texts, whole characters too, and no more of short ones.
        var output = new ArrayBufferWriter<byte>();
        var stars = new StarredText(MaskAction.KeepLast4);
        foreach (string text in new[] { "4111111111111111", "1234567", "jörg@x.рфюы" })
        {
            stars.Write(Encoding.UTF8.GetBytes(text), Detection.None, output);
            output.Write(" "u8);
        }

        Assert.Equal("************1111 *** *******рфюы ", Text(output));
    }

    private static (MaskStatus Status, byte[] Output, int Masked, string Because) Run(
        byte[] body, Random random, int most, byte[] expected)
    {
        var masker = new TextMasker();
        var output = new ArrayBufferWriter<byte>();
        masker.Reset(Every, new StarredText(MaskAction.Redact));
        for (int place = 0; place < body.Length;)
        {
            int size = Math.Min(body.Length - place, random.Next(1, most + 1));
            MaskStatus status = masker.Write(body.AsSpan(place, size), output);
            if (status == MaskStatus.Refused) return (status, output.WrittenSpan.ToArray(), 0, masker.RefusedBecause);
            Assert.True(expected.Length == 0 || expected.AsSpan().StartsWith(output.WrittenSpan), "left too early");
            place += size;
        }

        return (masker.Finish(output), output.WrittenSpan.ToArray(), masker.MaskedCount, masker.RefusedBecause);
    }

    private static byte[] Whole(byte[] body, out int count)
    {
        var output = new ArrayBufferWriter<byte>();
        count = 0;
        int from = 0;
        while (ValueDetector.TryFind(body, Every, from, false, out Detection found))
        {
            output.Write(body.AsSpan(from..found.Start));
            output.Write("***"u8);
            from = found.End;
            count++;
        }

        output.Write(body.AsSpan(from));
        return output.WrittenSpan.ToArray();
    }

    // Begins as text does; some bodies have lines that are longer than what is held, and keys without an end.
    private static byte[] Body(Random random)
    {
        var body = new List<byte>("text "u8.ToArray());
        int length = random.Next(5) == 0 ? random.Next(150_000) : random.Next(2_000);
        while (body.Count < length)
        {
            body.AddRange(RandomText.Of(random));
            if (random.Next(3) == 0) body.Add((byte)'\n');
            if (length > 10_000)
                body.AddRange(Encoding.ASCII.GetBytes(new string((char)random.Next('a', 'z'), random.Next(3_000))));
        }

        return [.. body];
    }

    private static string Text(ArrayBufferWriter<byte> output) => Encoding.UTF8.GetString(output.WrittenSpan);
}
