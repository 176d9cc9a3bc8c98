using System.Text;
using Countersign.Policy.Review;

namespace Countersign.Policy.Tests.Review;

public sealed class TakeoverDiffTests
{
    private const string Head = "apiVersion: countersign/v1\nupstreams: { up: { endpoints: [\"http://h\"] } }\n"
        + "functions:\n  open.get: { upstream: up, method: GET, path: /o, risk: low }\n"
        + "  pay.get: { upstream: up, method: GET, path: /p, risk: low }\n";

    private const string Rules = """
        rules:
          - id: guard
            subjects: { groups: [staff] }
            functions: ["pay.*"]
            effect: approve
            approval: { stages: [{ groups: [leads], count: 1 }] }
          - { id: free, subjects: { groups: [staff] }, functions: ["open.*"], effect: allow }
        masks:
          - { id: pii, functions: ["pay.*"], fields: [ssn] }
        """;

    private const string Guarded =
        "  pay.reset: { upstream: up, method: POST, path: \"/pay/{id}/reset\", risk: critical }\n";

    private const string Expected = "+ functions open.reset: takes calls of pay.reset (critical): risk low; "
        + "staff now allowed (was: needs 1 of leads); without what denies or pauses staff; without mask pii";

    // Proves that a function that takes a guarded one's calls is told of, whatever makes it precede.
    [Theory]
    [InlineData("path: \"/pay/{id:int}/reset\"")]
    [InlineData("path: /pay/all/reset")]
    [InlineData("path: \"/{any:slug}/{id}/reset\"", false)]
    [InlineData("path: \"/pay/{id}/{what}\"", false)]
    [InlineData("path: \"/pay/{id:uuid}/other\"", false)]
    [InlineData("hosts: [a.example], path: \"/{x}/{y}/{z}\"")]
    [InlineData("hosts: [\"*.example:8443\"], path: \"/pay/{id}/reset\"")]
    public void A_new_function_takes_calls_of_a_guarded_one(string place, bool takes = true)
    {
        PolicyDiff diff = Diff(
            Guarded,
            Guarded + $"  open.reset: {{ upstream: up, method: POST, {place}, risk: low }}\n");
        Assert.True(diff.Loosens);
        string text = PolicyDiffText.ToText(diff);
        if (takes) Assert.Contains(Expected, text.Split('\n'));
        else Assert.DoesNotContain("takes calls", text, StringComparison.Ordinal);
    }

    // Proves the same of a function that is left with the calls of one that is gone, or is its new name; and that the
    // stricter of two is not said to loosen.
    [Fact]
    public void A_wider_function_is_left_and_a_name_changes()
    {
        const string wide = "  open.reset: { upstream: up, method: POST, path: \"/{a}/{b}/{c}\", risk: low }\n";
        Assert.Contains(Expected, Lines(Diff(Guarded + wide, wide)));
        string renamed = Guarded.Replace("pay.reset", "open.reset", StringComparison.Ordinal)
            .Replace("critical", "low", StringComparison.Ordinal);
        const string noGuard = "  pay.reset: { upstream: up, method: POST, path: /elsewhere, risk: critical }\n";
        Assert.Contains(Expected, Lines(Diff(Guarded, renamed + noGuard)));
        Assert.Contains("~ functions pay.reset: takes calls of open.reset (low): nobody is seen to gain by it",
            Lines(Diff(noGuard + wide, Guarded + wide)));
    }

    // Proves that tools of an MCP endpoint take each other's calls by the narrower pattern.
    [Fact]
    public void A_tool_takes_calls_of_a_pattern()
    {
        const string tool = "  pay.reset: { upstream: up, mcp: /mcp, tool: \"re*\", risk: critical }\n";
        string[] lines = Lines(Diff(
            tool, tool + "  open.reset: { upstream: up, mcp: /mcp, tool: reset, risk: low }\n"));
        Assert.Contains(Expected, lines);
        lines = Lines(Diff(
            tool, tool + "  open.reset: { upstream: up, mcp: /mcp, tool: get, risk: low }\n"));
        Assert.DoesNotContain(Expected, lines);
    }

    // Proves on random policies that no call goes to another function unseen.
    [Fact]
    public void No_call_changes_hands_unseen()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        int handed = 0;
        for (int round = 0; round < 500; round++)
        {
            PolicyReading before = RandomPolicy(random);
            PolicyReading after = RandomPolicy(random);
            if (before.Snapshot is null || after.Snapshot is null) continue;
            string[] lines = Lines(PolicyDiff.Between(before, after));
            for (int call = 0; call < 100; call++)
            {
                byte[] host = Encoding.ASCII.GetBytes(Pick(random, ["", "a.example", "b.a.example", "a.example:81"]));
                string[] segments = ["7", "x", "ab", "2026-02-28", "0f8fad5b-d9cb-469f-a165-70867728950e", "~"];
                byte[] path = Encoding.ASCII.GetBytes($"/{Pick(random, segments)}/{Pick(random, segments)}");
                if (!before.Snapshot.TryResolve(host, false, "GET"u8, path, out Function? was)) continue;
                if (!after.Snapshot.TryResolve(host, false, "GET"u8, path, out Function? now)) continue;
                if (was.Id == now.Id) continue;
                handed++;
                Assert.True(
                    Array.Exists(lines, line => line.Contains(
                        $" functions {now.Id}: takes calls of {was.Id} (", StringComparison.Ordinal)),
                    $"seed {seed}: {Encoding.ASCII.GetString(host)}{Encoding.ASCII.GetString(path)}");
            }
        }

        Assert.True(handed > 0, $"seed {seed}");
    }

    private static PolicyReading RandomPolicy(Random random)
    {
        string[] segments = ["7", "x", "{p:int}", "{p:uuid}", "{p:date}", "{p:hex}", "{p:slug}", "{p}"];
        string[] hosts =
            ["", "", "hosts: [a.example], ", "hosts: [\"*.example\"], ", "hosts: [\"*.a.example\"], ",
                "hosts: [\"a.example:81\"], "];
        StringBuilder text = new(Head);
        int count = random.Next(1, 7);
        for (int index = 0; index < count; index++)
        {
            string second = Pick(random, segments).Replace("{p", "{q", StringComparison.Ordinal);
            text.Append($"  f.n{index}: {{ upstream: up, method: GET, {Pick(random, hosts)}")
                .Append($"path: \"/{Pick(random, segments)}/{second}\", risk: low }}\n");
        }

        return PolicyTexts.Read(text.Append("rules: []\n").ToString());
    }

    private static string Pick(Random random, string[] among) => among[random.Next(among.Length)];

    private static string[] Lines(PolicyDiff diff) => PolicyDiffText.ToText(diff).Split('\n');

    private static PolicyDiff Diff(string before, string after)
    {
        PolicyReading old = PolicyTexts.Read(Head + before + Rules);
        PolicyReading now = PolicyTexts.Read(Head + after + Rules);
        Assert.Empty(old.Errors);
        Assert.Empty(now.Errors);
        return PolicyDiff.Between(old, now);
    }
}
