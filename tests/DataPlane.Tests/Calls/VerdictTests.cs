using System.Text.Json;
using Countersign.DataPlane.Calls;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>One case per verdict (tests/cases/verdicts): exact status, problem and members, by a whole call where one
/// can.</summary>
public sealed class VerdictTests
{
    public static TheoryData<string> Names() => [.. Enum.GetNames<Verdict>()];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_verdict_answers_as_its_case_says(string name)
    {
        // Proves the table of DESIGN 4.1 row by row: a call is brought to the verdict and its answer read.
        JsonElement one = CaseFolder.Read("verdicts", name + ".json");
        string setup = one.GetProperty("setup").GetString()!;
        int status = one.GetProperty("status").GetInt32();
        string problem = one.GetProperty("problem").GetString()!;
        if (setup is "client-gone" or "audit-name")
        {
            Assert.Equal(problem, VerdictTable.AuditName(Enum.Parse<Verdict>(name)));
            return;
        }

        if (setup == "table")
        {
            VerdictRow row = VerdictTable.Of(Enum.Parse<Verdict>(name));
            Assert.Equal((status, problem, one.GetProperty("closes").GetBoolean()), (row.Status, row.Name, row.Closes));
            return;
        }

        Limits limits = setup == "overloaded" ? new Limits { ConnectionsMax = 0 } : new Limits();
        await using MemoryGateway gateway = new(Policies.Standard, limits);
        WireMessage answer = await CallAsync(gateway, setup, one.GetProperty("request"));
        Assert.Equal(status, answer.Status);
        Assert.Equal(one.GetProperty("closes").GetBoolean() ? "close" : null, answer.Field("Connection"));
        if (problem != "ok") CheckProblem(one, answer, status, problem);
        if (setup == "audit-closed") return;
        JsonElement[] records = [.. (await gateway.CloseAuditAsync()).Where(IsOf(answer))];
        if (one.GetProperty("verdict").GetString() == "OwnPathAnswered") Assert.Empty(records);
        else Assert.Equal(problem, Assert.Single(records, IsOutcome).GetProperty("verdict").GetString());
    }

