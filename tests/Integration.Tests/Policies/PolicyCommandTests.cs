using System.Text.Json.Nodes;
using Countersign.Cli;
using Xunit;

namespace Countersign.Integration.Tests.Policies;

/// <summary><c>countersign policy</c> where it needs no gateway: what it says, and how it ends.</summary>
public sealed class PolicyCommandTests : IDisposable
{
    private const string Policy = """
        apiVersion: countersign/v1
        include: [rules.yaml]
        upstreams: { up: { endpoints: ["http://up.test"] } }
        functions:
          f.get: { upstream: up, method: GET, path: "/f/{id:int}", risk: low }
          f.pay: { upstream: up, method: POST, path: /f, risk: critical, tags: [money] }
        """;

    private const string Rules = """
        rules:
          - { id: read, subjects: { groups: [staff] }, functions: [f.get], effect: allow }
          - id: pay
            subjects: { groups: [staff] }
            functions: ["tag:money"]
            effect: approve
            approval: { stages: [{ groups: [leads], count: 1 }] }
          - { id: out, subjects: { groups: [guests] }, functions: ["*"], effect: deny }
        """;

    private const string Notes = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://up.test"] } }
        functions:
          acc.note: { upstream: up, method: POST, path: "/acc/{id}/note", risk: low }
          acc.bare: { upstream: up, method: POST, path: "/note", risk: low }
        rules:
          - { id: note, subjects: { groups: [staff] }, functions: ["*"], effect: allow }
        """;

    private readonly PolicyDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    // Proves that a policy in several files is validated whole, and that an error is said to be in the file it is in.
    [Fact]
    public async Task Validate_reads_included_files()
    {
        string file = _desk.Write("policy.yaml", Policy);
        string rules = _desk.Write("rules.yaml", Rules);
        CommandResult good = await _desk.RunAsync("validate", file);
        Assert.Equal((ExitCodes.Ok, ""), (good.ExitCode, good.Errors));
        Assert.Contains("valid, 2 functions", good.Output, StringComparison.Ordinal);
        _desk.Write("rules.yaml", Rules.Replace("tag:money", "tag:monye", StringComparison.Ordinal));
        CommandResult bad = await _desk.RunAsync("validate", file);
        Assert.Equal(ExitCodes.Failed, bad.ExitCode);
        Assert.StartsWith(
            $"{rules}:5:17: no function has the tag 'monye'; did you mean 'money'?", bad.Errors,
                StringComparison.Ordinal);
        JsonNode json = JsonNode.Parse((await _desk.RunAsync("validate", file, "--json")).Output)!;
        Assert.Equal("rules.yaml", (string)json["errors"]![0]!["file"]!);
    }

    // Proves that an include which leaves the folder, by its path or through a link, is refused unless that is said.
    [Fact]
    public async Task Includes_stay_in_the_folder()
    {
        string outside = _desk.Write("rules.yaml", Rules);
        string inner = Directory.CreateDirectory(Path.Combine(_desk.Folder, "inner")).FullName;
        string file = _desk.Write(
            "inner/policy.yaml", Policy.Replace("rules.yaml", "../rules.yaml", StringComparison.Ordinal));
        CommandResult refused = await _desk.RunAsync("validate", file);
        Assert.Equal(ExitCodes.Failed, refused.ExitCode);
        Assert.Contains("leaves the folder of the policy", refused.Errors, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, (await _desk.RunAsync("validate", file, "--include-outside")).ExitCode);
        File.CreateSymbolicLink(Path.Combine(inner, "rules.yaml"), outside);
        string linked = _desk.Write("inner/policy.yaml", Policy);
        Assert.Equal(ExitCodes.Failed, (await _desk.RunAsync("validate", linked)).ExitCode);
        Assert.Equal(ExitCodes.Ok, (await _desk.RunAsync("validate", linked, "--include-outside")).ExitCode);
    }

    // Proves that a hole is an error with its example, in text and in JSON, and that a warning is none.
    [Fact]
    public async Task Validate_finds_holes()
    {
        string file = _desk.Write("policy.yaml", Policy);
        _desk.Write("rules.yaml", Rules);
        string people = _desk.Write("people.yaml", """
            people:
              - { id: ann, groups: [staff], accounts: [{ id: ann-admin, groups: [leads] }] }
              - { id: bea, groups: [leads] }
            """);
        CommandResult hole = await _desk.RunAsync("validate", file, "--directory", people);
        Assert.Equal(ExitCodes.Failed, hole.ExitCode);
        Assert.Contains("rules.yaml:3:5: ann can both ask for and approve f.pay", hole.Errors,
            StringComparison.Ordinal);
        Assert.Contains("    ann-admin (leads) approves", hole.Errors, StringComparison.Ordinal);
        CommandResult json = await _desk.RunAsync("validate", file, "--directory", people, "--json");
        JsonNode report = JsonNode.Parse(json.Output)!;
        Assert.False((bool)report["valid"]!);
        Assert.Contains("ann-admin (leads) approves", (string)report["errors"]![0]!["message"]!,
            StringComparison.Ordinal);
        _desk.Write("rules.yaml",
            Rules + "\n  - { id: free, subjects: { groups: [chiefs] }, functions: [f.pay], effect: allow }\n");
        CommandResult warned = await _desk.RunAsync("validate", file);
        Assert.Equal(ExitCodes.Ok, warned.ExitCode);
        Assert.Contains("warning: rule 'free' allows f.pay", warned.Errors, StringComparison.Ordinal);
        CommandResult broken = await _desk.RunAsync("validate", file, "--directory", file);
        Assert.Equal(ExitCodes.Usage, broken.ExitCode);
    }

    // Proves the differences of two files in text and JSON, and the exit code that scripts ask for.
    [Fact]
    public async Task Diff_says_who_gains_what()
    {
        string before = _desk.Write("policy.yaml", Policy);
        _desk.Write("rules.yaml", Rules);
        string after = _desk.Write("new.yaml", Policy.Replace("rules.yaml", "new-rules.yaml",
            StringComparison.Ordinal));
        _desk.Write("new-rules.yaml", Rules.Replace("groups: [guests]", "groups: [guests, staff]",
            StringComparison.Ordinal));
        CommandResult same = await _desk.RunAsync("diff", before, before, "--exit-code");
        Assert.Equal((ExitCodes.Ok, "no difference"), (same.ExitCode, same.Output.Trim()));
        CommandResult differs = await _desk.RunAsync("diff", before, after, "--exit-code");
        Assert.Equal(ExitCodes.Failed, differs.ExitCode);
        Assert.Contains("- group staff: f.get: denied (was: allowed)", differs.Output, StringComparison.Ordinal);
        CommandResult json = await _desk.RunAsync("diff", before, after, "--json");
        Assert.Equal(ExitCodes.Ok, json.ExitCode);
        Assert.Equal(2, JsonNode.Parse(json.Output)!["access"]!.AsArray().Count);
    }

    // Proves that the deciding rule, those beside it and the reasons are said, for callers by option and by claims.
    [Fact]
    public async Task Explain_says_which_rule_and_why()
    {
        string file = _desk.Write("policy.yaml", Policy);
        _desk.Write("rules.yaml", Rules);
        CommandResult paused = await _desk.RunAsync("explain", file, "POST", "/f", "--groups", "staff", "--subject",
            "ann");
        Assert.Equal((ExitCodes.Ok, ""), (paused.ExitCode, paused.Errors));
        string[] lines = paused.Output.Split(Environment.NewLine);
        Assert.Equal("approve: pay asks for approval, which beats allow", lines[0]);
        Assert.Contains("  takes     1 of leads, nobody of the caller's chain", lines);
        Assert.Contains("  * rule pay (approve): decides", lines);
        Assert.Contains("    rule out (deny): speaks of guests, and the caller is in none", lines);
        string claims = _desk.Write("claims.json", """
            { "iss": "https://i.test", "sub": "bob", "act": { "sub": "bot" }, "groups": ["staff", "guests"] }
            """);
        CommandResult denied = await _desk.RunAsync("explain", file, "GET /f/7", "--claims", claims, "--json");
        JsonNode report = JsonNode.Parse(denied.Output)!;
        Assert.Equal(("deny", "out", "f.get"),
            ((string)report["effect"]!, (string)report["rule"]!, (string)report["function"]!));
        Assert.Equal(["read", "out"], report["rules"]!.AsArray().Where(one => (bool)one!["matches"]!)
            .Select(one => (string)one!["id"]!));
        CommandResult unknown = await _desk.RunAsync("explain", file, "GET", "/f/x", "-g", "staff");
        Assert.StartsWith("404 unknown-function", unknown.Output, StringComparison.Ordinal);
        CommandResult wrong = await _desk.RunAsync("explain", file, "GET", "f", "--kind", "robot");
        Assert.Equal(ExitCodes.Usage, wrong.ExitCode);
    }

    // Proves the exit codes of cases that pass, that fail, that cannot be read, and of coverage that is required.
    [Fact]
    public async Task Test_runs_cases()
    {
        _desk.Write("policy.yaml", Policy);
        _desk.Write("rules.yaml", Rules);
        const string head = "policy: policy.yaml\ncases:\n";
        string good = _desk.Write("good.yaml",
            head + "  - { name: pays, caller: { groups: [staff] }, call: POST /f, expect: approve }\n");
        string bad = _desk.Write("bad.yaml",
            head + "  - { name: pays alone, caller: { groups: [staff] }, call: POST /f, expect: allow }\n");
        CommandResult passed = await _desk.RunAsync("test", good);
        Assert.Equal(ExitCodes.Ok, passed.ExitCode);
        Assert.Contains("no case exercises out, read", Sorted(passed.Output), StringComparison.Ordinal);
        Assert.Contains("1 cases, 0 failed", passed.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failed, (await _desk.RunAsync("test", good, "--require-coverage")).ExitCode);
        CommandResult failed = await _desk.RunAsync("test", good, bad);
        Assert.Equal(ExitCodes.Failed, failed.ExitCode);
        Assert.Contains($"{bad}:3: failed: pays alone", failed.Output, StringComparison.Ordinal);
        Assert.Contains("expected effect allow, but it is approve", failed.Output, StringComparison.Ordinal);
        JsonNode json = JsonNode.Parse((await _desk.RunAsync("test", good, bad, "--json")).Output)!;
        Assert.Equal([true, false], json["cases"]!.AsArray().Select(one => (bool)one!["passed"]!));
        Assert.Equal(ExitCodes.Usage, (await _desk.RunAsync("test", "no-such.yaml")).ExitCode);
        Assert.Equal(ExitCodes.Failed, (await _desk.RunAsync("test", _desk.Write("odd.yaml", "cases: 7"))).ExitCode);
    }

    // Proves which recorded calls come out otherwise, what that costs in approvals, and that what cannot be replayed is
    // counted and said, over records as the audit writes them.
    [Fact]
    public async Task Replay_shows_what_would_change()
    {
        string file = _desk.Write("policy.yaml", Policy);
        _desk.Write("rules.yaml", Rules);
        string Pay(string id, string day, string rest) => Record(id, day, "ann", "staff",
            $"""
            "function":"f.pay","method":"POST","target":"/f",{rest}
            """);
        string Get(string id, string who, string group, string rest) => Record(id, "03", who, group,
            $"""
            "function":"f.get","method":"GET",{rest}
            """);
        const string allowed = "\"decision\":\"allow\",\"rule\":\"read\"";
        const string paused = "\"decision\":\"approve\",\"rule\":\"pay\",\"approval\":\"a1\"";
        string log = _desk.Write("calls.ndjson", string.Join('\n',
            Pay("c1", "01", "\"decision\":\"allow\",\"rule\":\"old\""),
            Get("c2", "ann", "staff", "\"target\":\"/f/7?x=1\"," + allowed),
            Pay("c3", "03", paused),
            Pay("c4", "03", paused),
            Get("c5", "gus", "guests", "\"target\":\"/f/1\"," + allowed),
            Record("c6", "03", "gus", "guests", "\"method\":\"GET\",\"target\":\"/f/2\""),
            Get("c7", "gus", "guests", "\"target\":\"/f/2\",\"decision\":\"deny\",\"cut\":true"),
            """{"v":1,"type":"outcome","call":"c8","at":"2026-03-03T12:00:00Z","method":"GET","target":"/f/2"}""",
            Record("c9", "03", "ann", "staff",
                "\"method\":\"GET\",\"target\":\"/f//7\",\"verdict\":\"ambiguous-path\""),
            """{"v":1,"type":"intent","call":"c1"}""", "not json") + "\n");
        CommandResult text = await _desk.RunAsync("replay", "--from", log, file);
        Assert.Equal((ExitCodes.Ok, ""), (text.ExitCode, text.Errors));
        string[] lines = text.Output.TrimEnd().Split(Environment.NewLine);
        Assert.Equal("6 calls replayed, of 2 days", lines[0]);
        Assert.Equal("3 would change:", lines[1]);
        Assert.Contains("  - f.pay: allow (old) becomes approve (pay): 1 call, such as c1", lines);
        Assert.Contains("  - f.get: allow (read) becomes deny (out): 1 call, such as c5", lines);
        Assert.Contains(
            "approvals: 1 were asked for (0.5 a day), 2 would be (1 a day; "
                + "decisions of approvers: 1 a day)", lines);
        Assert.Contains("not replayed: 1: nobody was identified", lines);
        Assert.Contains("not replayed: 1: the record was shortened", lines);
        Assert.Contains("not replayed: 1: it ended before it was decided", lines);
        Assert.Equal(ExitCodes.Failed, (await _desk.RunAsync("replay", "--from", log, file, "--exit-code")).ExitCode);
        JsonNode json = JsonNode.Parse((await _desk.RunAsync("replay", "--from", log, file, "--json")).Output)!;
        Assert.Equal((6, 3, 2), ((int)json["replayed"]!, (int)json["changed"]!, (int)json["approvals_after"]!));
        Assert.Equal(ExitCodes.Usage, (await _desk.RunAsync("replay", "--from", "no-such", file)).ExitCode);
    }

    // Proves that conditions are asked of the call that is described, in cases, explanations and replays, and that a
    // replay says which calls it cannot decide.
    [Fact]
    public async Task Conditions_are_asked()
    {
        string file = _desk.Write("policy.yaml", Policy);
        _desk.Write("rules.yaml", Rules
            + "\n  - { id: small, subjects: { groups: [temps] }, functions: [f.pay], "
            + "when: \"args.amount < 10 && query.dry == 'yes'\", effect: allow }\n");
        string cases = _desk.Write("cases.yaml", """
            policy: policy.yaml
            callers: { tim: { groups: [temps] } }
            cases:
              - { name: small, caller: tim, call: POST /f?dry=yes, body: { amount: 5 },
                  expect: { effect: allow, rule: small } }
              - { name: large, caller: tim, call: POST /f?dry=yes, body: { amount: 50 }, expect: deny }
              - { name: none, caller: tim, call: POST /f?dry=yes, expect: { effect: deny, rule: small } }
            """);
        CommandResult tested = await _desk.RunAsync("test", cases);
        Assert.Equal((ExitCodes.Ok, "3 cases, 0 failed"), (tested.ExitCode, tested.Output.TrimEnd().Split('\n')[^1]));
        CommandResult held = await _desk.RunAsync(
            "explain", file, "POST", "/f?dry=yes", "-g", "temps", "--body", "{\"amount\": 5}");
        Assert.Contains("  * rule small (allow): decides", held.Output, StringComparison.Ordinal);
        CommandResult open = await _desk.RunAsync(
            "explain", file, "POST", "/f?dry=no", "-g", "temps", "--body", "{\"amount\": 5}");
        Assert.Contains("rule small (allow): its condition does not hold", open.Output, StringComparison.Ordinal);
        CommandResult failed = await _desk.RunAsync("explain", file, "POST", "/f?dry=yes", "-g", "temps", "--json");
        Assert.Equal("condition-failed", (string)JsonNode.Parse(failed.Output)!["cause"]!);
        string log = _desk.Write("calls.ndjson", Record("c1", "01", "tim", "temps",
            "\"function\":\"f.pay\",\"method\":\"POST\",\"target\":\"/f\",\"decision\":\"deny\""));
        CommandResult replayed = await _desk.RunAsync("replay", "--from", log, file);
        Assert.Contains("not replayed: 1: a condition looks at what the audit does not hold", replayed.Output,
            StringComparison.Ordinal);
    }

    // Proves that a target which the gateway refuses before policy is no allow: not in text, in JSON, nor in cases.
    [Theory]
    [InlineData("/acc/%2e%2e/note", "400 ambiguous-path")]
    [InlineData("/acc/../note", "400 ambiguous-path")]
    [InlineData("/acc/a\\b/note", "400 ambiguous-path")]
    [InlineData("/acc/a%2fb/note", "400 ambiguous-path")]
    [InlineData("/acc//note", "400 ambiguous-path")]
    [InlineData("/acc/a<b/note", "400 malformed-request")]
    [InlineData("/acc/a/note", "")]
    public async Task What_is_refused_before_policy_is_not_allowed(string target, string refusal)
    {
        string file = _desk.Write("policy.yaml", Notes);
        CommandResult text = await _desk.RunAsync("explain", file, "POST", target, "-g", "staff");
        CommandResult json = await _desk.RunAsync("explain", file, "POST", target, "-g", "staff", "--json");
        JsonNode report = JsonNode.Parse(json.Output)!;
        bool isRefused = refusal.Length > 0;
        Assert.StartsWith(isRefused ? refusal + ": the gateway refuses it" : "allow: ", text.Output,
            StringComparison.Ordinal);
        Assert.Equal(isRefused ? refusal.Split(' ')[1] : "allow", (string)report["effect"]!);
        int exitCode = isRefused ? ExitCodes.Usage : ExitCodes.Ok;
        Assert.Equal((exitCode, exitCode), (text.ExitCode, json.ExitCode));
        string cases = _desk.Write("cases.yaml", $$"""
            policy: policy.yaml
            cases: [{ name: one, caller: { groups: [staff] }, call: 'POST {{target}}', expect: allow }]
            """);
        CommandResult tested = await _desk.RunAsync("test", cases);
        Assert.Equal(isRefused ? ExitCodes.Failed : ExitCodes.Ok, tested.ExitCode);
        Assert.Equal(isRefused, tested.Output.Contains("expected effect allow, but it is deny",
            StringComparison.Ordinal));
    }

    // Proves that a body which the gateway does not read for conditions is denied, and that no condition is said to
    // have been asked then.
    [Theory]
    [InlineData("Content-Encoding: gzip", "{\"amount\": 5}", "arguments-unreadable", "the arguments could not be read")]
    [InlineData("Content-Type: text/plain", "{\"amount\": 5}", "arguments-unreadable",
        "the arguments could not be read")]
    [InlineData("X: y", "{\"amount\": 5, \"amount\": 50}", "arguments-ambiguous", "the arguments could not be read")]
    [InlineData("X: y", "{\"amount\": 5}", "rule", "")]
    public async Task What_is_not_read_is_not_asked(string header, string body, string cause, string why)
    {
        string file = _desk.Write("policy.yaml", Notes.Replace(
            "effect: allow", "when: args.amount < 10, effect: allow", StringComparison.Ordinal));
        string[] words = ["explain", file, "POST", "/acc/a/note", "-g", "staff", "-H", header, "--body", body];
        CommandResult text = await _desk.RunAsync(words);
        JsonNode report = JsonNode.Parse((await _desk.RunAsync([.. words, "--json"])).Output)!;
        bool isRead = why.Length == 0;
        string expected = isRead ? "decides" : $"its condition was not asked, since {why}: args.amount < 10";
        Assert.StartsWith(isRead ? "allow: " : "deny: conditions look at arguments that", text.Output,
            StringComparison.Ordinal);
        Assert.Contains("rule note (allow): " + expected, text.Output, StringComparison.Ordinal);
        Assert.Equal((isRead ? "allow" : "deny", cause, expected),
            ((string)report["effect"]!, (string)report["cause"]!, (string)report["rules"]![0]!["why"]!));
    }

    // Proves that what the gateway does not pause, as approvers could not be shown it, is no call that waits for them:
    // not in text, in JSON, nor in cases; and that it is nobody's matter where no approval is needed.
    [Theory]
    [InlineData("Content-Encoding: gzip", "{}", "An encoded body cannot be shown to approvers")]
    [InlineData("X: y", "{\"amount\": 5, \"amount\": 50}", "The body can be read in more than one way")]
    [InlineData("Content-Type: text/plain", "[1, 1", "The body can be read in more than one way")]
    [InlineData("If-Match: 1\nIf-Match: 2", "{}", "A field that binds the call is repeated")]
    [InlineData("X: y", "{\"amount\": 5}", "")]
    [InlineData("Content-Type: text/plain", "amount 5", "")]
    public async Task What_is_not_paused_waits_for_nobody(string headers, string body, string why)
    {
        const string asks = "effect: approve, approval: { stages: [{ groups: [leads], count: 1 }] }";
        string binding = Notes.Replace("risk: low }", "risk: low, headers: [If-Match] }", StringComparison.Ordinal);
        string file = _desk.Write("policy.yaml", binding.Replace("effect: allow", asks, StringComparison.Ordinal));
        string[] fields = [.. headers.Split('\n').SelectMany(field => (string[])["-H", field])];
        string[] words = ["explain", file, "POST", "/acc/a/note", "-g", "staff", .. fields, "--body", body];
        CommandResult text = await _desk.RunAsync(words);
        CommandResult json = await _desk.RunAsync([.. words, "--json"]);
        JsonNode report = JsonNode.Parse(json.Output)!;
        bool isRefused = why.Length > 0;
        string begins = isRefused ? "400 malformed-request: note asks for approval" : "approve: note asks for approval";
        Assert.StartsWith(begins, text.Output, StringComparison.Ordinal);
        Assert.Contains(why, text.Output.Split('\n')[0], StringComparison.Ordinal);
        Assert.Equal(isRefused ? "malformed-request" : "approve", (string)report["effect"]!);
        Assert.StartsWith(why, (string?)report["refused"] ?? "", StringComparison.Ordinal);
        int exitCode = isRefused ? ExitCodes.Usage : ExitCodes.Ok;
        Assert.Equal((exitCode, exitCode), (text.ExitCode, json.ExitCode));
        string cases = _desk.Write("cases.yaml", $$"""
            policy: policy.yaml
            cases:
              - { name: one, caller: { groups: [staff] }, call: POST /acc/a/note, headers: { Content-Encoding: gzip },
                  body: { a: 1 }, expect: approve }
            """);
        CommandResult tested = await _desk.RunAsync("test", cases);
        Assert.Equal(ExitCodes.Failed, tested.ExitCode);
        Assert.Contains("expected effect approve, but it is deny", tested.Output, StringComparison.Ordinal);
        string open = _desk.Write("open.yaml", binding);
        CommandResult allowed = await _desk.RunAsync([words[0], open, .. words[2..]]);
        Assert.StartsWith("allow: ", allowed.Output, StringComparison.Ordinal);
    }

    // Proves the same where the function has a schema of its arguments: encoded they are not read, and what does not
    // fit asks no condition.
    [Theory]
    [InlineData("Content-Encoding: gzip", "5", "arguments-unreadable", "the arguments could not be read")]
    [InlineData("X: y", "\"five\"", "arguments-misfit", "the arguments are not what the function takes")]
    public async Task What_does_not_fit_is_not_asked(string header, string amount, string cause, string why)
    {
        string file = _desk.Write("policy.yaml", Notes
            .Replace("/note\", risk: low", "/note\", risk: low, args: { type: object, properties: "
                + "{ amount: { type: integer } } }", StringComparison.Ordinal)
            .Replace("effect: allow", "when: query.dry == 'yes', effect: allow", StringComparison.Ordinal));
        CommandResult json = await _desk.RunAsync("explain", file, "POST", "/acc/a/note?dry=yes", "-g", "staff", "-H",
            header, "--body", $$"""{"amount": {{amount}}}""", "--json");
        JsonNode report = JsonNode.Parse(json.Output)!;
        Assert.Equal(("deny", cause, $"its condition was not asked, since {why}: query.dry == 'yes'"),
            ((string)report["effect"]!, (string)report["cause"]!, (string)report["rules"]![0]!["why"]!));
    }

    private static string Record(string id, string day, string who, string group, string rest) => $$"""
        {"v":1,"type":"outcome","call":"{{id}}","at":"2026-03-{{day}}T12:00:00.000Z","caller":{"kind":"human",
        "iss":"https://i.test","sub":"{{who}}","groups":["{{group}}"],"chain":["{{who}}"]},{{rest}}}
        """.ReplaceLineEndings("");

    private static string Sorted(string line) => line.Replace("read, out", "out, read", StringComparison.Ordinal);
}
