using System.Text.Json.Nodes;
using Countersign.Cli.Approvals;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>The commands for what is rare, over HTTP against a running gateway.</summary>
public sealed class ActCommandTests(AttackWorld world) : IClassFixture<AttackWorld>
{
    [Fact]
    public async Task A_glass_is_broken_owed_and_reviewed_by_commands()
    {
        // Proves the emergency from the command line; refused to strangers and to who broke it, and asked about first.
        world.Upstream.Release();
        Answer asked = await world.A.CallAsync("alice", "POST", "/glass/cli");
        string id = asked["approval"];
        await FailsAsync("carol", 1, "denied (403)", "break-glass", id, "--reason", "down", "--yes");
        await FailsAsync("alice", 2, "--yes", "break-glass", id, "--reason", "down");
        CommandRun no = CommandRun.Start(
            ApprovalsCommand.Create, Variables("alice"), "n\n", "break-glass", id, "--reason", "down");
        Assert.Equal(1, await no.End);
        Assert.Contains("break-glass this call? [y/N]", no.Output, StringComparison.Ordinal);
        Assert.Contains(asked["digest"], no.Output, StringComparison.Ordinal);
        await FailsAsync(
            "alice", 1, "approval-mismatch (409)", "break-glass", id, "--reason", "down", "--yes", "--digest",
            "sha256:" + new string('0', 64));
        string broken = await RunAsync("alice", "break-glass", id, "--reason", "the site is down", "--yes");
        Assert.Equal($"{id} is approved", broken.Trim());
        (string, string) named = ("Countersign-Approval", id);
        Assert.Equal(200, (await world.A.CallAsync("alice", "POST", "/glass/cli", null, named)).Status);

        Assert.Contains(id, await RunAsync("bob", "owed"), StringComparison.Ordinal);
        await FailsAsync("alice", 1, "(403)", "review", id, "--note", "my own");
        JsonNode reviewed = JsonNode.Parse(await RunAsync("bob", "review", id, "--note", "it was", "--json"))!;
        Assert.Equal("it was", reviewed["review"]!["note"]!.ToString());
        Assert.DoesNotContain(id, await RunAsync("bob", "owed"), StringComparison.Ordinal);
        await FailsAsync("bob", 1, "(409)", "review", id, "--note", "twice");
    }

    [Fact]
    public async Task An_approval_is_withdrawn_while_others_are_waited_for()
    {
        // Proves withdrawing from the command line: the slot is free again, and who has not approved has nothing there.
        Answer asked = await world.A.CallAsync("alice", "POST", "/pair/1");
        string id = asked["approval"];
        Assert.Equal($"{id} is pending", (await RunAsync("bob", "approve", id, "--yes")).Trim());
        Assert.Contains("approve by bob", await RunAsync("carol", "show", id), StringComparison.Ordinal);
        await FailsAsync("carol", 1, "(403)", "withdraw", id);
        Assert.Equal($"{id} is pending", (await RunAsync("bob", "withdraw", id)).Trim());
        Assert.DoesNotContain("approve by bob", await RunAsync("carol", "show", id), StringComparison.Ordinal);
        Assert.Equal($"{id} is pending", (await RunAsync("carol", "approve", id, "--yes")).Trim());
        Assert.Equal($"{id} is approved", (await RunAsync("bob", "approve", id, "--yes")).Trim());
        await FailsAsync("bob", 1, "(409)", "withdraw", id);
    }

    [Fact]
    public async Task A_masked_argument_is_revealed_to_who_may()
    {
        // Proves revealing from the command line, by a body that show masks and a pointer into it.
        Answer asked = await world.A.CallAsync(
            "alice", "POST", "/pair/2", """{"amount":7,"iban":"NL91ABNA0417164300"}""");
        string id = asked["approval"];
        Assert.DoesNotContain("NL91", await RunAsync("carol", "show", id), StringComparison.Ordinal);
        string[] ask = ["reveal", id, "/iban", "--reason", "compared with the ticket"];
        Assert.Equal("NL91ABNA0417164300", (await RunAsync("carol", ask)).Trim());
        JsonNode json = JsonNode.Parse(await RunAsync("carol", [.. ask, "--json"]))!;
        Assert.Equal(("/iban", "NL91ABNA0417164300"), (json["pointer"]!.ToString(), json["value"]!.ToString()));
        await FailsAsync("bob", 1, "denied (403)", ask);
        await FailsAsync("carol", 1, "not-found (404)", "reveal", id, "/nothing", "--reason", "why");
    }

    [Fact]
    public async Task The_headers_that_bind_a_call_are_shown_and_credentials_are_not()
    {
        // Proves that an approver sees what the digest covers, marked where it deceives, and that no value of them is
        // in the store as it is.
        Answer asked = await world.A.CallAsync(
            "alice", "POST", "/pair/3", null, ("If-Match", "v-seven-and-a-half"), ("X-Api-Key", "k3y-of-alice"));
        string id = asked["approval"];
        string shown = await RunAsync("carol", "show", id);
        Assert.Contains("if-match: v-seven-and-a-half", shown, StringComparison.Ordinal);
        Assert.Contains("x-api-key: (a credential, never shown", shown, StringComparison.Ordinal);
        JsonNode json = JsonNode.Parse(await RunAsync("carol", "show", id, "--json"))!;
        Assert.Equal("shown", json["headers"]![0]!["state"]!.ToString());
        Assert.Equal("v-seven-and-a-half", json["headers"]![0]!["value"]!.ToString());
        Assert.DoesNotContain("k3y-of-alice", json.ToJsonString(), StringComparison.Ordinal);
        IReadOnlyList<string> values = await world.Redis.ValuesAsync();
        Assert.Contains(values, kept => kept.Contains("/pair/3", StringComparison.Ordinal));
        foreach (string kept in values)
        {
            Assert.DoesNotContain("v-seven-and-a-half", kept, StringComparison.Ordinal);
            Assert.DoesNotContain("k3y-of-alice", kept, StringComparison.Ordinal);
        }

        Answer bare = await world.A.CallAsync("alice", "POST", "/pair/3");
        Assert.NotEqual(id, bare["approval"]);
        string other = await RunAsync("carol", "show", bare["approval"]);
        Assert.Contains("if-match: (not sent", other, StringComparison.Ordinal);
    }

    private async Task<string> RunAsync(string user, params string[] arguments)
    {
        CommandRun run = await CommandRun.RunAsync(ApprovalsCommand.Create, Variables(user), arguments);
        Assert.Equal((0, ""), (await run.End, run.Errors));
        return run.Output;
    }

    private async Task FailsAsync(string user, int exitCode, string error, params string[] arguments)
    {
        CommandRun run = await CommandRun.RunAsync(ApprovalsCommand.Create, Variables(user), arguments);
        Assert.Equal(exitCode, await run.End);
        Assert.Contains(error, run.Errors, StringComparison.Ordinal);
    }

    private Dictionary<string, string> Variables(string user) => new()
    {
        ["COUNTERSIGN_CONTROL"] = world.B.Control,
        ["COUNTERSIGN_TOKEN"] = world.TokenOf(user),
    };
}
