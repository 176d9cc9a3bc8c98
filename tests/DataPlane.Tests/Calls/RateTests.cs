using System.Text.Json;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Limits of the policy, by whole calls.</summary>
public sealed class RateTests
{
    private static string Policy(string limits) => $$"""
        apiVersion: countersign/v1
        upstreams:
          raw: { endpoints: ["http://raw.test"], timeout: 5s, credential: { broker: none } }
        functions:
          raw.get: { upstream: raw, method: GET, path: "/raw/{id}", risk: low }
          raw.more: { upstream: raw, method: GET, path: "/more/{id}", risk: low }
          raw.strict: { upstream: raw, method: GET, path: "/strict/{id}", risk: high }
          raw.asked: { upstream: raw, method: GET, path: "/asked/{id}", risk: high }
        rules:
          - { id: all, subjects: { groups: [support] }, functions: [raw.get, raw.more, raw.strict], effect: allow }
          - id: asked
            subjects: { groups: [support] }
            functions: [raw.asked]
            effect: approve
            approval: { stages: [{ groups: [leads], count: 1 }] }
        limits:
          {{limits}}
        """;

    [Fact]
    public async Task A_burst_passes_then_calls_come_as_the_rate_lets_them()
    {
        // Proves burst, refusal, headers and return; by a limit of ten a minute and three at once.
        await using MemoryGateway gateway = new(
            Policy("- { id: few, functions: [raw.get], per: caller, rate: 10/m, burst: 3 }"));
        MemoryClient client = gateway.Connect();
        for (int left = 2; left >= 0; left--)
        {
            WireMessage passed = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
            Assert.Equal(200, passed.Status);
            Assert.Equal("\"few\";q=10;w=60", passed.Field("RateLimit-Policy"));
            Assert.Equal($"\"few\";r={left};t={(3 - left) * 6}", passed.Field("RateLimit"));
        }

        WireMessage refused = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
        Assert.Equal((429, "6"), (refused.Status, refused.Field("Retry-After")));
        Assert.Contains("'few'", refused.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Null((await client.CallAsync(Requests.Get(gateway, "/more/1"))).Field("RateLimit"));
        gateway.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("1", (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Field("Retry-After"));
        gateway.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal(429, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        JsonElement[] records = [.. await gateway.CloseAuditAsync()];
        Assert.Equal(3, records.Count(one => one.TryGetProperty("verdict", out JsonElement verdict)
            && verdict.GetString() == "rate-limited"));
    }

    [Fact]
    public async Task A_caller_who_asks_too_much_of_approvers_is_told_when_to_come_back()
    {
        // Proves the default limit of a minute on whole calls, that nothing is filed beyond it, and that a call that
        // waits is joined; by sixty calls that each need an approval.
        await using MemoryGateway gateway = new(Policy("[]"));
        MemoryClient client = gateway.Connect();
        for (int call = 0; call < 60; call++)
            Assert.Equal(428, (await client.CallAsync(Requests.Get(gateway, $"/asked/{call}"))).Status);
        WireMessage refused = await client.CallAsync(Requests.Get(gateway, "/asked/60"));
        Assert.Equal((429, "1"), (refused.Status, refused.Field("Retry-After")));
        Assert.Equal("urn:countersign:rate-limited", refused.Json.GetProperty("type").GetString());
        Assert.Equal(60, (await gateway.Store.ListAsync(null, 200, null)).Value!.Items.Count);
        Assert.Equal(428, (await client.CallAsync(Requests.Get(gateway, "/asked/59"))).Status);
        gateway.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(428, (await client.CallAsync(Requests.Get(gateway, "/asked/60"))).Status);
    }

    [Fact]
    public async Task Who_is_counted_together_is_the_limits_to_say()
    {
        // Proves the three scopes; by two people, and an agent of one of them.
        await using MemoryGateway gateway = new(Policy("""
            - { id: own, functions: [raw.get], per: caller, rate: 1/h }
              - { id: all, functions: [raw.more], per: function, rate: 1/h }
              - { id: people, functions: [raw.strict], per: chain, rate: 1/h }
            """));
        MemoryClient client = gateway.Connect();
        string ann = gateway.Issuer.Token("ann", ["support"]);
        string bot = gateway.Issuer.Token("bot", ["support"], "ci", actor: "Ann");
        string bob = gateway.Issuer.Token("bob", ["support"]);
        async Task<int> CallAsync(string path, string token) => (await client.CallAsync(
            $"GET {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\r\n")).Status;
        Assert.Equal(200, await CallAsync("/raw/1", ann));
        Assert.Equal(200, await CallAsync("/raw/1", bot));
        Assert.Equal(429, await CallAsync("/raw/1", ann));
        Assert.Equal(200, await CallAsync("/more/1", ann));
        Assert.Equal(429, await CallAsync("/more/1", bob));
        Assert.Equal(200, await CallAsync("/strict/1", ann));
        Assert.Equal(429, await CallAsync("/strict/1", bot));
        Assert.Equal(200, await CallAsync("/strict/1", bob));
    }

    [Fact]
    public async Task A_call_that_never_leaves_costs_nothing()
    {
        // Proves that cells come back; by a call that pauses, one that a second limit refuses, and one that does leave.
        await using MemoryGateway gateway = new(Policy("""
            - { id: wide, functions: ["raw.*"], per: function, rate: 2/h }
              - { id: tight, functions: [raw.get], per: caller, rate: 1/h }
            """));
        MemoryClient client = gateway.Connect();
        for (int asked = 0; asked < 4; asked++)
            Assert.Equal(428, (await client.CallAsync(Requests.Get(gateway, "/asked/1"))).Status);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        for (int refused = 0; refused < 3; refused++)
        {
            WireMessage answer = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
            Assert.Equal(429, answer.Status);
            Assert.Equal("\"wide\";q=2;w=3600, \"tight\";q=1;w=3600", answer.Field("RateLimit-Policy"));
        }
    }

    [Fact]
    public async Task A_store_that_stands_still_holds_no_low_risk_call_for_long()
    {
        // Proves the short wait and that one call alone tries again; by a store that takes questions and never answers,
        // a manual clock, and its return. A high-risk call still waits for the answer that it needs.
        await using MemoryGateway gateway = new(
            Policy("- { id: shared, functions: [raw.get, raw.strict], per: function, rate: 9/m, burst: 9 }"));
        gateway.Rates.StandsStill = true;
        Task<WireMessage> first = gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1"));
        TimeSpan waited = TimeSpan.Zero;
        await UntilAsync(() => gateway.Rates.Asked == 1);
        await UntilAsync(() =>
        {
            if (first.IsCompleted) return true;
            gateway.Advance(TimeSpan.FromMilliseconds(10));
            waited += TimeSpan.FromMilliseconds(10);
            return false;
        });
        Assert.Equal(200, (await first).Status);
        Assert.True(waited >= TimeSpan.FromMilliseconds(250));
        for (int next = 0; next < 3; next++)
            Assert.Equal(200, (await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal(1, gateway.Rates.Asked);
        Task<WireMessage> strict = gateway.Connect().CallAsync(Requests.Get(gateway, "/strict/1"));
        await UntilAsync(() => gateway.Rates.Asked == 2);
        Assert.False(strict.IsCompleted);

        gateway.Advance(TimeSpan.FromSeconds(1));
        Task<WireMessage> again = gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1"));
        await UntilAsync(() => gateway.Rates.Asked == 3);
        Assert.Equal(200, (await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal(3, gateway.Rates.Asked);
        Assert.False(again.IsCompleted);
        gateway.Rates.StandsStill = false;
        gateway.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(200, (await again).Status);
        gateway.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(200, (await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal(4, gateway.Rates.Asked);
    }

    [Fact]
    public async Task Without_the_store_high_risk_is_refused_and_the_rest_gets_a_share()
    {
        // Proves DESIGN section 11 for limits; by a store that is away, one of two nodes, and its return.
        await using MemoryGateway gateway = new(
            Policy("- { id: shared, functions: [raw.get, raw.strict], per: function, rate: 4/m, burst: 4 }"));
        gateway.LiveNodes = 2;
        gateway.Rates.IsAway = true;
        MemoryClient client = gateway.Connect();
        WireMessage strict = await client.CallAsync(Requests.Get(gateway, "/strict/1"));
        Assert.Equal(503, strict.Status);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        WireMessage refused = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
        Assert.Equal((429, "30"), (refused.Status, refused.Field("Retry-After")));
        Assert.Equal(1, gateway.Rates.Asked);
        gateway.Rates.IsAway = false;
        gateway.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/strict/1"))).Status);
    }

    [Fact]
    public async Task Most_calls_of_a_fast_limit_do_not_ask_the_store()
    {
        // Proves leases; by a thousand calls of a limit that leases a hundred, and by what they took from the bucket.
        await using MemoryGateway gateway = new(
            Policy("- { id: fast, functions: [raw.get], per: function, rate: 1000/s, burst: 2000 }"),
            auditRecordsMax: 16_384);
        MemoryClient client = gateway.Connect();
        for (int call = 0; call < 1_000; call++)
            Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.InRange(gateway.Rates.Asked, 10, 25);
    }

    [Fact]
    public async Task In_observe_no_limit_refuses()
    {
        // Proves that observe lets everything through; by a limit of one.
        await using MemoryGateway gateway = new(
            Policy("- { id: one, functions: [raw.get], per: caller, rate: 1/h }") + "\nmode: observe\n");
        MemoryClient client = gateway.Connect();
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(20));
        while (!isSo()) await Task.Delay(1, patience.Token);
    }
}
