using System.Globalization;
using System.Text;

namespace Countersign.Masking.Tests;

public sealed class MaskProgramTests
{
    [Fact]
    public void Is_empty_without_rules_alone()
    {
        // Proves IsEmpty for no rule and for one of each notation.
        Assert.True(MaskProgram.Compile([]).IsEmpty);
        Assert.False(MaskProgram.Compile([new("a", MaskAction.Redact)]).IsEmpty);
        Assert.False(MaskProgram.Compile([new("$.a", MaskAction.KeepLast4)]).IsEmpty);
        Assert.False(MaskProgram.Compile([new("$", MaskAction.KeepLast4)]).IsEmpty);
    }

    [Fact]
    public void Refuses_more_steps_and_rules_than_fit()
    {
        // Proves both limits at the last value that fits and the first that does not; a rule said twice counts once.
        List<MaskRule> paths = [];
        for (int path = 0; path < MaskLimits.PathStepsMax / 2; path++)
        {
            paths.Add(new MaskRule("$.a.b" + path.ToString(CultureInfo.InvariantCulture), MaskAction.Redact));
            paths.Add(paths[^1] with { Action = MaskAction.KeepLast4 });
        }

        Assert.False(MaskProgram.Compile(paths).IsEmpty);
        ArgumentException thrown = Assert.Throws<ArgumentException>(
            () => MaskProgram.Compile([.. paths, new MaskRule("$.c", MaskAction.Redact)]));
        Assert.StartsWith(
            "$.c: the paths have together more than 64 segments", thrown.Message, StringComparison.Ordinal);
        MaskRule[] rules = [.. Enumerable.Repeat(new MaskRule("a", MaskAction.Redact), MaskLimits.RulesMax)];
        Assert.False(MaskProgram.Compile(rules).IsEmpty);
        Assert.Throws<ArgumentException>(() => MaskProgram.Compile([.. rules, rules[0]]));
    }

    [Fact]
    public void An_unknown_action_redacts()
    {
        // Proves that an action nobody defined is the strictest.
        MaskProgram program = MaskProgram.Compile([new("a", (MaskAction)77), new("$.b", (MaskAction)77)]);
        byte[] body = """{"a":"12345678","b":"12345678"}"""u8.ToArray();
        Assert.Equal("""{"a":"***","b":"***"}""", MaskRun.Whole(program, body).Text);
    }

    [Fact]
    public void Finds_every_one_of_many_names()
    {
        // Proves the name table when full: 4096 names are all hit and 4096 others, differing in one letter, are not.
        List<MaskRule> rules = [];
        var body = new StringBuilder("{");
        var expected = new StringBuilder("{");
        for (int name = 0; name < MaskLimits.RulesMax; name++)
        {
            string key = "Key" + name.ToString("D4", CultureInfo.InvariantCulture) + "x";
            rules.Add(new MaskRule(key, MaskAction.Redact));
            body.Append(CultureInfo.InvariantCulture, $"\"{key.ToUpperInvariant()}\":1,\"{key[..^1]}y\":2,");
            expected.Append(CultureInfo.InvariantCulture, $"\"{key.ToUpperInvariant()}\":\"***\",\"{key[..^1]}y\":2,");
        }

        byte[] given = Encoding.UTF8.GetBytes(body.Append("\"z\":0}").ToString());
        Assert.Equal(expected.Append("\"z\":0}").ToString(), MaskRun.Whole(MaskProgram.Compile(rules), given).Text);
    }
}
