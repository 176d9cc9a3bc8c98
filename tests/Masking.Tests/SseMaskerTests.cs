using System.Buffers;
using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests;

public sealed class SseMaskerTests
{
    private static readonly MaskProgram Ssn = MaskProgram.Compile([new("ssn", MaskAction.Redact)]);

    private static readonly MaskProgram Detecting = MaskProgram.Compile(
        [new("ssn", MaskAction.Redact), new("", MaskAction.Redact) { Detect = (DetectorSet)1023 }]);

    [Theory]
    [InlineData("data: {\"ssn\":1}\n\n", "data: {\"ssn\":\"***\"}\n\n")]
    [InlineData("data:{\"ssn\":1}\r\n\r\ndata:2\r\r", "data:{\"ssn\":\"***\"}\r\n\r\ndata:2\r\r")]
    [InlineData(
        "event: m\nid: 7\ndata: {\"a\":\ndata: 2,\ndata: \"ssn\":3}\n\n",
        "event: m\nid: 7\ndata: {\"a\":\ndata: 2,\ndata: \"ssn\":\"***\"}\n\n")]
    [InlineData("data: {\"ssn\":{\ndata: \"a\":2}\ndata:,\"b\":3}\n\n", "data: {\"ssn\":\"***\"\ndata:,\"b\":3}\n\n")]
    [InlineData(": hello\nretry: 5\n\n\n", ": hello\nretry: 5\n\n\n")]
    [InlineData("data: 12\ndata\ndata\n\n", "data: 12\ndata\ndata\n\n")]
    [InlineData("data: 1\n\ndata: [DONE]\n\n", "data: 1\n\ndata: [DONE]\n\n")]
    [InlineData("data: [DONE]", "data: [DONE]")]
    [InlineData("data: [\ndata: 1]\n\n", "data: [\ndata: 1]\n\n")]
    [InlineData("\uFEFFdata: 1\n\n", "\uFEFFdata: 1\n\n")]
    [InlineData("data: {\"ssn\":1}", "data: {\"ssn\":\"***\"}")]
    [InlineData("", "")]
    public void Masks_the_data_and_keeps_the_frame(string stream, string expected)
    {
        // Proves each line form and line end, data over several lines and the word at the end, at every split.
        foreach ((string text, MaskStatus status, MaskRefusal because) in EverySplit(stream))
            Assert.Equal((expected, MaskStatus.Done, MaskRefusal.AfterEnd), (text, status, because));
    }

