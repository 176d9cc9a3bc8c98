using System.Text.Json.Nodes;
using Countersign.Cli.Approvals;
using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>The approver's commands, one by one.</summary>
public sealed class ApprovalCommandTests(DemoWorld world) : IClassFixture<DemoWorld>
{
    private const StringComparison Ordinal = StringComparison.Ordinal;
    private const StringComparison IgnoreCase = StringComparison.OrdinalIgnoreCase;

    [Fact]
    public async Task Watching_tells_what_is_asked_and_what_becomes_of_it()
    {
        // Proves the live watch, in both forms, by an ask and a denial while it runs.
        CommandRun json = Watch("--json");
        CommandRun text = Watch();
        Answer asked = await AskAsync("/billing/61/refunds", "while watched");
        string id = asked["approval"];
        JsonNode first = JsonNode.Parse(await NextOfAsync(json, id))!;
        Assert.Contains(first["event"]!.ToString(), (string[])["asked", "pending"]);
        string line = await NextOfAsync(text, id);
        Assert.Contains(id + "  pending  billing.refund  high  alice: while watched", line, StringComparison.Ordinal);
        await world.Client.DecideAsync("bob", id, asked["digest"], "deny");
        JsonNode second = JsonNode.Parse(await NextOfAsync(json, id))!;
        Assert.Equal(("moved", "denied"), (
            second["event"]!.ToString(), second["approval"]!["state"]!.ToString()));
        Assert.Contains("  denied  ", await NextOfAsync(text, id), StringComparison.Ordinal);
        Assert.Equal((0, 0), (await json.StopAsync(), await text.StopAsync()));
        Assert.Equal("", json.Errors);
    }

