using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>The command line as people and scripts meet it: exit codes, messages, JSON.</summary>
public sealed class CliTests(DemoWorld world) : IClassFixture<DemoWorld>, IDisposable
{
    private const int Refused = 1;
    private const int Usage = 2;
    private const int Unauthenticated = 401;

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("", "demo serve config policy approvals notices audit mask")]
    [InlineData("config", "schema")]
    [InlineData("demo", "--data --control --issuer --upstream --dir --log-level --json")]
    [InlineData("serve", "--config --roles --data --control --store --audit --log-level --json")]
    [InlineData("policy", "validate test explain diff replay publish history import schema")]
    [InlineData("policy validate", "<file> --directory --include-outside --json")]
    [InlineData("policy test", "<tests> --policy --require-coverage --include-outside --json")]
    [InlineData("policy explain",
        "<policy> <call> --groups --subject --issuer --kind --chain --claims --config --json")]
    [InlineData("policy explain", "--host --tls --header --body --at --all --include-outside --control --token")]
    [InlineData("policy diff", "<before> <after> --directory --include-outside --exit-code --control --token --json")]
    [InlineData("policy replay", "<policy> --from --include-outside --exit-code --json")]
    [InlineData("policy publish", "<file> --config --store --author --control --token --token-file --json")]
    [InlineData("policy publish", "--directory --include-outside")]
    [InlineData("policy import openapi", "<file> --upstream --output --json")]
    [InlineData("policy history", "--control --token --token-file --json")]
    [InlineData("approvals", "list show watch approve deny cancel revoke withdraw break-glass reveal review owed")]
    [InlineData("approvals watch", "--count --control --token --token-file --json")]
    [InlineData("approvals reveal", "<id> <pointer> --reason --control --token --token-file --json")]
    [InlineData("approvals break-glass", "<id> --reason --digest --yes --control --token --token-file --json")]
    [InlineData("login", "--issuer --client-id --scope --resource --id-token --control --json")]
    [InlineData("logout", "--control")]
    [InlineData("approvals list", "--status --function --caller --limit --cursor --control --token-file --json")]
    [InlineData("approvals show", "<id> --control --token --token-file --json")]
    [InlineData("approvals approve", "<id> --reason --digest --yes --control --token --token-file --json")]
    [InlineData("approvals deny", "<id> --reason --digest --yes --control --token --token-file --json")]
    [InlineData("notices list", "--status --limit --control --token --token-file --json")]
    [InlineData("notices retry", "<id> --control --token --token-file --json")]
    [InlineData("audit receipt verify", "<receipt> --key --proof --folder --json")]
    [InlineData("audit", "verify prove receipt search show tail export stats schema")]
    [InlineData("audit verify", "--proof --key --known --witness --from --to --progress")]
    [InlineData("audit prove", "<call> --intent --folder --config --control --token --token-file")]
    [InlineData("audit show", "<call> --folder --config --control --token --token-file --json")]
    [InlineData("audit search", "--caller --person --function --decision --verdict --approval --event")]
    [InlineData("audit search", "--from --to --text --limit --json")]
    [InlineData("audit export", "--format --output ndjson cef")]
    [InlineData("audit stats", "--json")]
    [InlineData("audit verify", "--folder --config --json")]
    [InlineData("audit tail", "--folder --config --follow --lines --json")]
    [InlineData("mask", "--policy --function --content-type --content-encoding --groups --key --chunk")]
    [InlineData("mask", "--explain --json")]
    public async Task Help_names_every_option(string command, string names)
    {
        // Proves that a command's help says what it takes, by every word that the documentation uses.
        CommandEnd help = await CountersignProcess.RunAsync([.. Words(command), "--help"]);
        Assert.Equal((0, ""), (help.ExitCode, help.Errors.Trim()));
        Assert.All(Words(names), name => Assert.Contains(name, help.Output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("serve --no-such-flag", "--no-such-flag")]
    [InlineData("no-such-command", "no-such-command")]
    [InlineData("approvals approve", "id")]
    [InlineData("serve --roles data,cook", "data,cook")]
    [InlineData("serve --config no-such.json", "no-such.json")]
    [InlineData("serve --store embedded --data nowhere", "--data: 'nowhere'")]
    [InlineData("demo --data 0.0.0.0:0", "loopback only, not on 0.0.0.0:0")]
    [InlineData("demo --control nowhere", "--control: 'nowhere'")]
    [InlineData("approvals list", "no token")]
    [InlineData("approvals list --token a --control nowhere", "--control: 'nowhere'")]
    [InlineData("policy validate no-such.yaml", "no-such.yaml")]
    [InlineData("audit verify no-such-folder", "no-such-folder")]
    [InlineData("audit tail", "--config")]
    [InlineData("mask --policy p.yaml", "--function")]
    [InlineData("mask --policy no-such.yaml --function f", "no-such.yaml")]
    public async Task A_wrong_command_line_is_told_and_does_nothing(string line, string message)
    {
        // Proves exit code 2 and a message that names what is wrong, on standard error.
        CommandEnd end = await CountersignProcess.RunAsync([.. Words(line)]);
        Assert.Equal(Usage, end.ExitCode);
        Assert.Contains(message, end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configuration_is_told_every_error_at_once()
    {
        // Proves that all errors come together, each with its path, by a file with one in every section.
        string file = Write("""
            {
              "data": { "listen": ["somewhere"], "tarnsport": "sockets" },
              "masking": { "keys": { "pii": "the-secret-itself" }, "kyes": {} },
              "store": { "redis": "127.0.0.1:1", "embedded": "state" },
              "identity": { "issuers": [{ "issuer": "https://issuer.test", "groups": 7, "keys": "none.pem" }] },
              "policy": { "bootstrap": "none.yaml" },
              "secrets": { "sealingKey": "the-secret-itself" },
              "limits": { "headBytesMax": 1, "keepAliveIdle": "soon" },
              "surprise": true
            }
            """);
        CommandEnd end = await CountersignProcess.RunAsync("serve", "--config", file);
        Assert.Equal(Usage, end.ExitCode);
        string[] paths =
        [
            "data.listen", "data.tarnsport", "store.redis", "identity.issuers[0].groups",
            "identity.issuers[0].audiences", "secrets.sealingKey", "limits.headBytesMax", "limits.keepAliveIdle",
            "surprise", "masking.keys.pii", "masking.kyes", "policy.bootstrap",
        ];
        foreach (string path in paths)
        {
            Assert.Contains("countersign: " + path + ":", end.Errors, StringComparison.Ordinal);
        }

        Assert.Contains("there is no keys file", end.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("the-secret-itself", end.Errors, StringComparison.Ordinal);
        CommandEnd broken = await CountersignProcess.RunAsync("serve", "--config", Write("{\n  \"data\": [,]\n}"));
        Assert.Equal(Usage, broken.ExitCode);
        Assert.Contains(".json:2:", broken.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sample_policies_are_valid_and_errors_have_their_place()
    {
        // Proves policy validate on the samples and on two errors, in both forms of output.
        (string, int)[] samples = [("samples/policies/demo.yaml", 7), ("samples/serve/policy.yaml", 5)];
        foreach ((string sample, int functions) in samples)
        {
            string sampleFile = Path.Combine(ServeSetup.Root(), sample);
            CommandEnd good = await CountersignProcess.RunAsync("policy", "validate", sampleFile);
            Assert.Equal((0, ""), (good.ExitCode, good.Errors.Trim()));
            Assert.Contains($"valid, {functions} functions", good.Output, StringComparison.Ordinal);
        }

        string folder = Path.Combine(ServeSetup.Root(), "samples/policies");
        CommandEnd several = await CountersignProcess.RunAsync("policy", "validate", folder);
        Assert.Equal(Usage, several.ExitCode);
        Assert.Contains(
            $"{folder} is a folder, and a policy is one file with what it includes: name that file, such as {folder}/",
            several.Errors, StringComparison.Ordinal);

        string text = ServeSetup.Policy("http://127.0.0.1:9")
            .Replace("effect: deny", "effect: dany", StringComparison.Ordinal);
        int line = Array.FindIndex(text.Split('\n'), one => one.Contains("dany", StringComparison.Ordinal)) + 1;
        int column = text.Split('\n')[line - 1].IndexOf("dany", StringComparison.Ordinal) + 1;
        string file = Write(text);
        CommandEnd bad = await CountersignProcess.RunAsync("policy", "validate", file);
        Assert.Equal(Refused, bad.ExitCode);
        Assert.StartsWith($"{file}:{line}:{column}: ", bad.Errors, StringComparison.Ordinal);
        CommandEnd json = await CountersignProcess.RunAsync("policy", "validate", "--json", file);
        Assert.Equal(Refused, json.ExitCode);
        JsonNode report = JsonNode.Parse(json.Output)!;
        JsonNode error = Assert.Single(report["errors"]!.AsArray())!;
        Assert.False((bool)report["valid"]!);
        Assert.Equal((line, column), ((int)error["line"]!, (int)error["column"]!));
    }

    [Fact]
    public async Task Approvals_are_listed_shown_and_approved()
    {
        // Proves the approver's commands and their JSON, by approving a call and using the approval.
        const string Body = """{"amount":7,"iban":"NL91ABNA0417164300"}""";
        const string Refunds = "/billing/43/refunds";
        Answer asked = await world.Client.CallAsync(
            "alice", "POST", Refunds, Body, ("Countersign-Reason", "by hand"));
        Assert.Equal(428, asked.Status);
        string id = asked["approval"];
        JsonNode list = await JsonAsync("carol", "approvals", "list", "--json", "--status", "all");
        Assert.Contains(list["items"]!.AsArray(), one => one!["id"]!.ToString() == id);
        JsonNode shown = await JsonAsync("carol", "approvals", "show", "--json", id);
        Assert.Equal(asked["digest"], shown["digest"]!.ToString());
        Assert.Equal(("pending", "high"), (shown["state"]!.ToString(), shown["risk"]!.ToString()));
        Assert.Equal("***", shown["arguments"]!["iban"]!.ToString());
        CommandEnd text = await RunAsync("carol", "approvals", "show", id);
        Assert.Contains(asked["digest"], text.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("NL91ABNA0417164300", text.Output, StringComparison.Ordinal);

        CommandEnd own = await RunAsync("alice", "approvals", "approve", "--yes", id);
        Assert.Equal(Refused, own.ExitCode);
        Assert.Contains("duty-conflict (403)", own.Errors, StringComparison.Ordinal);
        string unseen = "sha256:" + new string('1', 64);
        CommandEnd other = await RunAsync("carol", "approvals", "approve", id, "--yes", "--digest", unseen);
        Assert.Equal(Refused, other.ExitCode);
        Assert.Contains("approval-mismatch (409)", other.Errors, StringComparison.Ordinal);
        JsonNode approved = await JsonAsync("carol", "approvals", "approve", "--yes", "--json", "--reason", "fine", id);
        JsonNode decision = Assert.Single(approved["stages"]![0]!["decisions"]!.AsArray())!;
        Assert.Equal("approved", approved["state"]!.ToString());
        Assert.Equal(("carol", "fine"), (decision["approver"]!.ToString(), decision["reason"]!.ToString()));
        Assert.Equal(201, (await world.Client.CallAsync("alice", "POST", Refunds, Body)).Status);
        CommandEnd late = await RunAsync("carol", "approvals", "revoke", id);
        Assert.Equal(Refused, late.ExitCode);
        Assert.Contains("approval-settled (409)", late.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Approvals_are_denied_and_cancelled()
    {
        // Proves the other ways an approval ends from the command line.
        Answer asked = await world.Client.CallAsync("alice", "POST", "/billing/43/refunds", """{"amount":8}""");
        CommandEnd denied = await RunAsync("bob", "approvals", "deny", asked["approval"], "--yes", "--reason", "no");
        Assert.Equal((0, asked["approval"] + " is denied"), (denied.ExitCode, denied.Output.Trim()));
        asked = await world.Client.CallAsync("alice", "POST", "/billing/43/refunds", """{"amount":9}""");
        CommandEnd cancelled = await RunAsync("alice", "approvals", "cancel", asked["approval"]);
        Assert.Equal((0, asked["approval"] + " is cancelled"), (cancelled.ExitCode, cancelled.Output.Trim()));
        CommandEnd unknown = await RunAsync("bob", "approvals", "show", "01a20479-d484-7922-b71b-c895fab41697");
        Assert.Equal(Refused, unknown.ExitCode);
        Assert.Contains("not-found (404)", unknown.Errors, StringComparison.Ordinal);
        CommandEnd forged = await CountersignProcess.RunAsync(
            "approvals", "list", "--control", world.Client.Control, "--token", "x.y.z");
        Assert.Equal(Refused, forged.ExitCode);
        Assert.Contains("unauthenticated (401)", forged.Errors, StringComparison.Ordinal);
        CommandEnd away = await CountersignProcess.RunAsync(
            "approvals", "list", "--control", "http://127.0.0.1:9", "--token", "x");
        Assert.Equal(Refused, away.ExitCode);
        Assert.Contains("cannot be reached", away.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Audit_entries_are_printed_as_json_lines_while_the_gateway_runs()
    {
        // Proves that a live log can be read and verified, by finding a call's intent before its outcome.
        Answer called = await world.Client.CallAsync("nina", "GET", "/people/1");
        string call = called.Header("Countersign-Call");
        List<JsonNode> records = [];
        await Until.TrueAsync(async () =>
        {
            CommandEnd tail = await CountersignProcess.RunAsync(
                "audit", "tail", "-n", "500", "--json", world.AuditFolder);
            Assert.Equal(0, tail.ExitCode);
            string[] lines = tail.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            IEnumerable<JsonNode> all = lines.Select(line => JsonNode.Parse(line)!);
            records = [.. all.Where(one => one["call"]?.ToString() == call)];
            return records.Count == 2;
        });
        Assert.Equal(["intent", "outcome"], records.Select(one => one["type"]!.ToString()));
        JsonNode outcome = records[1];
        Assert.Equal("nina", outcome["caller"]!["sub"]!.ToString());
        Assert.Equal(("people.get", 200), (outcome["function"]!.ToString(), (int)outcome["status"]!));
        CommandEnd verified = await CountersignProcess.RunAsync("audit", "verify", world.AuditFolder);
        Assert.Equal(0, verified.ExitCode);
        Assert.StartsWith("ok: ", verified.Output, StringComparison.Ordinal);

        // Who has no folder asks the control listener of their environment.
        (string Verb, string Said)[] asked = [("prove", "c2sp.org/tlog-proof@v1"), ("show", "call " + call)];
        foreach ((string verb, string said) in asked)
        {
            CommandEnd told = await RunAsync("olga", "audit", verb, call);
            Assert.Equal((0, ""), (told.ExitCode, told.Errors.Trim()));
            Assert.StartsWith(said, told.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Policies_are_published_and_listed()
    {
        // Proves publishing through the control listener, by an admin, and not by an approver.
        string file = Write(ServeSetup.Policy(world.Upstream));
        CommandEnd stranger = await RunAsync("carol", "policy", "publish", file);
        Assert.Equal(Refused, stranger.ExitCode);
        Assert.Contains("denied (403)", stranger.Errors, StringComparison.Ordinal);
        JsonNode published = await JsonAsync("olga", "policy", "publish", "--json", file);
        JsonNode history = await JsonAsync("olga", "policy", "history", "--json");
        JsonNode newest = history["items"]![0]!;
        Assert.Equal(published["version"]!.ToJsonString(), newest["version"]!.ToJsonString());
        Assert.Equal(("olga", true), (newest["author"]!.ToString(), (bool)newest["current"]!));
        Assert.Equal(history["before"]!.ToJsonString(), published["after"]!.ToJsonString());
        Assert.Equal("in-force", newest["state"]!.ToString());
        CommandEnd late = await RunAsync("olga", "policy", "publish", file, "--expect", "0");
        Assert.Equal(Refused, late.ExitCode);
        Assert.Contains(
            $"nothing changed: version {newest["version"]} is in force now", late.Errors, StringComparison.Ordinal);
        CommandEnd next = await RunAsync("olga", "policy", "publish", file, "--expect", "any");
        Assert.Contains($"after {newest["version"]},", next.Output, StringComparison.Ordinal);
        CommandEnd back = await RunAsync("olga", "policy", "rollback");
        Assert.StartsWith($"version {newest["version"]} is in force", back.Output, StringComparison.Ordinal);
        CommandEnd listed = await RunAsync("olga", "policy", "history");
        Assert.Contains("was in force", listed.Output, StringComparison.Ordinal);
        CommandEnd bad = await RunAsync("olga", "policy", "publish", Write("apiVersion: other/v1\n"));
        Assert.Equal(Refused, bad.ExitCode);
        Assert.Contains("nothing was published", bad.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_of_the_listener_is_told_in_its_own_words()
    {
        // Proves that --json gives the control API's own problem where that refused, by a token that is none.
        CommandEnd end = await CountersignProcess.RunAsync(
            "policy", "history", "--json", "--token", "nobody", "--control", world.Client.Control);
        JsonNode problem = JsonNode.Parse(end.Output)!;
        Assert.Equal((Refused, "urn:countersign:unauthenticated", Unauthenticated, Refused),
            (end.ExitCode, (string)problem["type"]!, (int)problem["status"]!, (int)problem["exit_code"]!));
        Assert.StartsWith("countersign: unauthenticated (401)", end.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--data")]
    [InlineData("--control")]
    [InlineData("--issuer")]
    [InlineData("--upstream")]
    public async Task A_port_in_use_is_told(string option)
    {
        // Proves that a start that fails says why in one line, without a stack, and leaves no process behind.
        using TcpListener holder = new(IPAddress.Loopback, 0);
        holder.Start();
        string held = holder.LocalEndpoint.ToString()!;
        string[] arguments =
        [
            "demo", "--data", "127.0.0.1:0", "--control", "127.0.0.1:0", "--issuer", "127.0.0.1:0",
            "--upstream", "127.0.0.1:0",
        ];
        arguments[Array.IndexOf(arguments, option) + 1] = held;
        CommandEnd end = await CountersignProcess.RunAsync(arguments);
        Assert.Equal(Refused, end.ExitCode);
        Assert.StartsWith("countersign: ", end.Errors, StringComparison.Ordinal);
        Assert.Contains("address already in use", end.Errors, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_demo_prints_a_token_for_each_of_its_users()
    {
        // Proves it of what people read, and that what to do next stands below the long lines.
        CommandEnd end = await CountersignProcess.StopWhenAsync(
            told => told.Output.Contains("Ctrl+C ends the demo.", StringComparison.Ordinal),
            "demo", "--data", "127.0.0.1:0", "--control", "127.0.0.1:0", "--issuer", "127.0.0.1:0",
            "--upstream", "127.0.0.1:0");
        Assert.Equal((0, ""), (end.ExitCode, end.Errors.Trim()));
        string[] users =
            ["alice", "nina", "bob", "carol", "sam", "dave", "olga", "ci_deploy", "agent_7", "agent_9"];
        string above = end.Output[..end.Output.IndexOf("  data  ", StringComparison.Ordinal)];
        Assert.All(users, user => Assert.Matches($@"(?m)^  {user}=[\w-]+\.[\w-]+\.[\w-]+\r?$", above));
    }

    [Fact]
    public async Task A_start_that_waits_for_its_store_ends_when_it_is_told_to()
    {
        // Proves that SIGTERM does not wait for a store that is away, and that to end unserved is no failure.
        string file = Write("""
            {
              "store": { "redis": "127.0.0.1:1,connectTimeout=500" }, "audit": { "folder": "audit" },
              "identity": { "issuers": [{ "issuer": "http://127.0.0.1:1", "audiences": ["a"] }] },
              "secrets": { "sealingKey": "file:sealing.key" }
            }
            """);
        CommandEnd end = await CountersignProcess.StopWhenAsync(
            told => told.Errors.Contains("The store did not answer", StringComparison.Ordinal),
            "serve", "--config", file, "--data", "127.0.0.1:0", "--control", "127.0.0.1:0");
        Assert.Equal((0, ""), (end.ExitCode, end.Output));
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private string Write(string text)
    {
        string file = Path.Combine(_folder, "file.json");
        File.WriteAllText(file, text);
        return file;
    }

    private Task<CommandEnd> RunAsync(string user, params string[] arguments) => CountersignProcess.RunAsync(
        new() { ["COUNTERSIGN_CONTROL"] = world.Client.Control, ["COUNTERSIGN_TOKEN"] = world.TokenOf(user) },
        arguments);

    private async Task<JsonNode> JsonAsync(string user, params string[] arguments)
    {
        CommandEnd end = await RunAsync(user, arguments);
        Assert.Equal((0, ""), (end.ExitCode, end.Errors.Trim()));
        return JsonNode.Parse(end.Output)!;
    }
}
