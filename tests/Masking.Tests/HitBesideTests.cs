using System.Buffers;
using System.Text;

namespace Countersign.Masking.Tests;

public sealed class HitBesideTests
{
    private static readonly string[] Names =
    [
        "pan", "PAN", "p\\u0061n", "a\\\\b", "a\\b", "aXb", "pa", "span", "card_number_of_16", "longer_than_16_by", "",
    ];

    private static readonly string[] Values =
    [
        "\"4111\"", "\"4111111\"", "\"41111111\"", "\"4111 1111 1111 1111\"", "\"secret of \u00e9\u20ac\"",
        "\"secrets \\n\"", "\"\"", "\"a\\\"b\"", "\"\\\\\"", "17", "null", "true", "{\"x\":1}", "[\"pan\"]", "\"pan\"",
    ];

    [Fact]
    public void A_hit_at_once_is_the_hit_of_the_scanner()
    {
        // Proves that a name with a value beside it is masked in blocks as it is byte by byte, at every place in a
        // block, in each spelling of the name, with and without white space, by names and along paths.
        MaskRule[] rules = [.. new[] { "pan", "a\\b", "card_number_of_16", "longer_than_16_by" }
            .Select(name => new MaskRule(name, MaskAction.Redact))];
        MaskProgram[] programs =
        [
            MaskProgram.Compile(rules),
            MaskProgram.Compile([.. rules.Select(rule => rule with { Action = MaskAction.KeepLast4 })]),
            MaskProgram.Compile([new("$[*].pan", MaskAction.Redact), new("$[*]['a\\\\b']", MaskAction.KeepLast4)]),
            MaskProgram.Compile([new("$..pan", MaskAction.Redact), new("$[1].x", MaskAction.Null), .. rules]),
        ];
        foreach (MaskProgram program in programs)
        {
            var masker = new JsonMasker();
            for (int before = 0; before < 70; before++)
            {
                byte[] body = Body(before);
                MaskResult expected = MaskRun.Chunks(program, body, 1);
                string how = before + ": " + Encoding.UTF8.GetString(body);
                MaskRun.AssertSame(expected, MaskRun.Chunks(masker, program, body, null, body.Length), how);
            }
        }
    }

    [Fact]
    public void Nothing_of_a_value_stays_behind_what_was_written()
    {
        // Proves that whole steps of copying leave no byte of the input in the output's room behind its end.
        MaskProgram program = MaskProgram.Compile([new("pan", MaskAction.Redact)]);
        byte[] body = Encoding.UTF8.GetBytes(
            "[" + string.Join(',', Enumerable.Repeat("{\"a\":1,\"pan\":\"4111111111111111\"}", 30)) + "]");
        var output = new ArrayBufferWriter<byte>(16_384);
        var masker = new JsonMasker();
        masker.Reset(program);
        masker.Write(body.AsSpan(0, body.Length - 1), output);
        Assert.False(output.GetSpan().Contains((byte)'4'));
        masker.Write("]"u8, output);
        Assert.Equal(MaskStatus.Done, masker.Finish(output));
        Assert.Equal(30, masker.MaskedCount);
    }

    private static byte[] Body(int before)
    {
        var text = new StringBuilder("[" + new string(' ', before));
        int turn = before;
        foreach (string name in Names)
        {
            foreach (string value in Values)
            {
                string colon = (turn++ % 4) switch { 0 => ": ", 1 => " :", 2 => ":\n ", _ => ":" };
                text.Append(text.Length > before + 1 ? "," : "").Append("{\"").Append(name).Append('"').Append(colon)
                    .Append(value).Append(turn % 3 == 0 ? ",\"id\":1}" : "}");
            }
        }

        text.Append(']');
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
