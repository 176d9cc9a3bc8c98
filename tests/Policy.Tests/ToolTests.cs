using System.Text;
using Countersign.Policy.Review;

namespace Countersign.Policy.Tests;

/// <summary>Functions that are MCP tools: which one a name finds, and what stands for their protocol.</summary>
public sealed class ToolTests
{
    private const string Rules = """
        rules:
          - { id: find, subjects: { groups: [support] }, functions: [t.find], effect: allow }
          - id: delete
            subjects: { groups: [agents] }
            functions: [t.delete]
            when: size(args) > 0
            effect: approve
            approval: { stages: [{ groups: [leads], count: 1 }] }
          - { id: odd, subjects: { groups: [odd] }, functions: [t.delete], when: size(args) > 0, effect: deny }
          - { id: all, subjects: { groups: [ops] }, functions: ["*"], effect: allow }
          - { id: never, subjects: { groups: [contractors] }, functions: ["*"], effect: deny }
        separations:
          - { id: apart, kind: static, groups: [support, agents] }
        masks:
          - { id: pii, functions: [t.find], fields: [ssn] }
          - { id: keys, functions: [t.delete], fields: [key], except: { groups: [ops] } }
          - { id: web, functions: [w.get], fields: [web] }

        """;

    private static readonly string Document = PolicyTexts.Upstreams + """
          t.find: { upstream: up, mcp: /mcp, tool: find_user, risk: low }
          t.delete: { upstream: up, mcp: /mcp, tool: "delete_*", risk: high }
          t.teams: { upstream: up, mcp: /mcp, tool: "delete_team_*", risk: high }
          t.all: { upstream: up, mcp: /mcp, tool: "delete_team_all", risk: critical }
          t.other: { upstream: up, mcp: /other, tool: "*", risk: low }
          t.hosted: { upstream: up, mcp: /mcp, tool: "*", risk: low, hosts: [a.test] }
          w.get: { upstream: up, method: GET, path: /web, risk: low }

        """ + Rules;

    [Theory]
    [InlineData("/mcp#find_user", "", "t.find")]
    [InlineData("/mcp#find_users", "", null)]
    [InlineData("/mcp#Find_user", "", null)]
    [InlineData("/mcp#delete_", "", "t.delete")]
    [InlineData("/mcp#delete_user", "", "t.delete")]
    [InlineData("/mcp#delete_team_1", "", "t.teams")]
    [InlineData("/mcp#delete_team_all", "", "t.all")]
    [InlineData("/mcp#delete_*", "", null)]
    [InlineData("/mcp#", "", "up:/mcp")]
    [InlineData("/mcp", "", "up:/mcp")]
    [InlineData("/mcp#find_user", "a.test", "t.hosted")]
    [InlineData("/other#find_user", "", "t.other")]
    [InlineData("/web#find_user", "", null)]
    [InlineData("/none#find_user", "", null)]
    public void A_name_finds_the_narrowest(string target, string host, string? expected)
    {
        // Proves the order: the very name, then the narrower pattern; and that a place as people write it finds it.
        PolicySnapshot policy = PolicyTexts.Compile(Document);
        CallSample call = new()
        {
            Caller = PolicyTexts.CallerIn(), Method = "POST", Target = target, Host = host,
        };
        Assert.Equal(expected, call.FindFunction(policy)?.Id);
        if (target.Contains('#', StringComparison.Ordinal) && target[^1] != '#')
            Assert.Null((call with { Method = "GET" }).FindFunction(policy));
    }

    [Theory]
    [InlineData("support", Effect.Allow, "find", "pii keys")]
    [InlineData("agents", Effect.Allow, "delete", "pii keys")]
    [InlineData("ops", Effect.Allow, "all", "pii")]
    [InlineData("odd", Effect.Deny, "", "pii keys")]
    [InlineData("nobody", Effect.Deny, "", "pii keys")]
    [InlineData("support contractors", Effect.Deny, "", "pii keys")]
    [InlineData("support agents", Effect.Deny, "apart", "pii keys")]
    public void The_protocol_is_for_whom_a_rule_may_let_call_a_tool(
        string groups, Effect effect, string rule, string masks)
    {
        // Proves who gets it, by which rule, and that the masks of all its tools are on it.
        PolicySnapshot policy = PolicyTexts.Compile(Document);
        Assert.True(policy.TryResolve("GET"u8, "/mcp"u8, out Function? protocol));
        Caller caller = PolicyTexts.CallerIn(groups.Split(' '));
        Decision decision = policy.Decide(caller, protocol);
        Assert.Equal((effect, rule), (decision.Effect, decision.Rule));
        Assert.Equal(masks, string.Join(' ', decision.Masks.Select(mask => mask.Id)));
        Assert.Same(decision, policy.Decide(caller, protocol));
        Assert.Equal(effect == Effect.Allow ? 1 : 0, policy.Explain(caller, protocol).Rules.Count(one =>
            one.Outcome == RuleOutcome.Matched));
    }

    [Fact]
    public void The_protocol_is_no_function_of_the_document()
    {
        // Proves that no reference, list or name reaches it, so that a pattern of rules cannot let anybody in.
        PolicySnapshot policy = PolicyTexts.Compile(Document);
        Assert.All(policy.Functions, function => Assert.Null(function.Endpoint));
        Assert.True(policy.TryResolve("POST"u8, "/mcp"u8, out Function? protocol));
        Assert.Null(policy.Find(protocol.Id));
        Assert.Equal(Risk.Low, protocol.Risk);
        Assert.Equal(["t.all", "t.delete", "t.find", "t.teams"], protocol.Endpoint!.Tools.Select(tool => tool.Id));
    }

