using System.Text;

namespace Countersign.Masking.Tests;

public sealed class TokenGrammarTests
{
    private const int Seeds = 6_000;
    private const string Anything = "{}[]\":,1t";

    [Fact]
    public void Eight_groups_at_once_say_what_one_after_another_says()
    {
        // Proves the grammar of eights against that of single groups, which WindowGrammarTests hold to the library:
        // over sound texts and such in which tokens are changed, in pieces of any length, whose state is carried on.
        if (!BlockEights.IsSupported) Assert.Skip("this machine has no instructions for it");
        int taken = 0;
        int refused = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            byte[] tokens = Tokens(random);
            for (int changed = random.Next(3); changed > 0; changed--)
                tokens[random.Next(tokens.Length)] = (byte)Anything[random.Next(Anything.Length)];
            bool isSound = Compare(tokens, random, "seed " + seed);
            _ = isSound ? taken++ : refused++;
        }

        Assert.True(taken > Seeds / 4 && refused > Seeds / 4, taken + " taken, " + refused + " refused");
    }

    private static bool Compare(byte[] tokens, Random random, string how)
    {
        TokenGrammar single = default;
        TokenGrammar eights = default;
        var singleMasks = new TokenMasks();
        var eightMasks = new TokenMasks();
        ulong[] classes = new ulong[(BlockWindow.BlocksMax + BlockEights.Blocks) * BlockEights.Classes];
        single.Begin(JsonPlace.Top, 1);
        eights.Begin(JsonPlace.Top, 1);
        for (int at = 0; at < tokens.Length;)
        {
            int count = Math.Min(1 + random.Next(random.Next(2) == 0 ? 100 : 1_500), tokens.Length - at);
            byte[] room = new byte[(BlockWindow.BlocksMax + 1) * BlockWindow.BlockBytes];
            random.NextBytes(room);
            tokens.AsSpan(at, count).CopyTo(room);
            random.NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(classes.AsSpan()));
            bool isSound = single.Take<BlockScalar>(room, count, singleMasks);
            Assert.True(isSound == eights.TakeEights(room, count, classes, eightMasks), how + " at " + at);
            if (!isSound) return false;
            Assert.Equal(
                (how, at, single.Kinds, single.Place(), single.IsBehindKey),
                (how, at, eights.Kinds, eights.Place(), eights.IsBehindKey));
            int groups = (count + BlockWindow.BlockBytes - 1) / BlockWindow.BlockBytes;
            ulong last = ulong.MaxValue >> (groups * BlockWindow.BlockBytes - count);
            for (int group = 0; group < groups; group++)
            {
                ulong valid = group == groups - 1 ? last : ulong.MaxValue;
                Assert.Equal(Words(singleMasks, group, valid), Words(eightMasks, group, valid));
            }

            at += count;
        }

        return true;
    }

    private static (ulong Keys, ulong Elements, ulong Opens, ulong Closes, ulong Squares, ulong Named, ulong Kinds)
        Words(TokenMasks masks, int group, ulong valid) =>
        (masks.Keys[group] & valid, masks.Elements[group] & valid, masks.Opens[group] & valid,
            masks.Closes[group] & valid, masks.Squares[group] & valid, masks.Named[group], masks.KindsBefore[group]);

    private static byte[] Tokens(Random random)
    {
        var text = new StringBuilder();
        int length = random.Next(random.Next(2) == 0 ? 200 : 3_000) + 1;
        while (text.Length < length) Container(text, random, 0, length);
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private static void Container(StringBuilder text, Random random, int depth, int length)
    {
        bool isArray = random.Next(2) == 0;
        text.Append(isArray ? '[' : '{');
        for (int member = random.Next(random.Next(2) == 0 ? 3 : 60); member > 0 && text.Length < length; member--)
        {
            if (text[^1] is not ('[' or '{')) text.Append(',');
            if (!isArray) text.Append("\":");
            if (depth < 30 && random.Next(3) == 0) Container(text, random, depth + 1, length);
            else text.Append("\"1t"[random.Next(3)]);
        }

        text.Append(isArray ? ']' : '}');
    }
}
