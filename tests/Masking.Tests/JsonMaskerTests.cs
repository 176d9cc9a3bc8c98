using System.Buffers;
using System.Text;

namespace Countersign.Masking.Tests;

public sealed class JsonMaskerTests
{
    private static readonly MaskProgram Token = MaskProgram.Compile([new("token", MaskAction.Redact)]);

    [Fact]
    public void Refuses_until_it_is_reset()
    {
        // Proves that a masker without a program lets nothing through, by both verbs.
        var output = new ArrayBufferWriter<byte>();
        var masker = new JsonMasker();
        Assert.Equal(MaskStatus.Refused, masker.Write("1"u8, output));
        Assert.Equal(MaskStatus.Refused, new JsonMasker().Finish(output));
        Assert.Equal(0, output.WrittenCount);
        Assert.Equal("no program was set", masker.RefusedBecause);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \r\n\t")]
    public void Takes_a_body_without_a_value(string body)
    {
        // Proves that an empty body and white space are done, and leave as they came.
        MaskResult result = MaskRun.EverySplit(Token, Encoding.UTF8.GetBytes(body));
        Assert.Equal((MaskStatus.Done, body, 0), (result.Status, result.Text, result.Masked));
    }

    [Fact]
    public void Stays_refused()
    {
        // Proves that after a refusal nothing leaves, not even white space or what would have been JSON, until Reset.
        var output = new ArrayBufferWriter<byte>();
        var masker = new JsonMasker();
        masker.Reset(Token);
        Assert.Equal(MaskStatus.Refused, masker.Write("[1,}"u8, output));
        Assert.Equal(("[1,", 3L, "a value was expected"), (Text(output), masker.Consumed, masker.RefusedBecause));
        foreach (string more in new[] { " ", "2]", "", "{}" })
        {
            Assert.Equal(MaskStatus.Refused, masker.Write(Encoding.UTF8.GetBytes(more), output));
        }

        Assert.Equal(MaskStatus.Refused, masker.Finish(output));
        Assert.Equal(("[1,", 3L, "a value was expected"), (Text(output), masker.Consumed, masker.RefusedBecause));
        masker.Reset(Token);
        Assert.Equal(MaskStatus.NeedMore, masker.Write("{\"token\":1}"u8, output));
        Assert.Equal((MaskStatus.Done, 1, ""), (masker.Finish(output), masker.MaskedCount, masker.RefusedBecause));
    }

    [Fact]
    public void Takes_nothing_after_the_end()
    {
        // Proves that a finished body cannot be added to or finished again.
        var output = new ArrayBufferWriter<byte>();
        var masker = new JsonMasker();
        masker.Reset(Token);
        masker.Write("1"u8, output);
        Assert.Equal(MaskStatus.Done, masker.Finish(output));
        Assert.Equal(MaskStatus.Refused, masker.Write("2"u8, output));
        Assert.Equal(("1", "input after the end"), (Text(output), masker.RefusedBecause));
        masker.Reset(Token);
        Assert.Equal(MaskStatus.Done, masker.Finish(output));
        Assert.Equal(MaskStatus.Refused, masker.Finish(output));
    }

    [Fact]
    public void Forgets_an_unfinished_body()
    {
        // Proves that Reset leaves nothing of a body that was cut at any place: the next one is masked as by a new
        // masker.
        byte[] body = """[{"tok\u0065n":"a1234567","x":{"token":12345678}},"é"]"""u8.ToArray();
        MaskProgram keep = MaskProgram.Compile([new("token", MaskAction.KeepLast4)]);
        MaskResult expected = MaskRun.Whole(keep, body);
        var masker = new JsonMasker();
        for (int cut = 1; cut < body.Length; cut++)
        {
            masker.Reset(keep);
            masker.Write(body.AsSpan(0, cut), new ArrayBufferWriter<byte>());
            MaskRun.AssertSame(expected, MaskRun.Chunks(masker, keep, body, null, 5), "after a cut");
        }
    }

    [Fact]
    public void Lets_go_what_is_not_masked_at_once()
    {
        // Proves that nothing outside a masked value is held back: after each byte all of it is out, but for a
        // string's quote, which waits for the byte that tells whether JSON may be inside.
        byte[] body = """{"a":[1.5e3,"x\u0041é",true],"tokem":null}"""u8.ToArray();
        var output = new ArrayBufferWriter<byte>();
        var masker = new JsonMasker();
        masker.Reset(Token);
        for (int count = 1; count <= body.Length; count++)
        {
            masker.Write(body.AsSpan(count - 1, 1), output);
            bool opensString = count == body.AsSpan().IndexOf("\"x"u8) + 1;
            Assert.Equal(opensString ? count - 1 : count, output.WrittenCount);
        }
    }

    [Fact]
    public void Opens_as_many_containers_as_the_limit_and_tells_their_kinds_apart()
    {
        // Proves the stack of kinds at its full depth: a mixed nest closes rightly, and each wrong close is refused.
        var open = new StringBuilder();
        var close = new StringBuilder();
        for (int depth = 0; depth < MaskLimits.DepthMax; depth++)
        {
            bool isArray = depth * 7 % 5 < 2;
            open.Append(isArray ? "[" : "{\"k\":");
            close.Insert(0, isArray ? ']' : '}');
        }

        string nest = open + "0" + close;
        Assert.Equal(MaskStatus.Done, MaskRun.Whole(Token, Encoding.UTF8.GetBytes(nest)).Status);
        for (int wrong = 0; wrong < MaskLimits.DepthMax; wrong++)
        {
            var crossed = new StringBuilder(nest);
            int place = nest.Length - MaskLimits.DepthMax + wrong;
            crossed[place] = crossed[place] == ']' ? '}' : ']';
            MaskResult result = MaskRun.Whole(Token, Encoding.UTF8.GetBytes(crossed.ToString()));
            Assert.Equal((MaskStatus.Refused, place), (result.Status, result.Consumed));
        }
    }

    private static string Text(ArrayBufferWriter<byte> output) => Encoding.UTF8.GetString(output.WrittenSpan);
}
