using System.Buffers;
using System.Text;
using Countersign.Masking.Content;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Content;

public sealed class BodyMaskerTests
{
    private const string Form = "application/x-www-form-urlencoded";
    private const string Parts = "multipart/form-data; boundary=b";
    private const string Secret = "123-45-6789";

    private static readonly int[] Sizes = [1, 7, 1_000, 16_384, 1_000_000];

    [Theory]
    [InlineData(Form, "a=1&s@sn=123-45-6789&b=2", "_")]
    [InlineData(Form, "a=1&s@sn=123-45-6789&b=2", "%5F")]
    [InlineData(Form, "a=1&b=2&s@sn", "-")]
    [InlineData(Parts, "--b\r\nContent-Disposition: form-data; name=\"s@sn\"\r\n\r\n123-45-6789\r\n--b--", "_")]
    [InlineData("application/json", "{\"a\":1,\"s@sn\":\"123-45-6789\"}", "_")]
    public void Refuses_names_too_long_to_be_compared(string type, string body, string separator)
    {
        // Proves that a name beyond what is kept is refused wherever separators do not count in some rule's name, with
        // one reason for all kinds of bodies and every chunking; that the longest is masked; and that none is refused
        // where separators count.
        MaskProgram folding = MaskProgram.Compile([new("ssn", MaskAction.Redact) { Names = MaskNames.FoldSeparators }]);
        string tooLong = body.Replace("@", Repeat(separator, 1_022), StringComparison.Ordinal);
        string longest = body.Replace("@", Repeat(separator, 1_021), StringComparison.Ordinal);
        MaskProgram usual = MaskProgram.Compile([new("ssn", MaskAction.Redact)]);
        foreach (int size in Sizes)
        {
            (MaskStatus status, string output, string because) = Run(folding, type, tooLong, size);
            Assert.Equal((MaskStatus.Refused, "a member name is too long to be compared"), (status, because));
            Assert.DoesNotContain(Secret, output, StringComparison.Ordinal);
            (status, output, because) = Run(folding, type, longest, size);
            Assert.Equal((MaskStatus.Done, ""), (status, because));
            Assert.DoesNotContain(Secret, output, StringComparison.Ordinal);
            Assert.Equal((MaskStatus.Done, tooLong, ""), Run(usual, type, tooLong, size));
        }
    }

    [Theory]
    [InlineData("text/plain", "a @ b\n")]
    [InlineData("text/plain", "@")]
    [InlineData("application/json", "{\"a\":\"@ b\",\"b\":\"@\"}")]
    [InlineData("text/event-stream", "data: [\"@\"]\n\n")]
    [InlineData(Parts, "--b\r\n\r\na @\r\n--b--")]
    public void Masks_keys_longer_than_what_is_held(string type, string body)
    {
        // Proves that no byte of a key leaves up to its end line, with line ends and with their escapes, in text and
        // in strings, for every chunking; and where the end line is missing, up to where it looks like none.
        MaskProgram program = MaskProgram.Compile([new("", MaskAction.Redact) { Detect = DetectorSet.PrivateKey }]);
        string end = type == "text/plain" || type == Parts ? "\n" : "\\n";
        foreach (int lines in new[] { 200, 252, 256, 300, 1_500 })
        {
            foreach (string key in new[] { Key(lines, end), Key(lines, "\\\\n"), Key(lines, "\\\\r\\\\n") })
            {
                string given = body.Replace("@", key, StringComparison.Ordinal);
                string cut = body.Replace("@", key[..^30] + "(", StringComparison.Ordinal);
                string expected = body.Replace("@", "***", StringComparison.Ordinal);
                foreach (int size in Sizes)
                {
                    Assert.Equal((MaskStatus.Done, expected, ""), Run(program, type, given, size));
                    string rest = Run(program, type, cut, size).Output;
                    Assert.DoesNotContain("MIIE", rest, StringComparison.Ordinal);
                }
            }
        }
    }

    private static string Key(int lines, string end)
    {
        string line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7+/Aa0123456=" + end;
        return "-----BEGIN PGP PRIVATE KEY BLOCK-----" + end + "Version: GnuPG v2.0.22 (GNU/Linux)" + end + end
            + Repeat(line, lines) + "-----END PGP PRIVATE KEY BLOCK-----";
    }

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    private static (MaskStatus Status, string Output, string Because) Run(
        MaskProgram program, string type, string body, int size)
    {
        using var masker = new BodyMasker();
        var output = new ArrayBufferWriter<byte>();
        Assert.True(masker.TryReset(program, Encoding.ASCII.GetBytes(type), default, false, BodyLimits.Usual, null));
        foreach (byte[] piece in Encoding.UTF8.GetBytes(body).Chunk(size)) masker.Write(piece, output);
        return (masker.Finish(output), Encoding.UTF8.GetString(output.WrittenSpan), masker.RefusedBecause);
    }
}
