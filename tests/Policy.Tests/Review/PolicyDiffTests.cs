using System.Text;
using System.Text.Json;
using Countersign.Policy.Conditions;
using Countersign.Policy.Review;

namespace Countersign.Policy.Tests.Review;

public sealed class PolicyDiffTests
{
    private const string Base = """
        apiVersion: countersign/v1
        upstreams:
          up: { endpoints: ["http://h"], credential: { broker: jwt, ttl: 30s } }
        functions:
          f.get: { upstream: up, method: GET, path: /f, risk: low }
          f.put: { upstream: up, method: PUT, path: /f, risk: high, headers: [If-Match] }
        rules:
          - { id: read, subjects: { groups: [staff] }, functions: [f.get], effect: allow }
          - id: write
            subjects: { groups: [staff] }
            functions: [f.put]
            effect: approve
            approval: { stages: [{ groups: [leads], count: 2 }], useWithin: 5m }
          - { id: out, subjects: { groups: [guests] }, functions: ["*"], effect: deny }
        separations:
          - { id: apart, kind: static, groups: [a, b, c] }
        masks:
          - { id: pii, functions: ["*"], fields: [ssn, email], action: keep-last-4, except: { groups: [cleared] } }
        """;

    // Proves that a document written otherwise, with other orders, defaults and names for durations, is no difference.
    [Fact]
    public void The_same_written_otherwise_is_the_same()
    {
        const string other = """
            { "mode": "enforce", "masks": [{ "functions": ["*"], "fields": ["email", "ssn"], "action": "keep-last-4",
              "id": "pii", "except": { "groups": ["cleared"] } }],
            "separations": [{ "kind": "static", "groups": ["c", "b", "a"], "id": "apart" }],
            "rules": [
              { "id": "out", "subjects": { "groups": ["guests"] }, "functions": ["*"], "effect": "deny" },
              { "id": "write", "subjects": { "groups": ["staff"] }, "functions": ["f.put"], "effect": "approve",
                "approval": { "stages": [{ "count": 2, "groups": ["leads"] }], "useWithin": "300s",
                  "decideWithin": "15m" } },
              { "id": "read", "subjects": { "groups": ["staff"] }, "functions": ["f.get"], "effect": "allow" }],
            "functions": {
              "f.put": { "upstream": "up", "method": "PUT", "path": "/f", "risk": "high", "headers": ["If-Match"] },
              "f.get": { "upstream": "up", "method": "GET", "path": "/f", "risk": "low", "maskable": true } },
            "upstreams": { "up": { "endpoints": ["http://h"], "credential": { "ttl": "30s" }, "timeout": "30s" } },
            "apiVersion": "countersign/v1" }
            """;
        PolicyDiff diff = Diff(Base, other);
        Assert.True(diff.IsSame, PolicyDiffText.ToText(diff));
        Assert.False(diff.Loosens);
        Assert.Equal("no difference", PolicyDiffText.ToText(diff));
    }

    // Proves what each kind of change is said to be, by replacing one part of the policy at a time.
    [Theory]
    [InlineData("count: 2", "count: 1", "+ group staff: f.put: needs 1 of leads (was: needs 2 of leads)",
        "+ rules write: stages are weaker: 2 of leads becomes 1 of leads")]
    [InlineData("[{ groups: [leads], count: 2 }]", "[{ groups: [leads], count: 2 }, { groups: [sre], count: 1 }]",
        "- group staff: f.put: needs 1 of sre and 2 of leads (was: needs 2 of leads)",
        "- rules write: stages are stronger: 2 of leads becomes 1 of sre and 2 of leads")]
    [InlineData("groups: [leads], count", "groups: [leads, sre], count",
        "+ group staff: f.put: needs 2 of leads or sre (was: needs 2 of leads)",
        "+ rules write: stages are weaker: 2 of leads becomes 2 of leads or sre")]
    [InlineData("groups: [leads], count", "groups: [sre], count",
        "~ group staff: f.put: needs 2 of sre (was: needs 2 of leads)",
        "~ rules write: stages are other: 2 of leads becomes 2 of sre")]
    [InlineData("useWithin: 5m", "useWithin: 6m", "+ rules write: approval.useWithin: 5m becomes 6m")]
    [InlineData("useWithin: 5m", "reason: required", "- rules write: approval.reason: optional becomes required")]
    [InlineData("functions: [f.get], effect: allow", "functions: [\"*\"], effect: allow",
        "+ rules read: functions adds *", "- rules read: functions drops f.get")]
    [InlineData("{ groups: [staff] }, functions: [f.get]", "{ groups: [staff, interns] }, functions: [f.get]",
        "+ group interns: f.get: allowed (was: denied)", "+ rules read: subjects.groups adds interns")]
    [InlineData("{ groups: [guests] }", "{ groups: [strangers] }",
        "- rules out: subjects.groups adds strangers", "+ rules out: subjects.groups drops guests")]
    [InlineData("functions: [\"*\"], effect: deny", "functions: [\"*\"], effect: deny, mode: observe",
        "+ rules out: mode: enforce becomes observe")]
    [InlineData("risk: high", "risk: medium", "+ functions f.put: risk: high becomes medium")]
    [InlineData("risk: high, headers: [If-Match]", "risk: critical", "- functions f.put: risk: high becomes critical",
        "+ functions f.put: headers drops If-Match")]
    [InlineData("path: /f, risk: low", "path: /g, risk: low", "~ functions f.get: path: /f becomes /g")]
    [InlineData("groups: [a, b, c]", "groups: [a, b]", "+ separations apart: groups drops c")]
    [InlineData("fields: [ssn, email]", "fields: [ssn, iban]", "- masks pii: fields adds iban",
        "+ masks pii: fields drops email")]
    [InlineData("action: keep-last-4", "action: tokenize, key: k",
        "- masks pii: action: keep-last-4 becomes tokenize", "~ masks pii: key: nothing becomes k")]
    [InlineData("groups: [cleared]", "groups: [cleared, staff]", "+ masks pii: except.groups adds staff")]
    [InlineData(", except: { groups: [cleared] }", "",
        "- masks pii: except: {\"groups\":[\"cleared\"]} becomes nothing")]
    [InlineData("ttl: 30s", "ttl: 60s", "+ upstreams up: credential.ttl: 30s becomes 60s")]
    [InlineData("http://h", "http://g", "~ upstreams up: endpoints adds http://g",
        "~ upstreams up: endpoints drops http://h")]
    [InlineData("apiVersion: countersign/v1", "apiVersion: countersign/v1\nmode: observe",
        "+ mode: mode: enforce becomes observe")]
    public void Says_what_a_change_is(string part, string other, params string[] lines)
    {
        string[] said = PolicyDiffText.ToText(Diff(Base, Base.Replace(part, other, StringComparison.Ordinal)))
            .Split('\n');
        foreach (string line in lines) Assert.Contains(line, said);
    }

