using System.Buffers;
using System.Text;

namespace Countersign.Masking.Tests;

/// <summary>What came of one body.</summary>
internal sealed record MaskResult(MaskStatus Status, byte[] Output, int Masked, string Because, long Consumed)
{
    public string Text => Encoding.UTF8.GetString(Output);
}

/// <summary>Feeds bodies to a masker in chosen chunks.</summary>
internal static class MaskRun
{
    public static MaskResult Whole(MaskProgram program, byte[] body) => Chunks(program, body, body.Length);

    /// <summary>Feeds chunks of <paramref name="sizes"/>, the last one repeated; looks at the output after
    /// each.</summary>
    public static MaskResult Chunks(MaskProgram program, byte[] body, params int[] sizes) =>
        Chunks(new JsonMasker(), program, body, null, sizes);

    public static MaskResult Chunks(
        JsonMasker masker, MaskProgram program, byte[] body, Action<ReadOnlySpan<byte>>? look, params int[] sizes)
    {
        var output = new ArrayBufferWriter<byte>();
        masker.Reset(program);
        int position = 0;
        for (int turn = 0; position < body.Length; turn++)
        {
            int size = Math.Min(sizes[Math.Min(turn, sizes.Length - 1)], body.Length - position);
            MaskStatus status = masker.Write(body.AsSpan(position, size), output);
            look?.Invoke(output.WrittenSpan);
            if (status == MaskStatus.Refused)
            {
                Assert.Equal(MaskStatus.Refused, masker.Finish(output));
                break;
            }

            Assert.Equal(MaskStatus.NeedMore, status);
            position += size;
            Assert.Equal(position, masker.Consumed);
        }

        MaskStatus ended = masker.RefusedBecause.Length > 0 ? MaskStatus.Refused : masker.Finish(output);
        look?.Invoke(output.WrittenSpan);
        return new MaskResult(
            ended, output.WrittenSpan.ToArray(), masker.MaskedCount, masker.RefusedBecause, masker.Consumed);
    }

    /// <summary>Runs every split in two, every single byte, and checks that all say the same as the whole.</summary>
    public static MaskResult EverySplit(MaskProgram program, byte[] body)
    {
        MaskResult whole = Whole(program, body);
        var masker = new JsonMasker();
        for (int split = 1; split < body.Length; split++)
        {
            AssertSame(whole, Chunks(masker, program, body, null, split, body.Length), "split at " + split);
        }

        if (body.Length > 0) AssertSame(whole, Chunks(masker, program, body, null, 1), "byte by byte");
        return whole;
    }

    public static void AssertSame(MaskResult whole, MaskResult other, string how)
    {
        bool isSame = whole.Output.AsSpan().SequenceEqual(other.Output);
        Assert.True(isSame, how + ": " + other.Text + " is not " + whole.Text);
        Assert.Equal(
            (how, whole.Status, whole.Masked, whole.Because, whole.Consumed),
            (how, other.Status, other.Masked, other.Because, other.Consumed));
    }
}
