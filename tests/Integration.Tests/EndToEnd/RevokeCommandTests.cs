using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Cli.Tokens;
using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>The end of tokens by the command line, on the real program.</summary>
public sealed class RevokeCommandTests(EmbeddedWorld world) : IClassFixture<EmbeddedWorld>
{
    private const string Refunds = "/billing/44/refunds";

    private readonly string _issuer = JsonNode.Parse(
        Base64Url.DecodeFromChars(world.TokenOf("alice").Split('.')[1]))!["iss"]!.ToString();

    [Theory]
    [InlineData("")]
    [InlineData("respond-async")]
    public async Task A_paused_call_of_who_is_revoked_is_not_made(string preference)
    {
        // Proves from outside that a call which waits, held or not, is not made once its caller is revoked, though
        // somebody approves it then: 401 for who is held, void, and nothing reaches the function.
        string who = preference.Length == 0 ? "alice" : "nina", reason = "revoked meanwhile, " + who;

        // One token throughout: what is issued in a second after the revocation is none that was revoked.
        string token = world.TokenOf(who);
        using GatewayClient caller = new(world.Client.Data, world.Client.Control, _ => token);
        Task<Answer> waits = caller.CallAsync(
            who, "POST", Refunds, """{"amount":2111}""",
            ("Prefer", preference.Length == 0 ? "wait=60" : preference), ("Countersign-Reason", reason));
        JsonObject pending = await world.Client.PendingAsync("bob", reason);
        JsonObject revoked = await JsonAsync(0, "--issuer", _issuer, "--subject", who, "--reason", "left");
        Assert.Equal(("subject", who), (revoked["kind"]!.ToString(), revoked["subject"]!.ToString()));
        string id = pending["id"]!.ToString();
        Answer decided = await world.Client.DecideAsync("bob", id, pending["digest"]!.ToString());
        Assert.Equal(200, decided.Status);
        if (preference.Length == 0)
        {
            Answer refused = await waits;
            Assert.Equal((401, "unauthenticated"), (refused.Status, refused.Problem));
        }

        await Until.TrueAsync(async () =>
            (await world.Client.ControlAsync("bob", "GET", "/api/v1/approvals/" + id))["state"] == "expired");
        Assert.Equal(401, (await caller.CallAsync(who, "GET", "/people/1")).Status);
    }

    [Fact]
    public async Task What_would_revoke_nothing_is_refused()
    {
        // Proves that one slash too many, the past, and what is no time are errors of their own, for machines too.
        JsonObject slash = await JsonAsync(1, "--issuer", _issuer + "/", "--subject", "typo");
        Assert.Equal("urn:countersign:malformed-request", slash["type"]!.ToString());
        Assert.Contains($"'{_issuer}'", slash["detail"]!.ToString(), StringComparison.Ordinal);
        JsonObject past = await JsonAsync(
            2, "--issuer", _issuer, "--subject", "typo", "--until", "2020-01-01T00:00:00Z");
        Assert.Contains("--until: '2020-01-01", past["detail"]!.ToString(), StringComparison.Ordinal);
        JsonObject word = await JsonAsync(2, "--issuer", _issuer, "--subject", "typo", "--until", "tomorrow");
        Assert.Contains("--until: 'tomorrow' is not a time", word["detail"]!.ToString(), StringComparison.Ordinal);
        using CommandRun list = await RunAsync("revoked");
        Assert.DoesNotContain("typo", list.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_of_a_file_is_remembered_until_it_has_expired()
    {
        // Proves that the end is read here, where the token is, since its hash alone is sent; by a token that outlives
        // all that is remembered without a word.
        DateTimeOffset ends = TimeProvider.System.GetUtcNow().AddDays(60);
        string file = Path.GetTempFileName(), claims = $$"""{"exp":{{ends.ToUnixTimeSeconds()}}}""";
        string token = Part("""{"alg":"ES256"}""") + "." + Part(claims) + "." + Part("signature");
        await File.WriteAllTextAsync(file, token + "\n", TestContext.Current.CancellationToken);
        JsonObject revoked = await JsonAsync(0, "--file", file);
        File.Delete(file);
        Assert.Equal(
            Timestamps.Format(DateTimeOffset.FromUnixTimeSeconds(ends.ToUnixTimeSeconds()).AddHours(1)),
            revoked["until"]!.ToString());
    }

    private static string Part(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    private async Task<JsonObject> JsonAsync(int exitCode, params string[] arguments)
    {
        using CommandRun run = await RunAsync(["revoke", .. arguments, "--json"]);
        Assert.True(await run.End == exitCode, run.Output + run.Errors);
        return JsonNode.Parse(run.Output)!.AsObject();
    }

    private Task<CommandRun> RunAsync(params string[] arguments) => CommandRun.RunAsync(
        TokenCommand.Create,
        new Dictionary<string, string>
        {
            ["COUNTERSIGN_CONTROL"] = world.Client.Control,
            ["COUNTERSIGN_TOKEN"] = world.TokenOf("olga"),
        },
        arguments);
}
