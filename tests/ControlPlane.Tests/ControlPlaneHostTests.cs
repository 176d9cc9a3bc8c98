using System.Net;
using System.Text.Json;
using Countersign.Policy;
using Microsoft.Extensions.Primitives;

namespace Countersign.ControlPlane.Tests;

public sealed class ControlPlaneHostTests
{
    [Fact]
    public async Task Every_answer_carries_the_security_fields()
    {
        // Proves the outer step; by an answer of each sort: page, health, keys, problem, refusal, not modified.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        foreach (string path in new[] { "/", "/health/live", "/oauth/jwks", "/nowhere", "/api/v1/approvals" })
        {
            Answer answer = await gate.GetAsync(path);
            Assert.Equal(["nosniff"], answer.Message.Headers.GetValues("X-Content-Type-Options"));
            Assert.StartsWith(
                "default-src 'none'",
                Assert.Single(answer.Message.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
            string caching = path == "/oauth/jwks" ? "max-age=60" : "no-store";
            Assert.Equal(caching, answer.Message.Headers.CacheControl!.ToString());
            Assert.False(answer.Message.Headers.Contains("Server"));
        }
    }

    [Fact]
    public async Task Unknown_paths_and_wrong_methods_are_problems()
    {
        // Proves the router's own errors; by a path that is not there and a method that is not.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Answer unknown = await gate.GetAsync("/api/v2/approvals", gate.Token("fay", "finance"));
        Assert.Equal((HttpStatusCode.NotFound, "not-found"), (unknown.Status, unknown.Problem));
        string approvals = gate.Address + "/api/v1/approvals";
        Answer wrong = await gate.SendAsync(new HttpRequestMessage(HttpMethod.Delete, approvals));
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "method-not-allowed"), (wrong.Status, wrong.Problem));
        Assert.Equal(["GET", "HEAD"], wrong.Message.Content.Headers.Allow.Order());
        Answer head = await gate.SendAsync(new HttpRequestMessage(HttpMethod.Head, gate.Address + "/health/live"));
        Assert.Equal((HttpStatusCode.OK, ""), (head.Status, head.Body));
    }

