using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Identity.Outbound;
using Countersign.Identity.Outbound.Brokers;
using Countersign.Kit;
using Countersign.Policy;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Credentials that are not the gateway's own: where they go, what they replace, what stays.</summary>
public sealed class BrokeredCallTests
{
    private const string Secret = "s3cret-key-of-crm";

    [Theory]
    [InlineData("", "Authorization", "Bearer " + Secret)]
    [InlineData(", header: X-Api-Key", "X-Api-Key", Secret)]
    [InlineData(", header: X-Api-Key, value: \"Key {token} of {username}\"", "X-Api-Key", "Key " + Secret + " of svc")]
    [InlineData(", value: \"Token {token}\"", "Authorization", "Token " + Secret)]
    [InlineData(", form: basic", "Authorization", "Basic c3ZjOnMzY3JldC1rZXktb2YtY3Jt")]
    [InlineData(", form: basic, header: X-Auth", "X-Auth", "Basic c3ZjOnMzY3JldC1rZXktb2YtY3Jt")]
    public async Task A_secret_goes_into_its_header_and_nowhere_else(string place, string header, string value)
    {
        // Proves each form; that the caller's own field of that name, however it is spelt, is replaced; and that the
        // secret is neither in the query, nor in any other field, nor in the answer, nor in the audit.
        await using MemoryGateway gateway = new(Policy(place), brokers: Brokers());
        const string forged = "X-Api-Key: mine\r\nx-api_key: mine\r\nX-Auth: mine\r\n";
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(Requests.Get(gateway, "/raw/1?a=1", forged));
        Assert.Equal(200, answer.Status);
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal([value], seen.All(header));
        Assert.Equal("GET /raw/1?a=1 HTTP/1.1", seen.Line);
        if (header == "X-Api-Key") Assert.Empty(seen.All("x-api_key"));
        string audit = string.Join('\n', (await gateway.CloseAuditAsync()).Select(one => one.GetRawText()));
        Assert.Contains("\"credential\":\"static:crm\"", audit, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, audit, StringComparison.Ordinal);
        Assert.DoesNotContain("c3ZjOnMz", audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_gateways_own_token_goes_where_the_policy_says_too()
    {
        // Proves template and algorithm for the jwt broker, whose path has no broker to wait for.
        await using MemoryGateway gateway = new(Policies.Standard.Replace(
            "broker: none", "broker: jwt, algorithm: EdDSA, header: X-Lent, value: \"v1 {token};\"",
            StringComparison.Ordinal));
        await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1", "X-Lent: mine\r\n"));
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        Assert.Empty(seen.All("Authorization"));
        string lent = Assert.Single(seen.All("X-Lent"));
        Assert.StartsWith("v1 ", lent, StringComparison.Ordinal);
        Assert.EndsWith(";", lent, StringComparison.Ordinal);
        string head = Encoding.UTF8.GetString(
            System.Buffers.Text.Base64Url.DecodeFromChars(lent["v1 ".Length..].Split('.')[0]));
        Assert.Contains("\"alg\":\"EdDSA\"", head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fault")]
    [InlineData("line")]
    [InlineData("field")]
    public async Task Without_a_credential_nothing_is_called_and_the_audit_says_why(string how)
    {
        // Proves 503 after the intent with a refused outcome, whose detail tells what failed to the operator and not to
        // the caller: a broker that fails, a secret with a line break in it, and one without the field it needs.
        LentSecret? secret = how switch
        {
            "line" => new LentSecret("id").With("token", "a\r\nX-Admin: yes"),
            "field" => new LentSecret("id").With("username", "u"),
            _ => null,
        };
        ScriptedBroker broker = new(() => secret is null ? Lending.Failed("the idp is down") : new(secret, ""));
        await using MemoryGateway gateway = new(Policy(""), brokers: Brokers(broker));
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/strict/1"));
        Assert.Equal(503, answer.Status);
        Assert.Contains("credential-unavailable", answer.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("idp", answer.Text, StringComparison.Ordinal);
        Assert.Empty(gateway.Upstream.Requests);
        IReadOnlyList<JsonElement> log = await gateway.CloseAuditAsync();
        Assert.Equal(["intent", "outcome"], log.Select(one => one.GetProperty("type").GetString()));
        Assert.Equal("credential-unavailable", log[1].GetProperty("verdict").GetString());
        Assert.Contains(
            how == "fault" ? "the idp is down" : "lacks a field", log[1].GetProperty("detail").GetString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_is_wiped_and_given_back_when_its_call_ends()
    {
        // Proves the end of a credential, for a call that is answered and for one whose upstream is away; by the bytes
        // themselves.
        List<(byte[] Bytes, int[] Returns)> lent = [];
        ScriptedBroker broker = new(() =>
        {
            byte[] bytes = Encoding.ASCII.GetBytes(Secret);
            int[] returns = [0];
            lent.Add((bytes, returns));
            return new(new LentSecret("id") { GiveBack = () => returns[0]++ }.With("token", bytes), "");
        });
        await using MemoryGateway gateway = new(Policy(""), brokers: Brokers(broker));
        MemoryClient client = gateway.Connect();
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        gateway.Upstream.IsAway = true;
        Assert.Equal(502, (await client.CallAsync(Requests.Get(gateway, "/strict/1"))).Status);
        client.Close();
        await client.ServedAsync();
        Assert.Equal(2, lent.Count);
        Assert.All(lent, one => Assert.Equal((1, new string('\0', Secret.Length)),
            (one.Returns[0], Encoding.ASCII.GetString(one.Bytes))));
    }

    [Fact]
    public async Task The_broker_is_told_of_the_call_and_the_caller()
    {
        // Proves what a broker gets: the caller's token where the policy exchanges it, and only there.
        List<LendRequest> asked = [];
        List<string> tokens = [];
        ScriptedBroker broker = new(() => new(new LentSecret("id").With("token", "t"), ""))
        {
            Kind = CredentialBroker.Exchange,
            Seen = request =>
            {
                asked.Add(request);
                tokens.Add(Encoding.ASCII.GetString(request.CallerToken.Span));
            },
        };
        string policy = Policies.Standard.Replace(
            "broker: none", "broker: exchange, from: crm", StringComparison.Ordinal);
        await using MemoryGateway gateway = new(policy, brokers: Brokers(broker));
        MemoryClient client = gateway.Connect();
        string request = Requests.Get(gateway, "/raw/1");
        string answerCall = (await client.CallAsync(request)).Field("Countersign-Call")!;
        gateway.Publish(policy.Replace(
            "from: crm", "from: crm, subject: gateway", StringComparison.Ordinal), version: 8);
        await client.CallAsync(request);
        Assert.Equal((answerCall, "raw.get", "ann"),
            (asked[0].Call.ToString(), asked[0].Function, asked[0].Caller.Subject));
        Assert.Contains("Bearer " + tokens[0] + "\r\n", request, StringComparison.Ordinal);
        Assert.Equal("", tokens[1]);
        Assert.Equal(3, Encoding.ASCII.GetString(asked[1].Assert("idp")!).Split('.').Length);

        // What was lent for reading is wiped with it, behind the answer.
        await client.ReadToEndAsync();
        await client.ServedAsync();
        Assert.All(asked, one => Assert.True(one.CallerToken.Span.IndexOfAnyExcept((byte)0) < 0));
    }

    [Fact]
    public async Task A_held_call_keeps_the_token_that_will_be_exchanged()
    {
        // Proves that a call whose caller's token goes to the broker has it after it was held, though others forget
        // theirs.
        string token = "";
        ScriptedBroker broker = new(() => new(new LentSecret("id").With("token", "t"), ""))
        {
            Kind = CredentialBroker.Exchange,
            Seen = request => token = Encoding.ASCII.GetString(request.CallerToken.Span),
        };
        string policy = Policies.Standard.Replace(
            "broker: jwt, audience: billing, ttl: 30s", "broker: exchange, from: crm", StringComparison.Ordinal);
        await using MemoryGateway gateway = new(policy, brokers: Brokers(broker));
        TaskCompletionSource<string> parked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Store.OnWatch = id => parked.TrySetResult(id);
        MemoryClient client = gateway.Connect();
        string request = Requests.Post(gateway, "/billing/7/refunds", "{}", "Prefer: wait=30\r\n");
        await client.SendAsync(request);
        await gateway.DecideAsync(await parked.Task, "fay", "finance-leads");
        Assert.Equal(200, (await client.ReadAsync())!.Status);
        Assert.NotEmpty(token);
        Assert.Contains("Bearer " + token + "\r\n", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", null, null)]
    [InlineData(", keep: [cookie]", "s=1", null)]
    [InlineData(", keep: [dpop]", null, "proof")]
    [InlineData(", keep: [cookie, dpop]", "s=1", "proof")]
    public async Task Cookies_and_proofs_pass_only_where_the_function_says_so(
        string keep, string? cookie, string? proof)
    {
        // Proves that each is removed unless it is named, that the caller's Authorization never passes, and that
        // Connection cannot smuggle or remove what is kept.
        string policy = Policies.Standard.Replace(
            "path: \"/raw/{id}\", risk: low }", "path: \"/raw/{id}\", risk: low" + keep + " }",
            StringComparison.Ordinal);
        await using MemoryGateway gateway = new(policy);
        await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1", "Cookie: s=1\r\nDPoP: proof\r\n"));
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal(cookie, seen.Field("Cookie"));
        Assert.Equal(proof, seen.Field("DPoP"));
        Assert.Empty(seen.All("Authorization"));
    }

    [Theory]
    [InlineData("GET", "", false)]
    [InlineData("POST", "{\"a\":1}", false)]
    [InlineData("POST", "{\"a\":1}", true)]
    public async Task A_request_is_signed_for_aws(string method, string body, bool isUnsigned)
    {
        // Proves the signature over what the upstream got, worked out again from its bytes; with the body's digest,
        // which is buffered for it, or without. The caller's own x-amz- fields are none of it.
        StaticBroker keys = new(
            "crm", [("access_key", "AKID"u8.ToArray()), ("secret_key", "wJalr"u8.ToArray()),
                ("security_token", "session"u8.ToArray())], []);
        string payload = isUnsigned ? ", payload: unsigned" : "";
        await using MemoryGateway gateway = new(
            Policy(", form: aws-sigv4, region: eu-west-1, service: execute-api" + payload), brokers: Brokers(keys));
        const string forged = "x-amz-date: 1\r\nX-Amz-Security-Token: mine\r\nX_Amz_Target: t\r\n";
        WireMessage answer = await gateway.Connect().CallAsync(method == "GET"
            ? Requests.Get(gateway, "/raw/1?b=2&a=%20", forged)
            : Requests.Post(gateway, "/raw/1", body, forged));
        Assert.Equal(200, answer.Status);
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));
        if (isUnsigned) hash = "UNSIGNED-PAYLOAD";
        Assert.Equal([hash], seen.All("x-amz-content-sha256"));
        Assert.Equal(["session"], seen.All("x-amz-security-token"));
        Assert.Empty(seen.All("X_Amz_Target"));
        AwsScope scope = new("eu-west-1", "execute-api", gateway.Clock.GetUtcNow());
        AwsRequest request = new(
            method, "/raw/1", method == "GET" ? "b=2&a=%20" : "",
            [("host", "raw.test"), ("x-amz-content-sha256", hash), ("x-amz-date", scope.Time),
                ("x-amz-security-token", "session")], hash);
        Assert.Equal(
            [AwsSignature.Authorization(request, scope, "AKID"u8, "wJalr"u8)], seen.All("Authorization"));
        Assert.Equal(body, seen.Text);
    }

    private static string Policy(string place) => Policies.Standard.Replace(
        "broker: none", "broker: static, from: crm" + place, StringComparison.Ordinal);

    private static CredentialBrokers Brokers(ICredentialBroker? broker = null) => new(
        new Dictionary<string, ICredentialBroker>
        {
            ["crm"] = broker ?? new StaticBroker(
                "crm", [("token", Encoding.ASCII.GetBytes(Secret)), ("username", "svc"u8.ToArray()),
                    ("password", Encoding.ASCII.GetBytes(Secret))], []),
        },
        TimeSpan.FromSeconds(5), TimeProvider.System);

    /// <summary>A broker that does as it is told.</summary>
    private sealed class ScriptedBroker(Func<Lending> lend) : ICredentialBroker
    {
        public CredentialBroker Kind { get; init; } = CredentialBroker.Static;

        internal Action<LendRequest> Seen { get; init; } = static _ => { };

        // Late, as a network would be.
        public async ValueTask<Lending> LendAsync(LendRequest request, CancellationToken cancellation)
        {
            await Task.Yield();
            Seen(request);
            return lend();
        }
    }
}
