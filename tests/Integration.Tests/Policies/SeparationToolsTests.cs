using System.Text.Json.Nodes;
using Countersign.Cli;
using Xunit;

namespace Countersign.Integration.Tests.Policies;

/// <summary>What the tools say where a separation decides, and what a replay takes for an approval.</summary>
public sealed class SeparationToolsTests : IDisposable
{
    private const string Policy = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://up.test"] } }
        functions:
          v.create: { upstream: up, method: PUT, path: "/v/{id}", risk: medium }
          v.pay: { upstream: up, method: POST, path: "/v/{id}/pay", risk: high }
          v.note: { upstream: up, method: POST, path: "/v/{id}/note", risk: low }
          v.file: { upstream: up, method: POST, path: "/v/{id}/file", risk: low }
        rules:
          - { id: make, subjects: { groups: [clerks] }, functions: [v.create, v.note], effect: allow }
          - { id: pay, subjects: { groups: [clerks] }, functions: [v.pay], effect: approve,
              approval: { stages: [{ groups: [leads], count: 1 }] } }
          - { id: rich, subjects: { groups: [clerks] }, functions: [v.pay], when: "query.n == '1'", effect: deny }
          - { id: files, subjects: { groups: [clerks] }, functions: [v.file], effect: allow }
        separations:
          - { id: apart, kind: static, groups: [clerks, auditors] }
          - { id: create-then-pay, kind: dynamic, functions: [v.create, v.pay], object: path.id, window: 30d }
          - { id: note-or-file, kind: dynamic, functions: [v.note, v.file], object: args.id, window: 1d }
        """;

    private readonly PolicyDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    // Proves that a separation which decides is named with its reason, that rules beside it are not said to speak of
    // other functions, and that a separation that remembers says what it knows.
    [Fact]
    public async Task Explain_says_which_separation_decides_and_why()
    {
        string file = _desk.Write("policy.yaml", Policy);
        CommandResult both = await _desk.RunAsync("explain", file, "POST", "/v/7/pay", "-g", "clerks,auditors");
        Assert.StartsWith("deny: separation apart forbids it", both.Output, StringComparison.Ordinal);
        Assert.Contains("* separation apart (static): the caller holds clerks and auditors, which nobody may hold "
            + "together", both.Output, StringComparison.Ordinal);
        Assert.Contains("rule pay (approve): matches, and separation apart decides", both.Output,
            StringComparison.Ordinal);
        Assert.Contains("rule rich (deny): its condition was not asked, since the call is denied whatever it says: "
            + "query.n == '1'", both.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("other functions", both.Output, StringComparison.Ordinal);
        CommandResult alone = await _desk.RunAsync("explain", file, "PUT", "/v/7", "-g", "clerks", "--json");
        JsonNode report = JsonNode.Parse(alone.Output)!;
        Assert.Equal("allow", (string)report["effect"]!);
        Assert.Equal(
        [
            "keeps clerks and auditors apart, and the caller holds clerks alone",
            "nobody does two of v.create, v.pay to one path.id within 30d; no history was given, so nothing is "
                + "known of earlier calls",
        ], report["separations"]!.AsArray().Select(one => (string)one!["why"]!));
        CommandResult blind = await _desk.RunAsync("explain", file, "POST", "/v/7/note", "-g", "clerks");
        Assert.StartsWith("deny: separation note-or-file forbids it", blind.Output, StringComparison.Ordinal);
        Assert.Contains("what this call is about cannot be told, and that denies", blind.Output,
            StringComparison.Ordinal);
    }

    // Proves that recorded calls count as history: by the caller and by who approved, of the same object, within the
    // window, and only where they reached what they called.
    [Theory]
    [InlineData("ann", "/v/7", "\"verdict\":\"ok\"", "deny")]
    [InlineData("bob", "/v/7", "\"verdict\":\"ok\",\"approvers\":[\"ANN\"]", "deny")]
    [InlineData("bob", "/v/7", "\"verdict\":\"ok\"", "approve")]
    [InlineData("ann", "/v/8", "\"verdict\":\"ok\"", "approve")]
    [InlineData("ann", "/v/7", "\"verdict\":\"denied\"", "approve")]
    public async Task Explain_takes_recorded_calls_for_history(string who, string target, string rest, string effect)
    {
        string file = _desk.Write("policy.yaml", Policy);
        string log = _desk.Write("calls.ndjson", Record("c1", "02", who, "PUT", target, rest) + "\n");
        CommandResult said = await _desk.RunAsync("explain", file, "POST", "/v/7/pay?n=0", "-g", "clerks", "--subject",
            "ann", "--at", "2026-03-20T00:00:00Z", "--history", log, "--json");
        Assert.Equal((ExitCodes.Ok, ""), (said.ExitCode, said.Errors));
        JsonNode report = JsonNode.Parse(said.Output)!;
        Assert.Equal(effect, (string)report["effect"]!);
        if (effect == "deny") Assert.Equal("create-then-pay", (string)report["rule"]!);
        CommandResult late = await _desk.RunAsync("explain", file, "POST", "/v/7/pay?n=0", "-g", "clerks", "--subject",
            "ann", "--at", "2026-06-20T00:00:00Z", "--history", log);
        Assert.StartsWith("approve", late.Output, StringComparison.Ordinal);
        CommandResult blind = await _desk.RunAsync(
            "explain", file, "POST", "/v/7/note", "-g", "clerks", "--history", log);
        Assert.Equal(ExitCodes.Usage, blind.ExitCode);
    }

    // Proves the exit code of a function that the policy does not have, by id and by path.
    [Fact]
    public async Task Explain_of_an_unknown_function_is_an_error_of_usage()
    {
        string file = _desk.Write("policy.yaml", Policy);
        CommandResult id = await _desk.RunAsync("explain", file, "V.pay", "-g", "clerks");
        Assert.Equal(ExitCodes.Usage, id.ExitCode);
        Assert.Contains("no function 'V.pay'; did you mean 'v.pay'?", id.Errors, StringComparison.Ordinal);
        CommandResult path = await _desk.RunAsync("explain", file, "GET", "/nowhere", "-g", "clerks", "--json");
        Assert.Equal((ExitCodes.Usage, "unknown-function"),
            (path.ExitCode, (string)JsonNode.Parse(path.Output)!["effect"]!));
    }

    // Proves that cases know dynamic separations by the history they are given, with objects in arguments too, and that
    // coverage counts them.
    [Fact]
    public async Task Cases_have_a_history()
    {
        _desk.Write("policy.yaml", Policy);
        string cases = _desk.Write("cases.yaml", """
            policy: policy.yaml
            callers:
              ann: { groups: [clerks] }
              bot: { kind: agent, groups: [clerks], chain: [ann] }
              bob: { groups: [clerks] }
            cases:
              - name: who creates does not pay, through an agent either
                caller: bot
                call: POST /v/7/pay?n=0
                history: [{ caller: ann, call: PUT /v/7 }]
                expect: { effect: deny, rule: create-then-pay }
              - name: another pays
                caller: bob
                call: POST /v/7/pay?n=0
                history: [{ caller: ann, call: PUT /v/7 }]
                expect: approve
              - name: the window is over
                caller: ann
                at: 2026-06-01T00:00:00Z
                call: POST /v/7/pay?n=0
                history: [{ caller: ann, call: PUT /v/7, at: 2026-03-01T00:00:00Z }]
                expect: approve
              - name: objects in arguments
                caller: ann
                call: POST /v/1/file
                body: { id: A }
                history: [{ caller: ann, call: POST /v/2/note, body: { id: A } }]
                expect: { effect: deny, rule: note-or-file }
              - name: another object
                caller: ann
                call: POST /v/1/file
                body: { id: B }
                history: [{ caller: ann, call: POST /v/2/note, body: { id: A } }]
                expect: allow
            """);
        CommandResult said = await _desk.RunAsync("test", cases);
        Assert.Equal((ExitCodes.Ok, "5 cases, 0 failed"), (said.ExitCode, said.Output.TrimEnd().Split('\n')[^1]));
        Assert.DoesNotContain("create-then-pay", said.Output, StringComparison.Ordinal);
    }

    // Proves that a replay remembers who did what, and says what it cannot know.
    [Fact]
    public async Task Replay_knows_separations_that_remember()
    {
        string file = _desk.Write("policy.yaml", Policy.Replace(
            "when: \"query.n == '1'\", effect: deny", "effect: allow", StringComparison.Ordinal));
        const string Allowed = "\"function\":\"v.create\",\"decision\":\"allow\",\"rule\":\"make\",\"verdict\":\"ok\"";
        const string Paid = "\"function\":\"v.pay\",\"decision\":\"approve\",\"rule\":\"pay\",\"verdict\":\"ok\","
            + "\"approval\":\"a1\",\"approvers\":[\"lea\"]";
        string log = _desk.Write("calls.ndjson", string.Join('\n',
            Record("c1", "01", "ann", "PUT", "/v/7", Allowed),
            Record("c2", "02", "ann", "POST", "/v/7/pay", Paid),
            Record("c3", "03", "bob", "POST", "/v/7/pay", Paid),
            Record("c4", "04", "lea", "PUT", "/v/7", Allowed),
            Record("c5", "05", "ann", "POST", "/v/7/pay",
                "\"function\":\"v.pay\",\"decision\":\"approve\",\"rule\":\"pay\",\"verdict\":\"duty-conflict\""),
            Record("c6", "05", "ann", "POST", "/v/7/note",
                "\"function\":\"v.note\",\"decision\":\"allow\",\"rule\":\"make\",\"verdict\":\"ok\"")) + "\n");
        CommandResult said = await _desk.RunAsync("replay", "--from", log, file);
        string[] lines = said.Output.TrimEnd().Split(Environment.NewLine);
        Assert.Equal("2 would change:", lines[1]);
        Assert.Contains(
            "  - v.pay: approve (pay) becomes deny (create-then-pay): 1 call, such as c2", lines);
        Assert.Contains(
            "  - v.create: allow (make) becomes deny (create-then-pay): 1 call, such as c4", lines);
        Assert.Contains("not replayed: 1: a separation finds its object in what the audit does not hold: arguments or "
            + "headers", lines);
    }

    // Proves that what was refused by its own bytes, or brought an approval of another call, counts as no approval, and
    // that what only observing let through is compared with what was done.
    [Fact]
    public async Task Replay_counts_approvals_that_were_asked_for()
    {
        string file = _desk.Write("policy.yaml", Policy.Replace(
            "when: \"query.n == '1'\", effect: deny", "effect: allow", StringComparison.Ordinal));
        const string Pay = "\"function\":\"v.pay\",\"decision\":\"approve\",\"rule\":\"pay\",";
        string log = _desk.Write("calls.ndjson", string.Join('\n',
            Record("c1", "01", "ann", "POST", "/v/1/pay",
                Pay + "\"verdict\":\"approval-required\",\"approval\":\"a1\""),
            Record("c2", "01", "ann", "POST", "/v/1/pay", Pay + "\"verdict\":\"ok\",\"approval\":\"a1\""),
            Record("c3", "01", "bob", "POST", "/v/2/pay",
                Pay + "\"verdict\":\"approval-mismatch\",\"approval\":\"a2\""),
            Record("c4", "01", "bob", "POST", "/v/3/pay", Pay + "\"verdict\":\"malformed-request\""),
            Record("c5", "01", "bob", "POST", "/v/3/pay",
                "\"function\":\"v.pay\",\"decision\":\"deny\",\"rule\":\"\",\"enforced\":\"allow\",\"verdict\":\"ok\""))
            + "\n");
        CommandResult said = await _desk.RunAsync("replay", "--from", log, file);
        string[] lines = said.Output.TrimEnd().Split(Environment.NewLine);
        Assert.Equal("5 calls replayed, of 1 days", lines[0]);
        Assert.Contains("  - v.pay: allow becomes approve (pay): 1 call, such as c5", lines);
        Assert.Contains(
            "approvals: 1 were asked for (1 a day), 2 would be (2 a day; "
                + "decisions of approvers: 2 a day)", lines);
    }

    // Proves that callers of an audit stand for a directory: a named caller whom an allow lets is an error.
    [Fact]
    public async Task Validate_learns_from_an_audit()
    {
        string file = _desk.Write("policy.yaml", Policy);
        string free = _desk.Write("free.yaml", Policy.Replace(
            "rules:\n", "rules:\n  - { id: free, subjects: { groups: [clerks] }, functions: [v.pay], effect: allow, "
            + "when: \"query.n != '7'\" }\n", StringComparison.Ordinal).Replace(
            "functions: [v.pay], effect: approve,", "functions: [v.pay], when: \"query.n == '7'\", effect: approve,",
            StringComparison.Ordinal));
        string log = _desk.Write("calls.ndjson", Record("c1", "01", "ann", "PUT", "/v/7", "\"verdict\":\"ok\"") + "\n");
        CommandResult good = await _desk.RunAsync("validate", file, "--learn-from", log);
        Assert.Equal(ExitCodes.Ok, good.ExitCode);
        Assert.Contains("warning: the stages of rule 'pay' can never be filled by those who were seen", good.Errors,
            StringComparison.Ordinal);
        CommandResult bad = await _desk.RunAsync("validate", free, "--learn-from", log);
        Assert.Equal(ExitCodes.Failed, bad.ExitCode);
        Assert.Contains("    ann (clerks) calls v.pay (high)", bad.Errors, StringComparison.Ordinal);
        CommandResult none = await _desk.RunAsync("validate", file, "--learn-from", _desk.Write("empty.ndjson", ""));
        Assert.Equal(ExitCodes.Usage, none.ExitCode);
    }

    private static string Record(string id, string day, string who, string method, string target, string rest) => $$"""
        {"v":1,"type":"outcome","call":"{{id}}","at":"2026-03-{{day}}T12:00:00.000Z","caller":{"kind":"human",
        "iss":"https://i.test","sub":"{{who}}","groups":["clerks"],"chain":["{{who}}"]},"method":"{{method}}",
        "target":"{{target}}",{{rest}}}
        """.ReplaceLineEndings("");
}
