using System.Buffers;
using System.Text;

namespace Countersign.Masking.Tests;

public sealed class SseMaskerTests
{
    private static readonly MaskProgram Ssn = MaskProgram.Compile([new("ssn", MaskAction.Redact)]);

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

    private static IEnumerable<(string Text, MaskStatus Status, MaskRefusal Because)> EverySplit(string stream)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(stream);
        var masker = new SseMasker();
        for (int split = 0; split <= bytes.Length; split++) yield return Run(masker, bytes, split, bytes.Length);
        yield return Run(masker, bytes, 1, 1);
    }

    private static (string Text, MaskStatus Status, MaskRefusal Because) Run(
        SseMasker masker, byte[] bytes, int first, int next)
    {
        var output = new ArrayBufferWriter<byte>();
        masker.Reset(Ssn, null);
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