    [Fact]
    public async Task A_watch_without_a_valid_token_ends_at_once()
    {
        // Proves that a refusal is final, where a gateway that is away would be waited for.
        Dictionary<string, string> variables = Variables("carol");
        variables["COUNTERSIGN_TOKEN"] = "x.y.z";
        CommandRun watch = await CommandRun.RunAsync(ApprovalsCommand.Create, variables, "watch");
        Assert.Equal(1, await watch.End);
        Assert.Contains("unauthenticated (401)", watch.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_signed_that_nobody_was_asked_about()
    {
        // Proves the question: without a terminal, with a no, and with a yes after what is signed was shown.
        Answer asked = await AskAsync("/billing/62/refunds", "why not");
        string id = asked["approval"];
        CommandRun blind = await CommandRun.RunAsync(
            ApprovalsCommand.Create, Variables("carol"), "approve", id);
        Assert.Equal(2, await blind.End);
        Assert.Contains("--yes", blind.Errors, StringComparison.Ordinal);
        CommandRun json = CommandRun.Start(
            ApprovalsCommand.Create, Variables("carol"), "y\n", "approve", "--json", id);
        Assert.Equal(2, await json.End);
        CommandRun no = CommandRun.Start(ApprovalsCommand.Create, Variables("carol"), "n\n", "approve", id);
        Assert.Equal(1, await no.End);
        Assert.Contains(asked["digest"], no.Output, StringComparison.Ordinal);
        CommandRun yes = CommandRun.Start(
            ApprovalsCommand.Create, Variables("carol"), "y\n", "approve", id, "--reason", "seen");
        Assert.Equal(0, await yes.End);
        Assert.Contains("min left", yes.Output, StringComparison.Ordinal);
        Assert.Contains(id + " is approved", yes.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_are_filtered_and_earlier_calls_are_shown()
    {
        // Proves the filters and the page's end on the command line, and show's earlier calls.
        Answer first = await AskAsync("/billing/63/refunds", "one");
        await world.Client.DecideAsync("bob", first["approval"], first["digest"], "deny");
        Answer second = await AskAsync("/billing/64/refunds", "two");
        CommandRun list = await CommandRun.RunAsync(
            ApprovalsCommand.Create, Variables("carol"), "list", "--status", "all", "--function", "billing.ref*",
            "--caller", "alice", "--limit", "1");
        Assert.Contains(second["approval"], list.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(first["approval"], list.Output, StringComparison.Ordinal);
        Assert.Contains("more: --cursor ", list.Errors, StringComparison.Ordinal);
        CommandRun none = await CommandRun.RunAsync(
            ApprovalsCommand.Create, Variables("carol"), "list", "--caller", "nobody");
        Assert.Equal("Nothing waits.", none.Output.Trim());
        CommandRun show = await CommandRun.RunAsync(
            ApprovalsCommand.Create, Variables("carol"), "show", second["approval"]);
        Assert.Contains("earlier calls", show.Output, StringComparison.Ordinal);
        Assert.Contains("deny by bob", show.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_is_found_by_the_name_in_the_list()
    {
        // Proves that what stands under CALLER finds the row, and so does the person whose token the agent has.
        Answer asked = await world.Client.CallAsync("agent-7", "POST", "/billing/66/refunds", """{"amount":8}""");
        Assert.Equal(428, asked.Status);
        foreach (string caller in new[] { "agent-7", "bob" })
        {
            CommandRun list = await CommandRun.RunAsync(
                ApprovalsCommand.Create, Variables("carol"), "list", "--caller", caller);
            string row = Assert.Single(list.Output.Split('\n'), line => line.Contains(asked["approval"], Ordinal));
            Assert.Matches("  agent-7 +bob  ", row);
        }
    }

    [Fact]
    public async Task Json_on_a_terminal_deceives_nobody()
    {
        // Proves that what turns the line, hides or steers is an escape in every JSON of an approval, and the same
        // value to whoever parses it, by one of each in an argument that a caller wrote and in a reason.
        const string Note = "a\u202Eb\u200Bc\u009Bd\U000E0041e\u2028f";
        CommandRun watch = Watch("--json");
        Answer asked = await world.Client.CallAsync(
            "alice", "POST", "/billing/67/refunds", $$"""{"amount":7,"note":"{{Note}}"}""");
        string id = asked["approval"];
        Dictionary<string, string> variables = Variables("carol");
        CommandRun list = await CommandRun.RunAsync(ApprovalsCommand.Create, variables, "list", "--json");
        CommandRun show = await CommandRun.RunAsync(ApprovalsCommand.Create, variables, "show", id, "--json");
        CommandRun deny = await CommandRun.RunAsync(
            ApprovalsCommand.Create, variables, "deny", id, "--yes", "--json", "--reason", Note);
        string live = await NextOfAsync(watch, id);
        await watch.StopAsync();
        foreach (string text in new[] { live, list.Output, show.Output, deny.Output })
        {
            Assert.DoesNotContain(text.EnumerateRunes(), rune => rune.Value >= 0x7F && SafeText.Deceives(rune.Value));
            Assert.Contains("a\\u202eb\\u200bc\\u009bd\\udb40\\udc41e\\u2028f", text, IgnoreCase);
        }

        Assert.Equal(Note, JsonNode.Parse(live)!["approval"]!["arguments"]!["note"]!.ToString());
        Assert.Equal(Note, JsonNode.Parse(show.Output)!["arguments"]!["note"]!.ToString());
    }

    [Fact]
    public async Task Revealing_takes_a_permission_of_its_own()
    {
        // Proves that an approver without it is refused, and that the reason is asked for before anything is sent.
        Answer asked = await AskAsync("/billing/65/refunds", "why");
        CommandRun denied = await CommandRun.RunAsync(
            ApprovalsCommand.Create, Variables("bob"), "reveal", asked["approval"], "/iban", "--reason", "ticket");
        Assert.Equal(1, await denied.End);
        Assert.Contains("denied (403)", denied.Errors, StringComparison.Ordinal);
        CommandRun silent = await CommandRun.RunAsync(
            ApprovalsCommand.Create, Variables("carol"), "reveal", asked["approval"], "/iban");
        Assert.NotEqual(0, await silent.End);
    }

    private Dictionary<string, string> Variables(string user) => new()
    {
        ["COUNTERSIGN_CONTROL"] = world.Client.Control,
        ["COUNTERSIGN_TOKEN"] = world.TokenOf(user),
    };

    private CommandRun Watch(params string[] arguments) =>
        CommandRun.Start(ApprovalsCommand.Create, Variables("carol"), null, ["watch", .. arguments]);

    // What other tests left pending is told too.
    private static async Task<string> NextOfAsync(CommandRun run, string id)
    {
        while (true)
        {
            string line = await run.NextAsync();
            if (line.Contains(id, StringComparison.Ordinal)) return line;
        }
    }

    private async Task<Answer> AskAsync(string path, string reason)
    {
        Answer asked = await world.Client.CallAsync(
            "alice", "POST", path, """{"amount":7,"iban":"NL91ABNA0417164300"}""", ("Countersign-Reason", reason));
        Assert.Equal(428, asked.Status);
        return asked;
    }
}
