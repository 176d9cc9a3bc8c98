using System.Text;

namespace Countersign.Masking.Tests;

public sealed class LongStringTests
{
    private const int Seeds = 1_500;

    private static readonly string[] Pieces =
    [
        "plain text ", "\\\"", "\\\\", "\\\\\\\\", "\\n", "\\u00e9", "\\ud83d\\ude00", "é", "€", "😀", "{", ",", ":",
        "/",
    ];

    private static readonly byte[][] Faults =
    [
        [(byte)'\\'], [(byte)'\\', (byte)'x'], [(byte)'\\', (byte)'u', (byte)'0'], [0x01], [0x1F], [(byte)'\n'], [0x80],
        [0xBF], [0xC0, 0x80], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98], [0xF5, 0x80, 0x80, 0x80],
        [0xFF], [(byte)'"'],
    ];

    [Theory]
    [MemberData(nameof(BlockWidths.All), MemberType = typeof(BlockWidths))]
    public void Long_strings_are_read_as_single_bytes_are(byte width)
    {
        // Proves that blocks of each width move over strings that are masked, judged whole or inside a masked
        // container as the byte-by-byte scanner does: the same output, refusal and offset, with damage and without.
        int refused = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            byte[] body = Body(random);
            MaskProgram program = MaskProgram.Compile([new("masked", MaskAction.Redact), Second(random)]);
            MaskResult expected = MaskRun.Chunks(program, body, 1);
            var masker = new JsonMasker((BlockWidth)width);
            string how = "seed " + seed + ": " + Encoding.Latin1.GetString(body);
            MaskRun.AssertSame(expected, MaskRun.Chunks(masker, program, body, null, body.Length), how);
            int[] sizes = [.. Enumerable.Range(0, 9).Select(_ => 1 + random.Next(300))];
            MaskRun.AssertSame(expected, MaskRun.Chunks(masker, program, body, null, sizes), how);
            if (expected.Status == MaskStatus.Refused) refused++;
        }

        Assert.InRange(refused, Seeds / 4, Seeds * 3 / 4);
    }

    [Theory]
    [MemberData(nameof(BlockWidths.All), MemberType = typeof(BlockWidths))]
    public void Windows_take_the_strings_that_single_bytes_take(byte width)
    {
        // Proves escapes, UTF-8 and control characters in windows, across the ends of blocks: a window takes a text of
        // strings exactly where the byte-by-byte scanner does.
        var window = new BlockWindow((BlockWidth)width);
        MaskProgram program = MaskProgram.Compile([new("no such name", MaskAction.Redact)]);
        int refused = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            var body = new List<byte>([(byte)'[', (byte)'"']);
            AddContent(body, random);
            body.AddRange("\", \""u8);
            AddContent(body, random);
            body.AddRange("\"        ]        "u8);
            bool isSound = MaskRun.Chunks(program, [.. body], 1).Status == MaskStatus.Done;
            Assert.True(window.TryBegin(JsonPlace.Top, default));
            bool isTaken = window.Take([.. body], 0, BlockWindow.BlocksMax, program) && window.End >= body.Count - 8;
            Assert.True(isTaken == isSound, "seed " + seed + ": " + Encoding.Latin1.GetString([.. body]));
            if (!isSound) refused++;
        }

        Assert.InRange(refused, Seeds / 8, Seeds * 3 / 4);
    }

    private static MaskRule Second(Random random) => random.Next(3) switch
    {
        0 => new MaskRule("judged", MaskAction.KeepLast4),
        1 => new MaskRule("judged", MaskAction.Null),
        _ => new MaskRule("judged", MaskAction.Drop),
    };

    private static byte[] Body(Random random)
    {
        var body = new List<byte>();
        body.AddRange(random.Next(2) == 0 ? "{\"masked\":{\"in\":\""u8 : "{\"masked\":[\""u8);
        bool isList = body[^2] == '[';
        AddContent(body, random);
        body.AddRange(isList ? "\"],\"judged\":\""u8 : "\"},\"judged\":\""u8);
        AddContent(body, random);
        body.AddRange("\",\"nested\":\""u8);
        AddContent(body, random);
        body.AddRange("\"}"u8);
        return [.. body];
    }

    private static void AddContent(List<byte> body, Random random)
    {
        int fault = random.Next(6) == 0 ? random.Next(500) : int.MaxValue;
        for (int until = body.Count + random.Next(600); body.Count < until;)
        {
            fault -= 8;
            if (fault < 0)
            {
                fault = int.MaxValue;
                body.AddRange(Faults[random.Next(Faults.Length)]);
            }

            body.AddRange(Encoding.UTF8.GetBytes(Pieces[random.Next(random.Next(3) == 0 ? Pieces.Length : 1)]));
        }
    }
}