    [Theory]
    [InlineData("mcp: /mcp, tool: find_user", "mcp: /mcp, tool: find_user", "has the endpoint and tool of 'a'")]
    [InlineData("mcp: /mcp, tool: 'a*'", "mcp: /mcp, tool: 'a*'", "has the endpoint and tool of 'a'")]
    [InlineData("mcp: /mcp, tool: 'a*'", "mcp: /mcp, tool: '*b'", "and is neither wider nor narrower than, 'a'")]
    [InlineData("mcp: /mcp, tool: 'a*b'", "mcp: /mcp, tool: 'a*c*'", "overlaps, and is neither")]
    [InlineData("mcp: /mcp, tool: 'a*'", "mcp: /mcp, tool: 'b*'", "")]
    [InlineData("mcp: /mcp, tool: 'a*'", "mcp: /mcp, tool: 'ab*'", "")]
    [InlineData("mcp: /mcp, tool: 'a*'", "mcp: /mcp, tool: '*'", "")]
    [InlineData("mcp: /mcp, tool: 'a*'", "mcp: /other, tool: '*b'", "")]
    [InlineData("mcp: /mcp, tool: 'a*', hosts: [a.test]", "mcp: /mcp, tool: '*b', hosts: [b.test]", "")]
    [InlineData("mcp: /mcp, tool: 'a*', hosts: [a.test]", "mcp: /mcp, tool: '*b', hosts: [b.test, a.test]", "overlaps")]
    [InlineData("mcp: /mcp, tool: x", "method: POST, path: /mcp", "method and path (POST of an MCP endpoint) of 'a'")]
    [InlineData("method: GET, path: /mcp", "mcp: /mcp, tool: x", "method and path (GET of an MCP endpoint) of 'a'")]
    [InlineData("mcp: /mcp, tool: x", "method: PUT, path: /mcp", "")]
    [InlineData("mcp: /mcp, tool: x", "method: POST, path: '/{any}'", "")]
    public void What_two_functions_could_both_be_is_refused(string first, string second, string fault)
    {
        // Proves that a call finds one function or none, whatever the order of the two in the document.
        string text = PolicyTexts.Upstreams + $"  a: {{ upstream: up, risk: low, {first} }}\n"
            + $"  b: {{ upstream: up, risk: low, {second} }}\nrules: []\n";
        PolicyReading reading = PolicyTexts.Read(text);
        Assert.Equal(fault.Length == 0, reading.Snapshot is not null);
        if (fault.Length > 0) Assert.Contains(fault, Assert.Single(reading.Errors).Message, StringComparison.Ordinal);
        if (reading.Snapshot is not null) Assert.Equal(reading.Json, PolicyTexts.Read(reading.Json).Json);
    }

    [Fact]
    public void An_endpoint_is_at_one_upstream()
    {
        // Proves that a session is with one server.
        const string Text = """
            apiVersion: countersign/v1
            upstreams: { one: { endpoints: ["http://a"] }, two: { endpoints: ["http://b"] } }
            functions:
              a: { upstream: one, mcp: /mcp, tool: a, risk: low }
              b: { upstream: two, mcp: /mcp, tool: b, risk: low }
            rules: []
            """;
        PolicyError error = Assert.Single(PolicyTexts.Read(Text).Errors);
        Assert.Equal("'b' is at another upstream than, and at the endpoint of, 'a' at line 4", error.Message);
    }

    [Fact]
    public void Patterns_have_a_bound()
    {
        // Proves that no document makes each call be compared with thousands of patterns, and that names are free.
        Assert.Empty(Many(256).Errors);
        Assert.Contains("at most 256 patterns", Many(257).Errors[0].Message, StringComparison.Ordinal);

        static PolicyReading Many(int patterns)
        {
            StringBuilder text = new(PolicyTexts.Upstreams);
            for (int n = 0; n < 1_000; n++)
            {
                string tool = n < patterns ? $"p{n}_*" : $"n{n}";
                text.Append($"  f{n}: {{ upstream: up, mcp: /mcp, tool: \"{tool}\", risk: low }}\n");
            }

            return PolicyTexts.Read(text.Append("rules: []\n").ToString());
        }
    }

    [Fact]
    public void Overlap_and_width_are_what_names_say()
    {
        // Proves both for random patterns over a small alphabet, by trying every name of up to six characters: an
        // overlap that is denied has no name in common, and what is covered has no name of its own.
        string[] names = [.. Names(6)];
        Random random = new(7);
        int narrower = 0;
        for (int round = 0; round < 2_000; round++)
        {
            string left = Pattern(random), right = Pattern(random);
            HashSet<string> ofLeft = [.. names.Where(name => Glob.Matches(left, name))];
            HashSet<string> ofRight = [.. names.Where(name => Glob.Matches(right, name))];
            if (!ToolPattern.Overlap(left, right)) Assert.False(ofLeft.Overlaps(ofRight), $"{left} {right}");
            if (!ToolPattern.Covers(left, right)) continue;
            narrower++;
            Assert.True(ofRight.IsSubsetOf(ofLeft), $"{left} {right}");
        }

        Assert.True(narrower > 100);
    }

    private static string Pattern(Random random)
    {
        string pattern;
        do
        {
            pattern = new string([.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => "ab*"[random.Next(3)])]);
        }
        while (!pattern.Contains('*', StringComparison.Ordinal) || pattern.Contains("**", StringComparison.Ordinal));
        return pattern;
    }

    private static IEnumerable<string> Names(int length) => length == 0 ? [""]
        : Names(length - 1).SelectMany(name => name.Length == length - 1
            ? (string[])[name, name + "a", name + "b"] : [name]).Distinct();
}
