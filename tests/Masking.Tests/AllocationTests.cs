using System.Buffers;
using System.Text;
using Countersign.Masking.Content;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests;

public sealed class AllocationTests
{
    [Fact]
    public void A_warm_masker_allocates_nothing()
    {
        // Proves 0 bytes over 1000 bodies of 4 KiB with names, paths, escapes, both actions and chunk borders
        // everywhere.
        MaskProgram program = MaskProgram.Compile(
        [
            new("ssn", MaskAction.Redact), new("iban", MaskAction.KeepLast4),
            new("$[*].cards[*].number", MaskAction.KeepLast4),
            new("$..secret", MaskAction.Redact), new("$[*][1]", MaskAction.Redact),
        ]);
        byte[] body = Body();
        var masker = new JsonMasker();
        var output = new ArrayBufferWriter<byte>(2 * body.Length);
        for (int warm = 0; warm < 200; warm++) Mask(masker, program, body, output, warm);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int masked = 0;
        for (int turn = 0; turn < 1_000; turn++) masked += Mask(masker, program, body, output, turn);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(0, allocated);
        Assert.True(masked > 10_000);
    }

    [Fact]
    public void Warm_maskers_of_long_keys_and_of_events_allocate_nothing()
    {
        // Proves 0 bytes over bodies with a key that is dropped as it comes, and with events all of whose lines are
        // looked into, with chunk borders everywhere.
        MaskProgram program = MaskProgram.Compile([new("", MaskAction.Redact) { Detect = (DetectorSet)1023 }]);
        byte[] text = Encoding.UTF8.GetBytes("-----BEGIN PRIVATE KEY-----\n" + new string('M', 50_000) + "\n(");
        byte[] events = Encoding.UTF8.GetBytes(": ada@example.com\nid: x\ndata: [\"ada@example.com\"]\n\n");
        var texts = new TextMasker();
        var stream = new SseMasker();
        var found = new MaskedText();
        var output = new ArrayBufferWriter<byte>(4_096);
        found.Reset(program, null);
        long before = 0;
        for (int turn = 0; turn < 200; turn++)
        {
            if (turn == 100) before = GC.GetAllocatedBytesForCurrentThread();
            output.ResetWrittenCount();
            texts.Reset(program.Detectors, found);
            int size = 1 + (turn * 37 % 4_096);
            for (int place = 0; place < text.Length; place += size)
                texts.Write(text.AsSpan(place, Math.Min(size, text.Length - place)), output);
            texts.Finish(output);
            stream.Reset(program, null);
            for (int place = 0; place < events.Length; place += size)
                stream.Write(events.AsSpan(place, Math.Min(size, events.Length - place)), output);
            stream.Finish(output);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal((1, 2), (texts.MaskedCount, stream.MaskedCount));
    }

    private static int Mask(
        JsonMasker masker, MaskProgram program, byte[] body, ArrayBufferWriter<byte> output, int turn)
    {
        output.ResetWrittenCount();
        masker.Reset(program);
        int chunk = 1 + (turn * 37 % 4_096);
        for (int position = 0; position < body.Length; position += chunk)
        {
            int size = Math.Min(chunk, body.Length - position);
            if (masker.Write(body.AsSpan(position, size), output) == MaskStatus.Refused) return 0;
        }

        return masker.Finish(output) == MaskStatus.Done ? masker.MaskedCount : 0;
    }

    private static byte[] Body()
    {
        var text = new StringBuilder("[");
        while (text.Length < 4_096)
        {
            if (text.Length > 1) text.Append(",\n ");
            text.Append(
                """
                {"id": 17, "s\u0073n": "160-62-5047", "iban": "FR14\u00320041010050500013M02606",
                 "cards": [{"number": 4242424242424242, "name": "Zoë \ud834\udd1e"}],
                 "deep": {"a": {"secret": [1, {"b": null}]}}}
                """);
        }

        return Encoding.UTF8.GetBytes(text.Append(']').ToString());
    }
}
