using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Integration.Tests.Store;
using Countersign.Kit;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Two gateways on one Redis that both tell the same webhooks.</summary>
public sealed class NoticeTests : IAsyncLifetime
{
    private const string Body = """{"amount":5,"card":{"number":"4111111111111111"}}""";
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private readonly RedisServer _redis = new();
    private readonly List<CountersignProcess> _gateways = [];
    private readonly List<GatewayClient> _clients = [];
    private Backends _backends = null!;
    private ServeSetup _setup = null!;
    private WebhookReceiver _receiver = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _redis.StartAsync();
        _backends = await Backends.StartAsync();
        _receiver = await WebhookReceiver.StartAsync();
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, ServeSetup.Policy(_backends.Upstream));
        await File.WriteAllTextAsync(Path.Combine(_setup.Folder, "hook.secret"), Secret + "\n");
        await File.WriteAllTextAsync(Path.Combine(_setup.Folder, "chat.url"), _receiver.Address + "/chat/T0/secret\n");
        foreach (string name in (string[])["a", "b"])
        {
            CountersignProcess gateway = await _setup.StartAsync(
                _redis.Connection, "audit-" + name, ("GATEWAY__NAME", name),
                ("NOTICES__0__NAME", "ops"), ("NOTICES__0__URL", _receiver.Address + "/ops"),
                ("NOTICES__0__SECRET", "file:hook.secret"), ("NOTICES__1__NAME", "chat"),
                ("NOTICES__1__URL", "file:chat.url"), ("NOTICES__1__KIND", "slack"),
                ("NOTICES__1__EVENTS__0", "created"));
            _gateways.Add(gateway);
            _clients.Add(new(
                gateway.Ready["data"]!.ToString(), gateway.Ready["control"]!.ToString(), _backends.TokenOf));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (GatewayClient client in _clients) client.Dispose();
        foreach (CountersignProcess gateway in _gateways) await gateway.DisposeAsync();
        _setup?.Dispose();
        if (_receiver is not null) await _receiver.DisposeAsync();
        if (_backends is not null) await _backends.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_fleet_tells_each_webhook_once_and_never_what_the_call_holds()
    {
        // Proves notices of a fleet: asked at one gateway, denied at the other; signed, once each, without the call.
        Answer asked = await _clients[0].CallAsync("alice", "POST", "/billing/42/refunds", Body);
        Assert.Equal(428, asked.Status);
        string id = asked["approval"];
        Received[] created = [await _receiver.NextAsync(Cancellation), await _receiver.NextAsync(Cancellation)];
        Received chat = Assert.Single(created, one => one.Path == "/chat/T0/secret");
        Received ops = Assert.Single(created, one => one.Path == "/ops");
        Assert.Contains("/console/approvals/" + id, chat.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("webhook-signature", chat.Fields.Keys);
        Verify(ops);
        JsonNode data = JsonNode.Parse(ops.Body)!["data"]!;
        Assert.Equal((id, "pending", "billing.refund"), (
            data["approval"]!.ToString(), data["state"]!.ToString(), data["function"]!.ToString()));
        Answer decided = await _clients[1].DecideAsync("bob", id, asked["digest"], "deny");
        Assert.Equal("denied", decided["state"]);
        Received settled = await _receiver.NextAsync(Cancellation);
        Assert.Equal("/ops", settled.Path);
        Verify(settled);
        Assert.Equal("approval.settled", JsonNode.Parse(settled.Body)!["type"]!.ToString());
        foreach (Received one in (Received[])[chat, ops, settled])
        {
            Assert.DoesNotContain("4111", one.Body, StringComparison.Ordinal);
            Assert.DoesNotContain("/billing/", one.Body, StringComparison.Ordinal);
            Assert.DoesNotContain("eyJ", one.Body, StringComparison.Ordinal);
        }

        // Everything told, nothing waits and nothing is dead; another ask is the next thing that comes.
        await Until.TrueAsync(async () =>
            (await ListAsync("waiting")).Count == 0 && (await ListAsync("dead")).Count == 0);
        Assert.True(_receiver.IsQuiet);
    }

    [Fact]
    public async Task A_webhook_that_wants_no_more_is_among_the_dead_until_it_is_tried_again_by_hand()
    {
        // Proves the dead end to end, with the command line's own list and retry.
        _receiver.Then(410);
        _receiver.Then(410);
        await _clients[0].CallAsync("alice", "POST", "/billing/43/refunds", Body);
        await _receiver.NextAsync(Cancellation);
        await _receiver.NextAsync(Cancellation);
        await Until.TrueAsync(async () => (await ListAsync("dead")).Count == 2);
        JsonArray dead = await ListAsync("dead");
        Assert.All(dead, one => Assert.Equal("answered 410", one!["error"]!.ToString()));
        string id = dead.Single(one => one!["webhook"]!.ToString() == "ops")!["id"]!.ToString();
        Answer retried = await _clients[1].ControlAsync("olga", "POST", $"/api/v1/notices/{id}/retry");
        Assert.Equal(200, retried.Status);
        Assert.Equal(id, (await _receiver.NextAsync(Cancellation)).Fields["webhook-id"]);
    }

    private async Task<JsonArray> ListAsync(string status) =>
        (await _clients[0].ControlAsync("olga", "GET", "/api/v1/notices?status=" + status)).Body["items"]!.AsArray();

    // The receiver's side of the specification, written from it alone.
    private static void Verify(Received notice)
    {
        string signed = notice.Fields["webhook-id"] + "." + notice.Fields["webhook-timestamp"] + "." + notice.Body;
        byte[] key = Convert.FromBase64String(Secret["whsec_".Length..]);
        string expected = "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(signed)));
        Assert.Equal(expected, notice.Fields["webhook-signature"]);
        long at = long.Parse(notice.Fields["webhook-timestamp"], CultureInfo.InvariantCulture);
        Assert.InRange(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - at, -5, 300);
    }
}
