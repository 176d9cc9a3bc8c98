using System.Buffers;
using System.Text;
using Countersign.Masking.Content;

namespace Countersign.Masking.Tests.Content;

public sealed class MultipartMaskerTests
{
    private const string Json = "Content-Type: application/json\r\n\r\n";

    [Theory]
    [InlineData("--b\r\n" + Json + "{\"token\":1}\r\n--b--", "--b\r\n" + Json + "{\"token\":\"***\"}\r\n--b--", "Json")]
    [InlineData("\r\n--b\r\n" + Json + "{}\r\n--b--\r\n", "\r\n--b\r\n" + Json + "{}\r\n--b--\r\n", "Json")]
    [InlineData("--b\r\n" + Json + "{\"a\":1}\r\n--b\r\n" + Json + "{\"token\":2}\r\n--b--",
        "--b\r\n" + Json + "{\"a\":1}\r\n--b\r\n" + Json + "{\"token\":\"***\"}\r\n--b--", "Json Json")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\na\r\r\n--\r\n-b\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\na\r\r\n--\r\n-b\r\n--b--", "Text:x")]
    [InlineData("--b\r\n\r\n\r\n--b--", "--b\r\n\r\n\r\n--b--", "Text")]
    [InlineData("--b\r\n\r\n--b--", "--b\r\n\r\n--b--", "Text")]
    [InlineData("--b\r\n" + Json + "\r\n--b--", "--b\r\n" + Json + "\r\n--b--", "Json")]
    [InlineData("--b\r\n\r\n--c\r\n--b--", "--b\r\n\r\n--c\r\n--b--", "Text")]
    public void Masks_the_parts_alone(string body, string expected, string parts)
    {
        // Proves that JSON parts go through their masker and everything else leaves as it came, at every split in two
        // and byte by byte, near delimiters too; and which parts were begun.
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        for (int split = 0; split <= bytes.Length; split++)
        {
            var run = Run(bytes, [split]);
            Assert.Equal((split, MaskStatus.Done, expected, parts), (split, run.Status, run.Output, run.Parts));
        }

        var single = Run(bytes, [.. Enumerable.Range(1, bytes.Length - 1)]);
        Assert.Equal((MaskStatus.Done, expected, parts), (single.Status, single.Output, single.Parts));
    }

    [Theory]
    [InlineData("", "the last boundary is missing")]
    [InlineData("--b\r\n" + Json + "{}", "the last boundary is missing")]
    [InlineData("--b\r\n" + Json + "{}\r\n--b", "the last boundary is missing")]
    [InlineData("secret\r\n--b\r\n\r\nx\r\n--b--", "text before the first part")]
    [InlineData("--b\r\n\r\nx\r\n--b--\r\nsecret", "text after the last part")]
    [InlineData("--b\r\n\r\nx\r\n--bc\r\n\r\ny\r\n--b--", "a boundary is followed by something")]
    [InlineData("--b \r\n\r\nx\r\n--b--", "a boundary is followed by something")]
    [InlineData("--b\r\n" + Json + "{\r\n--b--", "a part could not be masked")]
    [InlineData("--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--", "a part cannot be read")]
    [InlineData("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--", "a part cannot be read")]
    [InlineData("--b\r\nContent-Type: text/plain; charset=utf-7\r\n\r\nx\r\n--b--", "a part cannot be read")]
    [InlineData("--b\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--b--",
        "a part's head is not well-formed, or the part is encoded")]
    [InlineData("--b\r\nContent-Length: 1\r\n\r\nx\r\n--b--",
        "a part's head is not well-formed, or the part is encoded")]
    [InlineData("--b\r\nno colon\r\n\r\nx\r\n--b--", "a part's head is not well-formed, or the part is encoded")]
    [InlineData("--b\r\nA: b\r\n c\r\n\r\nx\r\n--b--", "a part's head is not well-formed, or the part is encoded")]
    [InlineData("--b\r\nContent-Type: text/plain\r\nContent-Type: text/csv\r\n\r\nx\r\n--b--",
        "a part's head is not well-formed, or the part is encoded")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"x\"; name*=UTF-8''token\r\n\r\n1\r\n--b--",
        "a part's head is not well-formed, or the part is encoded")]
    [InlineData("--b\r\nContent-Disposition: form-data; NAME*=UTF-8''token\r\n\r\n1\r\n--b--",
        "a part's head is not well-formed, or the part is encoded")]
    [InlineData("--b\r\nContent-Disposition: form-data; name*0=\"to\"; name*1=\"ken\"\r\n\r\n1\r\n--b--",
        "a part's head is not well-formed, or the part is encoded")]
    [InlineData("--b\r\nContent-Disposition: form-data; name*0*=UTF-8''token\r\n\r\n1\r\n--b--",
        "a part's head is not well-formed, or the part is encoded")]
    public void Refuses_what_readers_could_take_two_ways(string body, string because)
    {
        // Proves each refusal with its reason, whole and byte by byte.
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        foreach (int[] splits in new int[][] { [], [.. Enumerable.Range(1, Math.Max(0, bytes.Length - 1))] })
        {
            var run = Run(bytes, splits);
            Assert.Equal((MaskStatus.Refused, because), (run.Status, run.Because));
        }
    }

    private static (MaskStatus Status, string Output, string Parts, string Because) Run(byte[] body, int[] splits)
    {
        var parts = new JsonParts();
        var masker = new MultipartMasker();
        var output = new ArrayBufferWriter<byte>();
        masker.Reset("b"u8, parts);
        int place = 0;
        foreach (int split in splits.Append(body.Length))
        {
            masker.Write(body.AsSpan(place..split), output);
            place = split;
        }

        MaskStatus status = masker.Finish();
        string text = Encoding.UTF8.GetString(output.WrittenSpan);
        return (status, text, string.Join(' ', parts.Begun), masker.RefusedBecause);
    }

    private sealed class JsonParts : IPartMasker
    {
        private readonly JsonMasker _json = new();
        private bool _isJson;

        public List<string> Begun { get; } = [];

        public bool IsTooLong(ReadOnlySpan<byte> name) => name.Length > 1_000;

        public bool TryBegin(ContentKind kind, ReadOnlySpan<byte> name)
        {
            Begun.Add(name.IsEmpty ? kind.ToString() : kind + ":" + Encoding.UTF8.GetString(name));
            _isJson = kind == ContentKind.Json;
            _json.Reset(MaskProgram.Compile([new("token", MaskAction.Redact)]));
            return true;
        }

        public MaskStatus Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
        {
            if (_isJson) return _json.Write(input, output);
            output.Write(input);
            return MaskStatus.NeedMore;
        }

        public MaskStatus Finish(IBufferWriter<byte> output) => _isJson ? _json.Finish(output) : MaskStatus.Done;
    }
}