    [Fact]
    public void Every_verdict_is_explained()
    {
        // Proves that docs/VERDICTS.md has a row for each verdict, with its status and problem name.
        string text = File.ReadAllText(Path.Combine(CaseFolder.Root, "docs", "VERDICTS.md"));
        foreach (string name in Enum.GetNames<Verdict>()) Assert.Contains($"| `{name}` |", text,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Bearer not.a.token", true)]
    [InlineData("Basic dTpw", true)]
    [InlineData("Bearer ", true)]
    [InlineData(null, false)]
    public async Task A_challenge_names_an_error_only_where_a_token_was_sent(string? authorization, bool hasError)
    {
        // Proves RFC 6750 section 3.1, and that the metadata which RFC 9728 names is served.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string field = authorization is null ? "" : $"Authorization: {authorization}\r\n";
        WireMessage answer = await client.CallAsync($"GET /raw/1 HTTP/1.1\r\nHost: h\r\n{field}\r\n");
        Assert.Equal(401, answer.Status);
        Assert.Equal(hasError, answer.Field("WWW-Authenticate")!.Contains("error=\"invalid_token\"",
            StringComparison.Ordinal));
        WireMessage metadata = await client.CallAsync(
            "GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.Equal(MemoryGateway.PublicUrl, metadata.Json.GetProperty("resource").GetString());
        Assert.Equal(TestIssuer.Issuer, metadata.Json.GetProperty("authorization_servers")[0].GetString());
    }

    [Fact]
    public async Task An_expired_token_is_refused_cached_or_not()
    {
        // Proves that a token which served a call serves none once the clock has passed its exp.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string token = gateway.Issuer.Token("ann", ["support"], goodForSeconds: 60);
        string request = $"GET /raw/1 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\r\n";
        Assert.Equal(200, (await client.CallAsync(request)).Status);
        gateway.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(401, (await client.CallAsync(request)).Status);
    }

    [Theory]
    [InlineData("/strict/1", 11, 503)]
    [InlineData("/raw/1", 11, 200)]
    [InlineData("/raw/1", 3_601, 503)]
    public async Task A_stale_policy_refuses_strict_calls_first(string target, int silentSeconds, int status)
    {
        // Proves both limits of DESIGN section 11: stale refuses high risk, dead refuses everything.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.InForce.Heard(gateway.Clock.GetTimestamp() - (silentSeconds * gateway.Clock.TimestampFrequency));
        Assert.Equal(status, (await gateway.Connect().CallAsync(Requests.Get(gateway, target))).Status);
    }

    private static void CheckProblem(JsonElement one, WireMessage answer, int status, string problem)
    {
        Assert.Equal("application/problem+json", answer.Field("Content-Type"));
        Assert.Equal("no-store", answer.Field("Cache-Control"));
        Assert.Equal("urn:countersign:" + problem, answer.Json.GetProperty("type").GetString());
        Assert.Equal(status, answer.Json.GetProperty("status").GetInt32());
        Assert.NotEqual("", answer.Json.GetProperty("title").GetString());
        Assert.NotEqual("", answer.Json.GetProperty("detail").GetString());
        Assert.Equal(answer.Field("Countersign-Call"), answer.Json.GetProperty("call").GetString());
        string[] common = ["type", "title", "status", "detail", "call", "function"];
        string[] members = one.TryGetProperty("members", out JsonElement listed)
            ? [.. listed.EnumerateArray().Select(member => member.GetString()!)] : [];
        Assert.Equal(members.Order(), answer.Json.EnumerateObject().Select(member => member.Name).Except(common)
            .Order());
        if (!one.TryGetProperty("fields", out JsonElement fields)) return;
        foreach (JsonProperty field in fields.EnumerateObject()) Assert.Equal(field.Value.GetString(),
            answer.Field(field.Name));
    }

    private static async Task<WireMessage> CallAsync(MemoryGateway gateway, string setup, JsonElement request)
    {
        string fields = request.TryGetProperty("fields", out JsonElement extra) ? extra.GetString()! : "";
        string target = request.GetProperty("target").GetString()!;
        MemoryClient client = gateway.Connect();
        if (setup is "used" or "expired" or "denied") fields = await SettleAsync(gateway, client, setup, target);
        else await PrepareAsync(gateway, setup);
        string[] groups = setup switch
        {
            "contractor" => ["support", "contractors"],
            "conflict" => ["support", "ap-clerk", "ap-approver"],
            _ => ["support"],
        };
        string text = request.TryGetProperty("body", out JsonElement body)
            ? Requests.Post(gateway, target, body.GetString()!, fields, groups: groups)
            : Requests.Head(gateway, request.GetProperty("method").GetString()!, target, fields, groups: groups);
        if (setup == "anonymous") text = $"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n";
        if (setup is "draining" or "slow")
        {
            // A head that has begun is waited for: by the drain until its time is up, by the gateway while it comes.
            await client.SendAsync(text[..5]);
            if (setup == "draining") _ = gateway.Handler.DrainAsync(TimeSpan.FromSeconds(1));
            gateway.Advance(TimeSpan.FromSeconds(setup == "slow" ? 6 : 2));
            return (await client.ReadAsync())!;
        }

        await client.SendAsync(text);
        if (setup == "upstream-silent") gateway.Advance(TimeSpan.FromSeconds(6));
        WireMessage answer = (await client.ReadAsync())!;
        if (setup == "upstream-full") gateway.Advance(TimeSpan.FromSeconds(6)); // lets the call before go
        return answer;
    }

    private static async Task PrepareAsync(MemoryGateway gateway, string setup)
    {
        switch (setup)
        {
            case "limited":
                await gateway.Connect().CallAsync(Requests.Get(gateway, "/counted/1"));
                break;
            case "upstream-away":
                gateway.Upstream.IsAway = true;
                break;
            case "upstream-full":
                gateway.Publish(Policies.Standard.Replace(
                    "timeout: 5s", "timeout: 5s\n    maxInFlight: 1", StringComparison.Ordinal), version: 8);
                TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
                gateway.Upstream.Script = async session =>
                {
                    await session.ReadAsync();
                    arrived.SetResult();
                };
                await gateway.Connect().SendAsync(Requests.Get(gateway, "/raw/1"));
                await arrived.Task;
                break;
            case "no-broker":
                gateway.Publish(Policies.Standard.Replace(
                    "broker: none", "broker: static, from: nothing", StringComparison.Ordinal), version: 8);
                break;
            case "upstream-silent":
                gateway.Upstream.Script = session => session.ReadAsync();
                break;
            case "not-json":
                gateway.Upstream.Reply = _ => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
                break;
            case "store-away":
                gateway.Store.IsAway = true;
                break;
            case "audit-closed":
                await gateway.Audit.DisposeAsync();
                break;
            case "stale":
                gateway.InForce.Heard(gateway.Clock.GetTimestamp() - (11 * gateway.Clock.TimestampFrequency));
                break;
        }
    }

    private static async Task<string> SettleAsync(MemoryGateway gateway, MemoryClient client, string setup,
        string target)
    {
        string request = Requests.Post(gateway, target, "{\"amount\":5}");
        string id = (await client.CallAsync(request)).Json.GetProperty("approval").GetString()!;
        await gateway.DecideAsync(id, "fay", "finance-leads", approve: setup != "denied");
        if (setup == "used") Assert.Equal(200, (await client.CallAsync(request)).Status);
        if (setup == "expired")
        {
            // In heartbeats, as time passes, or the connection would be found idle for too long.
            for (int minute = 0; minute < 6; minute++)
            {
                gateway.Advance(TimeSpan.FromMinutes(1));
                Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
            }
        }

        return $"Countersign-Approval: {id}\r\n";
    }

    private static Func<JsonElement, bool> IsOf(WireMessage answer) =>
        record => record.GetProperty("call").GetString() == answer.Field("Countersign-Call");

    private static bool IsOutcome(JsonElement record) => record.GetProperty("type").GetString() == "outcome";
}