    [Theory]
    [InlineData("data: hello\n\n", MaskRefusal.NotAValue)]
    [InlineData("data: {\"ssn\":1\n\n", MaskRefusal.CutShort)]
    [InlineData("data: \"a\ndata: b\"\n\n", MaskRefusal.ControlCharacter)]
    [InlineData("Data: {\"ssn\":1}\n\n", MaskRefusal.UnknownEventField)]
    [InlineData("data : {\"ssn\":1}\n\n", MaskRefusal.UnknownEventField)]
    [InlineData("data: [DONE]\ndata: {\"ssn\":1}\n\n", MaskRefusal.UnknownEventField)]
    [InlineData("data: {\"ssn\":[\nid: 1\ndata: 2]}\n\n", MaskRefusal.UnknownEventField)]
    [InlineData("data: [DON\n\n", MaskRefusal.NotAValue)]
    [InlineData("dat", MaskRefusal.CutShort)]
    public void Refuses_what_it_cannot_read(string stream, MaskRefusal because)
    {
        // Proves that data which is no JSON, and lines that a lax client might take for data, end the stream without
        // a secret, alike at every split.
        foreach ((string text, MaskStatus status, MaskRefusal refusal) in EverySplit(stream))
        {
            Assert.Equal((MaskStatus.Refused, because), (status, refusal));
            Assert.DoesNotContain("\"ssn\":1", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_line_that_is_no_data_passes_nothing_that_is_held()
    {
        // Proves that no line overtakes the end of the data line before it, which waits with the comma for what
        // follows.
        MaskProgram drops = MaskProgram.Compile([new("ssn", MaskAction.Drop)]);
        SseMasker masker = new();
        ArrayBufferWriter<byte> output = new();
        masker.Reset(drops, listener: null);
        masker.Write("data: {\"a\":1,\nid: 5\ndata: \"ssn\":2}\n\n"u8, output);
        Assert.Equal(MaskRefusal.UnknownEventField, masker.Refusal);
        Assert.Equal("data: {\"a\":1", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Theory]
    [InlineData(": ping ada@example.com 4111111111111111\n\n", ": ping *** ***\n\n")]
    [InlineData(":ada@example.com\rid: x ada@example.com\r\n\r\n", ":***\rid: x ***\r\n\r\n")]
    [InlineData("event: ada@example.com\ndata: {\"ssn\":1}\n\n", "event: ***\ndata: {\"ssn\":\"***\"}\n\n")]
    [InlineData("retry: 4111111111111111", "retry: ***")]
    [InlineData("id\nid:\n:\n\n", "id\nid:\n:\n\n")]
    [InlineData("\uFEFF: ada@example.com", "\uFEFF: ***")]
    [InlineData(
        "data: {\"a\":1,\n: ada@example.com\ndata: \"b\":\"ada@example.com\"}\n\n",
        "data: {\"a\":1,\n: ***\ndata: \"b\":\"***\"}\n\n")]
    [InlineData(": -----BEGIN PRIVATE KEY-----\\nMII\\n-----END PRIVATE KEY----- x\n", ": *** x\n")]
    public void Looks_into_all_lines(string stream, string expected)
    {
        // Proves that what detectors look for is masked in comments and in fields that are no data, at every split.
        foreach ((string text, MaskStatus status, MaskRefusal because) in EverySplit(stream, Detecting))
            Assert.Equal((expected, MaskStatus.Done, MaskRefusal.AfterEnd), (text, status, because));
    }

    [Theory]
    [InlineData("id: 1\n: -----BEGIN PRIVATE KEY-----\n: MII\n: -----END PRIVATE KEY-----\n", MaskRefusal.ValueTooLong)]
    [InlineData("id: 1\n: -----BEGIN PRIVATE KEY-----\\nMII", MaskRefusal.ValueTooLong)]
    [InlineData("id: 1\n: \u001b-----BEGIN PRIVATE KEY-----\n", MaskRefusal.NotUtf8)]
    public void Refuses_lines_it_cannot_look_into(string stream, MaskRefusal because)
    {
        // Proves that a key over several comments, and what text may not hold, end the stream, alike at every split.
        foreach ((string text, MaskStatus status, MaskRefusal refusal) in EverySplit(stream, Detecting))
            Assert.Equal(("id: 1\n:", MaskStatus.Refused, because), (text.TrimEnd(' '), status, refusal));
    }

    [Fact]
    public void Bounds_a_line_it_looks_into()
    {
        // Proves that the longest line leaves masked, and that nothing of a longer one does, whatever the chunks.
        string longest = new string(' ', MaskLimits.EventFieldBytesMax - 15) + "ada@example.com";
        byte[] fits = Encoding.UTF8.GetBytes("id:" + longest + "\n");
        byte[] tooLong = Encoding.UTF8.GetBytes("id: " + longest + "\n");
        foreach (int size in new[] { 1, 7, 5_000 })
        {
            (string text, MaskStatus status, _) = Run(new SseMasker(), fits, size, size, Detecting);
            Assert.Equal((MaskStatus.Done, "id:" + longest[..^15] + "***\n"), (status, text));
            (text, status, MaskRefusal refusal) = Run(new SseMasker(), tooLong, size, size, Detecting);
            Assert.Equal((MaskStatus.Refused, MaskRefusal.EventFieldTooLong, "id:"), (status, refusal, text));
        }
    }

    [Fact]
    public void Does_to_findings_in_lines_what_the_mask_says()
    {
        // Proves each action in place, as in text: null and drop leave nothing.
        foreach ((MaskAction action, string left) in new[]
        {
            (MaskAction.KeepLast4, "************1111"), (MaskAction.Null, ""), (MaskAction.Drop, ""),
        })
        {
            var program = MaskProgram.Compile([new("", action) { Detect = DetectorSet.PaymentCard }]);
            byte[] line = Encoding.UTF8.GetBytes(": a 4111111111111111 b\n");
            Assert.Equal(": a " + left + " b\n", Run(new SseMasker(), line, 1, 1, program).Text);
        }
    }

    [Fact]
    public void Counts_over_all_events_and_refuses_until_reset()
    {
        // Proves the count over a stream, that nothing is taken after its end, and that a new masker refuses.
        var output = new ArrayBufferWriter<byte>();
        var masker = new SseMasker();
        Assert.Equal(MaskStatus.Refused, masker.Write("data: 1"u8, output));
        Assert.Equal(MaskStatus.Refused, masker.Finish(output));
        masker.Reset(Ssn, null);
        masker.Write("data: {\"ssn\":1}\n\ndata: [{\"ssn\":1},{\"ssn\":2}]\n\n"u8, output);
        Assert.Equal((MaskStatus.Done, 3), (masker.Finish(output), masker.MaskedCount));
        Assert.Equal(MaskStatus.Refused, masker.Write("data: 1"u8, output));
    }

    private static IEnumerable<(string Text, MaskStatus Status, MaskRefusal Because)> EverySplit(
        string stream, MaskProgram? program = null)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(stream);
        var masker = new SseMasker();
        for (int split = 0; split <= bytes.Length; split++)
            yield return Run(masker, bytes, split, bytes.Length, program ?? Ssn);
        yield return Run(masker, bytes, 1, 1, program ?? Ssn);
    }

    private static (string Text, MaskStatus Status, MaskRefusal Because) Run(
        SseMasker masker, byte[] bytes, int first, int next, MaskProgram program)
    {
        var output = new ArrayBufferWriter<byte>();
        masker.Reset(program, null);
        int position = 0;
        int size = first;
        while (position < bytes.Length)
        {
            int taken = Math.Min(size, bytes.Length - position);
            masker.Write(bytes.AsSpan(position, taken), output);
            position += taken;
            size = next;
        }

        MaskStatus status = masker.Finish(output);
        return (Encoding.UTF8.GetString(output.WrittenSpan), status, masker.Refusal);
    }
}
