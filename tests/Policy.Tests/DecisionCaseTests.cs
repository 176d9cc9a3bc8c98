using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.Policy.Tests;

public sealed class DecisionCaseTests
{
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
    };

    public static TheoryData<string> Files() =>
        [.. Directory.EnumerateFiles(Path.Combine(PolicyTexts.Root, "tests/cases/policy"), "*.cases.json")
            .Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    // Proves every decision of a case file, given and expected, cached and not, from the policy as written and from its
    // canonical JSON.
    [Theory]
    [MemberData(nameof(Files))]
    public void Decides_as_the_file_expects(string file)
    {
        string text = PolicyTexts.ReadFile($"tests/cases/policy/{file}");
        CaseFile cases = JsonSerializer.Deserialize<CaseFile>(text, Strict)!;
        PolicyReading reading = PolicyTexts.Read(PolicyTexts.ReadFile(cases.Policy));
        Assert.Empty(reading.Errors);
        Assert.NotEmpty(cases.Cases);
        foreach (PolicySnapshot snapshot in new[] { reading.Snapshot!, PolicyTexts.Compile(reading.Json) })
        {
            foreach (DecisionCase given in cases.Cases) Check(snapshot, given);
        }
    }

    private static void Check(PolicySnapshot snapshot, DecisionCase given)
    {
        string name = $"{string.Join('+', given.Groups)} {given.Host} {given.Call}";
        string[] call = given.Call.Split(' ');
        string? resolved = PolicyTexts.Resolve(snapshot, call[0], call[1], given.Host ?? "", given.Tls);
        Assert.True(resolved == given.Function, $"{name}: resolved {resolved}");
        if (resolved is null) return;

        Caller caller = PolicyTexts.CallerIn(given.Groups);
        Function function = snapshot.Find(resolved)!;
        foreach (Decision decision in new[] { snapshot.Evaluate(caller, function), snapshot.Decide(caller, function) })
        {
            string said = Say(decision);
            Assert.True(string.Equals(said, given.Expected, StringComparison.OrdinalIgnoreCase), $"{name}: {said}");
            string? observed = decision.Observed is null ? null : Say(decision.Observed);
            bool isSame = string.Equals(observed, given.Observed, StringComparison.OrdinalIgnoreCase);
            Assert.True(isSame, $"{name}: {observed}");
            Assert.Equal(decision.Effect == Effect.Approve, decision.Approval is not null);
            string[] stages = [.. (decision.Approval?.Stages ?? [])
                .Select(stage => $"{stage.Count} of {string.Join('+', stage.Groups)}")];
            Assert.Equal(given.Stages ?? [], stages);
            Assert.Equal(given.Masks ?? [], decision.Masks.Select(mask => mask.Id));
        }
    }

    private static string Say(Decision decision) => $"{decision.Effect} {decision.Cause} {decision.Rule}".TrimEnd();

    private sealed record CaseFile(string Policy, DecisionCase[] Cases);

    /// <param name="Groups">The caller's.</param>
    /// <param name="Call">Method and path.</param>
    /// <param name="Function">What it resolves to; null for none, and then nothing else is expected.</param>
    /// <param name="Expected">Effect, cause and rule.</param>
    /// <param name="Stages">What an approval takes.</param>
    /// <param name="Masks">On the answer.</param>
    /// <param name="Host">The Host field; none if it is not given.</param>
    /// <param name="Tls">The caller came over TLS.</param>
    /// <param name="Observed">What would have been decided if nothing were in observe.</param>
    private sealed record DecisionCase(
        string[] Groups, string Call, string? Function, string? Expected, string[]? Stages, string[]? Masks,
        string? Host, bool Tls, string? Observed);
}
