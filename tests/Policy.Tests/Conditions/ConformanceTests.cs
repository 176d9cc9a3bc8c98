using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.Policy.Tests.Conditions;

public sealed class ConformanceTests
{
    private const string Folder = "tests/cases/cel";

    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    private static readonly Dictionary<string, string> Unsupported = ReadUnsupported();

    public static TheoryData<string> Files() =>
        [.. Directory.EnumerateFiles(Path.Combine(PolicyTexts.Root, Folder), "*.json")
            .Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    // Proves the language on its specification's own cases, all of each file: those that unsupported.txt does not name
    // come out as the specification says, and those it names do not, so that the list is neither too short nor too
    // long.
    [Theory]
    [MemberData(nameof(Files))]
    public void Does_what_the_specification_says(string file)
    {
        string text = PolicyTexts.ReadFile($"{Folder}/{file}.json");
        ConformanceCase[] cases = JsonSerializer.Deserialize<ConformanceCase[]>(text, Strict)!;
        Assert.NotEmpty(cases);
        List<string> wrong = [];
        foreach (ConformanceCase given in cases)
        {
            string name = $"{file} {given.Name}";
            string? came = given.Run();
            bool isListed = Unsupported.ContainsKey(name);
            if (came is not null && !isListed) wrong.Add($"{name}: {given.Expr}: {came}");
            if (came is null && isListed) wrong.Add($"{name}: is listed as unsupported and passes");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    // Proves that the list of what is unsupported names cases that are there, and says why of each.
    [Fact]
    public void What_is_unsupported_is_there()
    {
        HashSet<string> all = [];
        foreach (string file in Files())
        {
            string text = PolicyTexts.ReadFile($"{Folder}/{file}.json");
            foreach (ConformanceCase given in JsonSerializer.Deserialize<ConformanceCase[]>(text, Strict)!)
            {
                Assert.True(all.Add($"{file} {given.Name}"), given.Name);
            }
        }

        Assert.All(Unsupported, entry => Assert.True(all.Contains(entry.Key) && entry.Value.Length > 0, entry.Key));
    }

    /// <summary>Reasons in brackets, each over the cases that it holds for.</summary>
    private static Dictionary<string, string> ReadUnsupported()
    {
        Dictionary<string, string> reasons = new(StringComparer.Ordinal);
        string reason = "";
        foreach (string line in PolicyTexts.ReadFile($"{Folder}/unsupported.txt").Split('\n'))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            if (line[0] == '[') reason = line[1..^1];
            else reasons.Add(line, reason);
        }

        return reasons;
    }
}