    [Fact]
    public async Task Tokens_are_needed_and_checked()
    {
        // Proves RFC 6750 challenges; by no token, another scheme, a broken one, an empty one and one that has expired.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        const string Path = "/api/v1/approvals";
        string Challenge(Answer answer)
        {
            Assert.Equal((HttpStatusCode.Unauthorized, "unauthenticated"), (answer.Status, answer.Problem));
            return Assert.Single(answer.Message.Headers.GetValues("WWW-Authenticate"));
        }

        Assert.Equal("Bearer realm=\"countersign\"", Challenge(await gate.GetAsync(Path)));
        HttpRequestMessage basic = new(HttpMethod.Get, gate.Address + Path);
        basic.Headers.TryAddWithoutValidation("Authorization", "Basic YTpi");
        Assert.DoesNotContain("error", Challenge(await gate.SendAsync(basic)), StringComparison.Ordinal);
        string broken = Challenge(await gate.GetAsync(Path, "abc"));
        Assert.Contains("error=\"invalid_token\"", broken, StringComparison.Ordinal);
        string token = gate.Token("fay", "finance");
        Assert.Equal(HttpStatusCode.OK, (await gate.GetAsync(Path, token)).Status);
        gate.Clock.Advance(TimeSpan.FromHours(2));
        Assert.Contains("expired", Challenge(await gate.GetAsync(Path, token)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_metadata_and_health_are_public()
    {
        // Proves the open paths; by reading each without a token, and readiness without a policy.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        JsonElement key = (await gate.GetAsync("/oauth/jwks")).Json.GetProperty("keys")[0];
        Assert.Equal("ES256", key.GetProperty("alg").GetString());
        Assert.False(key.TryGetProperty("d", out _));
        JsonElement metadata = (await gate.GetAsync("/.well-known/oauth-authorization-server")).Json;
        Assert.Equal(gate.Address, metadata.GetProperty("issuer").GetString());
        Assert.Equal(gate.Address + "/oauth/jwks", metadata.GetProperty("jwks_uri").GetString());
        Assert.Equal("""{"status":"live"}""", (await gate.GetAsync("/health/live")).Body);
        Answer ready = await gate.GetAsync("/health/ready");
        const string AllWell = """{"status":"ready","policy_version":7,"policy":"fresh","store":"ok","audit":"ok"}""";
        Assert.Equal((HttpStatusCode.OK, AllWell), (ready.Status, ready.Body));
        Assert.Contains("/api/v1/approvals", (await gate.GetAsync("/")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public void Ready_is_everything_or_nothing()
    {
        // Proves readiness by taking one part away at a time: each alone is 503, and is named.
        HealthEndpoints.ReadyParts well = new(false, 7, true, true, true);
        (HealthEndpoints.ReadyParts Parts, string Told)[] cases =
        [
            (well with { IsDraining = true }, "\"status\":\"draining\""),
            (well with { PolicyVersion = null }, "\"policy\":\"none\""),
            (well with { IsStoreHeard = false }, "\"store\":\"away\""),
            (well with { IsPolicyFresh = false }, "\"policy\":\"stale\""),
            (well with { IsAuditHealthy = false }, "\"audit\":\"faulted\""),
        ];
        Assert.Equal(200, HealthEndpoints.Ready(well).Status);
        foreach ((HealthEndpoints.ReadyParts parts, string told) in cases)
        {
            Reply reply = HealthEndpoints.Ready(parts);
            Assert.Equal(503, reply.Status);
            Assert.Contains(told, System.Text.Encoding.UTF8.GetString(reply.Body.Span), StringComparison.Ordinal);
        }

        Assert.Equal(503, HealthEndpoints.Ready(default).Status);
    }

    [Fact]
    public async Task A_store_that_falls_silent_is_noticed_and_a_drain_is_told()
    {
        // Proves what readiness looks at: the time since the store's last word, and the process's own word.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        gate.Clock.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(HttpStatusCode.OK, (await gate.GetAsync("/health/ready")).Status);
        gate.Clock.Advance(TimeSpan.FromSeconds(2));
        Answer silent = await gate.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, silent.Status);
        Assert.Equal("away", silent.Json.GetProperty("store").GetString());
        Assert.Equal("fresh", silent.Json.GetProperty("policy").GetString());
        gate.Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal("stale", (await gate.GetAsync("/health/ready")).Json.GetProperty("policy").GetString());
        gate.InForce.Heard(gate.Clock.GetTimestamp());
        Assert.Equal(HttpStatusCode.OK, (await gate.GetAsync("/health/ready")).Status);
        gate.Readiness.BeginDrain();
        Answer draining = await gate.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, draining.Status);
        Assert.Equal("draining", draining.Json.GetProperty("status").GetString());
    }

    [Fact]
    public void Every_refusal_has_a_row_of_its_own()
    {
        // Proves the table; by every value: distinct names, an error status, and zero as the fault nobody foresaw.
        Refusal[] all = Enum.GetValues<Refusal>();
        Assert.Equal(all.Length, all.Select(one => RefusalTable.RowOf(one).Name).Distinct().Count());
        Assert.All(all, one => Assert.InRange(RefusalTable.RowOf(one).Status, 400, 599));
        Assert.Equal(500, RefusalTable.RowOf(default).Status);
        JsonElement problem = JsonDocument.Parse(Reply.Refuse(Refusal.DutyConflict).Body).RootElement;
        Assert.Equal("urn:countersign:duty-conflict", problem.GetProperty("type").GetString());
        Assert.Equal(403, problem.GetProperty("status").GetInt32());
        Assert.Equal(["type", "title", "status", "detail"], problem.EnumerateObject().Select(member => member.Name));
    }

    [Fact]
    public void The_token_is_read_from_one_field_of_one_scheme()
    {
        // Proves the reading; by fields that hold a token, none, or something that must not pass for one.
        Assert.Equal("t", BearerCallers.TokenIn("Bearer t", out _));
        Assert.Equal("t", BearerCallers.TokenIn("bearer   t", out _));
        Assert.Null(BearerCallers.TokenIn("Bearertoken", out string because));
        Assert.Equal("", because);
        Assert.Null(BearerCallers.TokenIn(default, out because));
        Assert.Equal("", because);
        Assert.Null(BearerCallers.TokenIn("Bearer ", out because));
        Assert.NotEqual("", because);
        Assert.Null(BearerCallers.TokenIn(new StringValues(["Bearer a", "Bearer b"]), out because));
        Assert.NotEqual("", because);
        Caller? nobody = default(BearerOutcome).Caller;
        Assert.Null(nobody);
    }
}
