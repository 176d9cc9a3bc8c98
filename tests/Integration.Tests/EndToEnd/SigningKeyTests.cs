using System.Text.Json.Nodes;
using Countersign.Cli.Tokens;
using Countersign.Kit;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Signing keys changed by the command line, on the real program.</summary>
public sealed class SigningKeyTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_that_leaked_is_ended_with_all_that_it_signed()
    {
        // Proves list, rotate and revoke by their effects: who is no admin may not, the published set loses the key, a
        // token of the gateway that it signed is nobody's, and new ones are good.
        await using Backends backends = await Backends.StartAsync();
        using ServeSetup setup = new(backends.Issuer, Backends.Audience, ServeSetup.Policy(backends.Upstream));
        await using CountersignProcess gateway = await setup.StartAsync("embedded");
        string control = gateway.Ready["control"]!.ToString(), data = gateway.Ready["data"]!.ToString();
        string token = await ExchangeAsync(control, backends);
        Assert.Equal(200, await StatusAsync(data, token));
        string signer = KeyOf(token);
        Assert.Contains(signer, await KeysAsync(control));
        Dictionary<string, string> alice = Variables(control, backends.TokenOf("alice"));
        using CommandRun refused = await RunAsync(alice, "revoke", signer, "--reason", "mine");
        Assert.NotEqual(0, await refused.End);
        Dictionary<string, string> olga = Variables(control, backends.TokenOf("olga"));
        using CommandRun rotated = await RunAsync(olga, "rotate", "--reason", "yearly");
        Assert.True(await rotated.End == 0, rotated.Errors);
        Assert.Equal(4, (await KeysAsync(control)).Length);
        Assert.Equal(200, await StatusAsync(data, token));

        using CommandRun revoked = await RunAsync(olga, "revoke", signer, "--reason", "it leaked");
        Assert.True(await revoked.End == 0, revoked.Errors);
        Assert.DoesNotContain(signer, revoked.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(signer, await KeysAsync(control));
        await Until.TrueAsync(async () => await StatusAsync(data, token) == 401);
        string next = await ExchangeAsync(control, backends);
        Assert.NotEqual(signer, KeyOf(next));
        Assert.Equal(200, await StatusAsync(data, next));
        using CommandRun listed = await RunAsync(olga, "list");
        Assert.Contains(KeyOf(next) + "  ES256  signs", listed.Output, StringComparison.Ordinal);
    }

    private static async Task<string> ExchangeAsync(string control, Backends backends)
    {
        const string accessToken = "urn:ietf:params:oauth:token-type:access_token";
        using HttpClient http = new();
        using FormUrlEncodedContent form = new(
        [
            new("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            new("subject_token", backends.TokenOf("alice")), new("subject_token_type", accessToken),
            new("actor_token", backends.TokenOf("agent-9")), new("actor_token_type", accessToken),
        ]);
        using HttpResponseMessage answer = await http.PostAsync(control + "/oauth/token", form, Stop);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync(Stop))!["access_token"]!.ToString();
    }

    private static Task<CommandRun> RunAsync(Dictionary<string, string> variables, params string[] arguments) =>
        CommandRun.RunAsync(KeysCommand.Create, variables, arguments);

    private static Dictionary<string, string> Variables(string control, string token) => new()
    {
        ["COUNTERSIGN_CONTROL"] = control, ["COUNTERSIGN_TOKEN"] = token,
    };

    private static string KeyOf(string token) => JsonNode.Parse(
        System.Buffers.Text.Base64Url.DecodeFromChars(token.AsSpan(0, token.IndexOf('.', StringComparison.Ordinal))))!
        ["kid"]!.ToString();

    private static async Task<string[]> KeysAsync(string control)
    {
        using HttpClient http = new();
        JsonNode set = JsonNode.Parse(await http.GetStringAsync(control + "/oauth/jwks", Stop))!;
        return [.. set["keys"]!.AsArray().Select(one => one!["kid"]!.ToString())];
    }

    private static async Task<int> StatusAsync(string data, string token)
    {
        using HttpClient http = new();
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using HttpResponseMessage answer = await http.GetAsync(data + "/people/1", Stop);
        return (int)answer.StatusCode;
    }
}
