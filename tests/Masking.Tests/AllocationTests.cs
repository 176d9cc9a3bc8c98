using System.Buffers;
using System.Text;

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