    // Proves that entries that come and go are weighed by what they do, and that access follows.
    [Fact]
    public void Entries_come_and_go()
    {
        string after = Base.Replace(
            "  - { id: read, subjects: { groups: [staff] }, functions: [f.get], effect: allow }\n", "",
            StringComparison.Ordinal).Replace(
            "rules:\n", "  f.new: { upstream: up, method: GET, path: /n, risk: low }\nrules:\n"
            + "  - { id: new, subjects: { groups: [staff] }, functions: [f.new], effect: allow }\n",
            StringComparison.Ordinal);
        string[] said = PolicyDiffText.ToText(Diff(Base, after)).Split('\n');
        Assert.Equal(
        [
            "- group staff: f.get: denied (was: allowed)",
            "+ group staff: f.new: allowed (was: no such function)",
            "~ functions f.new: is new",
            "- rules read: is gone, which allows",
            "+ rules new: is new, which allows",
        ], said);
    }

    // Proves that callers are compared with all that they hold: a group added to a deny rule costs one who holds both.
    [Fact]
    public void Callers_are_compared_with_all_their_groups()
    {
        PolicyReading before = PolicyTexts.Read(Base);
        PolicyReading after = PolicyTexts.Read(
            Base.Replace("groups: [guests]", "groups: [guests, temps]", StringComparison.Ordinal));
        Caller tim = new("https://issuer.test", "tim", CallerKind.Human, ["staff", "temps"], ["tim"]);
        PolicyDiff diff = PolicyDiff.Between(before, after, [tim]);
        Assert.Contains(diff.Access, change =>
            change is { Subject: "tim", IsGroup: false, Before: "allowed", After: "denied" });
        Assert.DoesNotContain(diff.Access, change => change.IsGroup && change.With.Length == 0);
    }

    // Proves that the JSON says what the text says.
    [Fact]
    public void Json_holds_the_same()
    {
        PolicyDiff diff = Diff(Base, Base.Replace("count: 2", "count: 1", StringComparison.Ordinal));
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes)) PolicyDiffText.Write(json, diff);
        using JsonDocument read = JsonDocument.Parse(Encoding.UTF8.GetString(bytes.ToArray()));
        Assert.False(read.RootElement.GetProperty("same").GetBoolean());
        Assert.True(read.RootElement.GetProperty("loosens").GetBoolean());
        JsonElement access = Assert.Single(read.RootElement.GetProperty("access").EnumerateArray());
        Assert.Equal("staff", access.GetProperty("group").GetString());
        JsonElement change = Assert.Single(read.RootElement.GetProperty("changes").EnumerateArray());
        Assert.Equal("approval.stages", change.GetProperty("member").GetString());
        Assert.Equal("loosens", change.GetProperty("weight").GetString());
    }

    // Proves on random policies that two that decide otherwise for somebody are never called the same, and that one is
    // the same as itself.
    [Fact]
    public void What_decides_otherwise_is_no_same()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        for (int round = 0; round < 1_000; round++)
        {
            PlainPolicy plain = PlainPolicy.Make(random);
            PolicyReading before = PolicyTexts.Read(plain.Write());
            if (plain.Rules.Count > 0 && random.Next(2) == 0) plain.Rules.RemoveAt(random.Next(plain.Rules.Count));
            else plain.Rules.Add(PlainPolicy.MakeRule(random, random.Next(3)));
            PolicyReading after = PolicyTexts.Read(plain.Write());
            Assert.True(PolicyDiff.Between(before, before).IsSame, $"seed {seed}");
            Caller caller = PlainPolicy.MakeCaller(random);
            CallFacts facts = PlainBody.Make(random).FactsFor(caller);
            bool isOther = before.Snapshot!.Functions.Any(function =>
                before.Snapshot.Evaluate(caller, function).For(facts, out _).Effect
                    != after.Snapshot!.Evaluate(caller, after.Snapshot.Find(function.Id)!).For(facts, out _).Effect);
            if (isOther) Assert.False(PolicyDiff.Between(before, after).IsSame, $"seed {seed}\n{plain.Write()}");
        }
    }

    private static PolicyDiff Diff(string before, string after)
    {
        PolicyReading old = PolicyTexts.Read(before);
        PolicyReading now = PolicyTexts.Read(after);
        Assert.Empty(old.Errors);
        Assert.Empty(now.Errors);
        return PolicyDiff.Between(old, now);
    }
}
