using System.Reflection;
using System.Text.Json.Nodes;
using Countersign.Cli.Configuration;
using Countersign.DataPlane;
using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Configuration;

/// <summary>The limits in three places that must say the same: the record, its reader, and the page.</summary>
public sealed class LimitsReaderTests
{
    public static TheoryData<string> Names() => [.. LimitsReader.Names];

    [Fact]
    public void Every_limit_can_be_configured_and_is_on_the_page()
    {
        // Proves by reflection that each property of Limits has its row, and that the page's table is those rows.
        IEnumerable<string> properties = typeof(Limits).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(property => char.ToLowerInvariant(property.Name[0]) + property.Name[1..]);
        Assert.Equal(properties.Order(StringComparer.Ordinal), LimitsReader.Names.Order(StringComparer.Ordinal));
        string[] page = File.ReadAllLines(Path.Combine(ServeSetup.Root(), "docs", "CONFIGURATION.md"));
        string[] table = [.. page.SkipWhile(line => line != "## Limits").Where(line => line.StartsWith("| `",
            StringComparison.Ordinal))];
        string[] rows = [.. LimitsReader.Rows.Select(row => $"| `{row.Name}` | {row.Default} | {row.Range} | ")];
        Assert.Equal(rows.Length, table.Length);
        Assert.All(rows.Zip(table), pair => Assert.StartsWith(pair.First, pair.Second, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Both_ends_of_a_range_are_taken_and_nothing_beyond(string name)
    {
        // Proves each range by its lowest and highest value, as the page writes them, and by one beyond either.
        LimitRow row = Assert.Single(LimitsReader.Rows, row => row.Name == name);
        string[] ends = row.Range.Split(row.Range.Contains(" or ", StringComparison.Ordinal) ? " or " : " to ");
        foreach (string end in ends)
        {
            (Limits read, List<string> errors) = Read(row, end);
            Assert.Empty(errors);
            PropertyInfo property = typeof(Limits).GetProperty(char.ToUpperInvariant(name[0]) + name[1..])!;
            object value = property.GetValue(read)!;
            Assert.Equal(end, value is TimeSpan span ? LimitRow.Text(span) : value.ToString()!.ToLowerInvariant());
        }

        string[] beyond = ends[0] switch
        {
            "true" => ["maybe", "1"],
            _ when long.TryParse(ends[0], out long least) => [$"{least - 1}", $"{long.Parse(ends[1]) + 1}", "few"],
            "0s" => ["25h", "soon", "-1s"],
            _ => ["0s", "8d", "soon"],
        };
        Assert.All(beyond, text => Assert.Contains(name, Assert.Single(Read(row, text).Errors),
            StringComparison.Ordinal));
    }

    [Fact]
    public void Limits_that_contradict_each_other_are_refused()
    {
        // Proves the checks between limits: a target longer than its head, a window larger than all memory.
        List<string> errors = [];
        JsonObject content = new()
        {
            ["headBytesMax"] = 2_048, ["targetBytesMax"] = 4_096,
            ["bufferedBytesMax"] = 65_536, ["replyWindowBytes"] = 131_072,
        };
        LimitsReader.Read(new ConfigurationSection(content, "limits", errors));
        Assert.Equal(2, errors.Count);
        Assert.StartsWith("limits.targetBytesMax:", errors[0], StringComparison.Ordinal);
        Assert.StartsWith("limits.bufferedBytesMax:", errors[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_target_is_no_longer_than_its_head_where_nobody_says_how_long()
    {
        // Proves that whoever lowers the one limit need not know the other.
        List<string> errors = [];
        JsonObject content = new() { ["headBytesMax"] = 2_048 };
        Limits limits = LimitsReader.Read(new ConfigurationSection(content, "limits", errors));
        Assert.Empty(errors);
        Assert.Equal((2_048, 2_048), (limits.HeadBytesMax, limits.TargetBytesMax));
    }

    private static (Limits Read, List<string> Errors) Read(LimitRow row, string text)
    {
        List<string> errors = [];
        ConfigurationSection section = new(new JsonObject { [row.Name] = text }, "limits", errors);
        return (row.Read(section, new Limits()), errors);
    }
}
