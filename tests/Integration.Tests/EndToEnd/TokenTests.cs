using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Cli.Tokens;
using Countersign.Kit;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Tokens of the gateway, their end, proofs of keys, and client certificates as callers; on the real
/// program.</summary>
public sealed class TokenTests : IAsyncLifetime
{
    private const string AccessToken = "urn:ietf:params:oauth:token-type:access_token";

    private Backends _backends = null!;
    private ServeSetup _setup = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _backends = await Backends.StartAsync();
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, ServeSetup.Policy(_backends.Upstream));
    }

    public async ValueTask DisposeAsync()
    {
        await _backends.DisposeAsync();
        _setup.Dispose();
    }

    [Fact]
    public async Task An_agent_calls_for_a_person_until_either_is_revoked()
    {
        // Proves the exchange against the data listener, that a policy sees both, and that revoking the person by the
        // command line ends the token of both there, and the person's own, within the poll.
        await using CountersignProcess gateway = await _setup.StartAsync("embedded");
        (string data, string control) = Addresses(gateway);
        JsonObject given = await ExchangeAsync(control, "alice", "agent-9");
        string token = given["access_token"]!.ToString();
        using HttpClient http = new();
        Assert.Equal(200, (int)await CallAsync(http, data, token));
        Assert.Equal(200, (int)await CallAsync(http, data, _backends.TokenOf("nina")));
        string person = _backends.TokenOf("alice");
        Assert.Equal(200, (int)await CallAsync(http, data, person));

        Dictionary<string, string> variables = new()
        {
            ["COUNTERSIGN_CONTROL"] = control,
            ["COUNTERSIGN_TOKEN"] = _backends.TokenOf("olga"),
        };
        using CommandRun revoke = await CommandRun.RunAsync(
            TokenCommand.Create, variables, "revoke", "--issuer", _backends.Issuer, "--subject", "alice", "--reason",
            "left");
        Assert.True(await revoke.End == 0, revoke.Errors);
        await Until.TrueAsync(async () => await CallAsync(http, data, token) == HttpStatusCode.Unauthorized);
        await Until.TrueAsync(async () => await CallAsync(http, data, person) == HttpStatusCode.Unauthorized);
        Assert.Equal(200, (int)await CallAsync(http, data, _backends.TokenOf("nina")));
        using CommandRun list = await CommandRun.RunAsync(TokenCommand.Create, variables, "revoked");
        Assert.Contains("subject alice of " + _backends.Issuer, list.Output, StringComparison.Ordinal);
        Assert.Contains("left", list.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bound_token_calls_with_its_proof_alone()
    {
        // Proves DPoP on the data listener: a nonce is asked for, a proof is used once and for its request alone, and
        // without one the token is none.
        await using CountersignProcess gateway = await _setup.StartAsync("embedded");
        (string data, string control) = Addresses(gateway);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string nonce = await NonceAsync(control, key);
        JsonObject given = await ExchangeAsync(
            control, "alice", "agent-9", Proof(key, "POST", control + "/oauth/token", null, nonce));
        Assert.Equal("DPoP", given["token_type"]!.ToString());
        string token = given["access_token"]!.ToString();
        using HttpClient http = new();
        Assert.Equal(401, (int)await CallAsync(http, data, token));

        string url = data + "/people/1";
        using HttpResponseMessage asked = await SendAsync(http, url, token, Proof(key, "GET", url, token, null));
        Assert.Equal(401, (int)asked.StatusCode);
        Assert.Contains("use_dpop_nonce", asked.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        nonce = asked.Headers.GetValues("DPoP-Nonce").Single();
        string proof = Proof(key, "GET", url, token, nonce);
        using HttpResponseMessage taken = await SendAsync(http, url, token, proof);
        Assert.Equal(200, (int)taken.StatusCode);
        using HttpResponseMessage again = await SendAsync(http, url, token, proof);
        Assert.Contains("used before", again.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        using HttpResponseMessage elsewhere = await SendAsync(
            http, data + "/people/2", token, Proof(key, "GET", url, token, nonce));
        Assert.Contains("another address", elsewhere.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        using ECDsa stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using HttpResponseMessage stolen = await SendAsync(
            http, url, token, Proof(stranger, "GET", url, token, nonce));
        Assert.Equal(401, (int)stolen.StatusCode);

        // The control listener holds it to the same.
        string approvals = control + "/api/v1/approvals";
        using HttpResponseMessage listed = await SendAsync(
            http, approvals, token, Proof(key, "GET", approvals, token, nonce));
        Assert.Equal(200, (int)listed.StatusCode);
    }

    [Fact]
    public async Task A_client_certificate_is_a_caller()
    {
        // Proves that a verified certificate calls without a token under the rule that fits it, that one without a rule
        // is nobody, that a token goes before it, and that it can be revoked by its thumbprint.
        using TestCertificates authority = new(TimeProvider.System.GetUtcNow());
        (string certificate, string key) = authority.IssueFiles("127.0.0.1");
        await using CountersignProcess gateway = await _setup.StartAsync(
            "embedded",
            more:
            [
                ("DATA__TLS__CERTIFICATES__0__CERTIFICATE", certificate), ("DATA__TLS__CERTIFICATES__0__KEY", key),
                ("DATA__TLS__CLIENTCERTIFICATES", "optional"), ("DATA__TLS__CLIENTCA", authority.RootFile),
                ("IDENTITY__CERTIFICATES__RULES__0__DNS", "*.jobs.test"),
                ("IDENTITY__CERTIFICATES__RULES__0__KIND", "service"),
                ("IDENTITY__CERTIFICATES__RULES__0__GROUPS__0", "support"),
            ]);
        (string data, string control) = Addresses(gateway);
        using X509Certificate2 known = authority.Issue("nightly.jobs.test", CertificatePurpose.Client);
        using X509Certificate2 unknown = authority.Issue("nightly.other.test", CertificatePurpose.Client);
        using HttpClient job = Client(authority, known), other = Client(authority, unknown);
        using HttpClient nobody = Client(authority, null);
        Assert.Equal(200, (int)await CallAsync(job, data, null));
        Assert.Equal(401, (int)await CallAsync(other, data, null));
        Assert.Equal(401, (int)await CallAsync(nobody, data, null));
        Assert.Equal(401, (int)await CallAsync(job, data, "x.y.z"));
        using HttpClient admin = new();
        admin.DefaultRequestHeaders.Authorization = new("Bearer", _backends.TokenOf("olga"));
        string hash = Convert.ToHexStringLower(SHA256.HashData(known.RawData));
        using HttpResponseMessage revoked = await admin.PostAsync(
            control + "/api/v1/revocations",
            new StringContent($$"""{"token_sha256":"{{hash}}"}""", Encoding.UTF8, "application/json"), Stop);
        Assert.Equal(HttpStatusCode.Created, revoked.StatusCode);
        await Until.TrueAsync(async () => await CallAsync(job, data, null) == HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_token_is_inspected_without_being_shown()
    {
        // Proves what an operator sees of a good token and of one that is not for us, and that neither is printed.
        await using CountersignProcess gateway = await _setup.StartAsync("embedded");
        string token = _backends.TokenOf("alice"), file = Path.Combine(_setup.Folder, "token.jwt");
        await File.WriteAllTextAsync(file, token, Stop);
        Dictionary<string, string> variables = new()
        {
            ["COUNTERSIGN__IDENTITY__ISSUERS__0__ISSUER"] = _backends.Issuer,
            ["COUNTERSIGN__IDENTITY__ISSUERS__0__AUDIENCES__0"] = Backends.Audience,
        };
        string[] arguments = ["inspect", file, "--config", _setup.ConfigurationFile];
        using CommandRun good = await CommandRun.RunAsync(TokenCommand.Create, variables, arguments);
        Assert.True(await good.End == 0, good.Errors + good.Output);
        Assert.StartsWith("would be taken", good.Output, StringComparison.Ordinal);
        Assert.Contains("subject    alice", good.Output, StringComparison.Ordinal);
        variables["COUNTERSIGN__IDENTITY__ISSUERS__0__AUDIENCES__0"] = "another";
        using CommandRun bad = await CommandRun.RunAsync(TokenCommand.Create, variables, [.. arguments, "--json"]);
        Assert.Equal(1, await bad.End);
        JsonNode seen = JsonNode.Parse(bad.Output)!;
        Assert.True((bool)seen["refused"]!);
        Assert.Contains("audience", bad.Output, StringComparison.Ordinal);
        Assert.Equal("alice", (string)seen["caller"]!["subject"]!);
        string signature = token.Split('.')[2];
        Assert.DoesNotContain(signature, good.Output + bad.Output + good.Errors + bad.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("junk", "not a compact JWS")]
    [InlineData("eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.", "not a compact JWS")]
    [InlineData("eyJhbGciOiJub25lIn0=.eyJpc3MiOiJ4In0.AAAA", "not canonical base64url")]
    [InlineData("eyJhIjoxLCJhIjoyfQ.eyJpc3MiOiJ4In0.AAAA", "not one unambiguous JSON object")]
    [InlineData("oversize", "too long")]
    public async Task Why_a_token_cannot_be_read_is_told(string token, string because)
    {
        // Proves that a token whose very form is wrong is explained, for people and for machines, with exit code 1.
        string file = Path.Combine(_setup.Folder, "token.jwt");
        await File.WriteAllTextAsync(file, token == "oversize" ? new string('a', 20_000) : token, Stop);
        string[] arguments = ["inspect", file, "--offline", "--config", _setup.ConfigurationFile];
        using CommandRun text = await CommandRun.RunAsync(
            TokenCommand.Create, new Dictionary<string, string>(), arguments);
        Assert.True(await text.End == 1, text.Errors + text.Output);
        Assert.StartsWith("would be refused", text.Output, StringComparison.Ordinal);
        Assert.Contains(because, text.Output, StringComparison.Ordinal);
        using CommandRun json = await CommandRun.RunAsync(
            TokenCommand.Create, new Dictionary<string, string>(), [.. arguments, "--json"]);
        Assert.Equal(1, await json.End);
        Assert.Contains(because, (string)JsonNode.Parse(json.Output)!["findings"]![0]!["because"]!);
        Assert.Equal("", text.Errors + json.Errors);
    }

    [Fact]
    public async Task The_gateway_s_own_token_is_inspected()
    {
        // Proves that a token of an exchange is proven by the keys that the gateway serves.
        await using CountersignProcess gateway = await _setup.StartAsync("embedded");
        (_, string control) = Addresses(gateway);
        JsonObject given = await ExchangeAsync(control, "alice", "agent-9");
        string file = Path.Combine(_setup.Folder, "own.jwt");
        await File.WriteAllTextAsync(file, given["access_token"]!.ToString(), Stop);
        Dictionary<string, string> variables = new() { ["COUNTERSIGN__CONTROL__PUBLICURL"] = control };
        using CommandRun seen = await CommandRun.RunAsync(
            TokenCommand.Create, variables, "inspect", file, "--config", _setup.ConfigurationFile);
        Assert.True(await seen.End == 0, seen.Errors + seen.Output);
        Assert.StartsWith("would be taken", seen.Output, StringComparison.Ordinal);
        Assert.Contains("acting for the subject", seen.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_resource_says_whose_tokens_it_takes()
    {
        // Proves RFC 9728, at the root and for a resource under a path, and what a caller is told who lacks a right.
        await using CountersignProcess gateway = await _setup.StartAsync("embedded");
        (string data, _) = Addresses(gateway);
        using HttpClient http = new();
        foreach (string path in (string[])["", "/mcp"])
        {
            JsonNode metadata = JsonNode.Parse(await http.GetStringAsync(
                data + "/.well-known/oauth-protected-resource" + path, Stop))!;
            Assert.Equal(data + path, (string)metadata["resource"]!);
            Assert.Contains(
                _backends.Issuer, metadata["authorization_servers"]!.AsArray().Select(item => (string)item!));
            Assert.NotEmpty(metadata["dpop_signing_alg_values_supported"]!.AsArray());
        }

        using HttpRequestMessage request = new(HttpMethod.Get, data + "/people/1");
        request.Headers.Authorization = new("Bearer", _backends.TokenOf("olga"));
        using HttpResponseMessage denied = await http.SendAsync(request, Stop);
        Assert.Equal(403, (int)denied.StatusCode);
        string challenge = denied.Headers.WwwAuthenticate.ToString();
        Assert.Contains("error=\"insufficient_scope\"", challenge, StringComparison.Ordinal);
        Assert.Contains("resource_metadata=\"" + data, challenge, StringComparison.Ordinal);
    }

    private static (string Data, string Control) Addresses(CountersignProcess gateway) =>
        (gateway.Ready["data"]!.ToString(), gateway.Ready["control"]!.ToString());

    private async Task<JsonObject> ExchangeAsync(string control, string person, string agent, string? proof = null)
    {
        using HttpResponseMessage answer = await AskAsync(control, person, agent, proof);
        string body = await answer.Content.ReadAsStringAsync(Stop);
        Assert.True(answer.IsSuccessStatusCode, body);
        return JsonNode.Parse(body)!.AsObject();
    }

    private async Task<string> NonceAsync(string control, ECDsa key)
    {
        using HttpResponseMessage asked = await AskAsync(
            control, "alice", "agent-9", Proof(key, "POST", control + "/oauth/token", null, null));
        return asked.Headers.GetValues("DPoP-Nonce").Single();
    }

    private async Task<HttpResponseMessage> AskAsync(string control, string person, string agent, string? proof)
    {
        using HttpClient http = new();
        using HttpRequestMessage request = new(HttpMethod.Post, control + "/oauth/token")
        {
            Content = new FormUrlEncodedContent(
            [
                new("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                new("subject_token", _backends.TokenOf(person)), new("subject_token_type", AccessToken),
                new("actor_token", _backends.TokenOf(agent)), new("actor_token_type", AccessToken),
            ]),
        };
        if (proof is not null) request.Headers.Add("DPoP", proof);
        return await http.SendAsync(request, Stop);
    }

    private static async Task<HttpStatusCode> CallAsync(HttpClient http, string data, string? token)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, data + "/people/1");
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using HttpResponseMessage response = await http.SendAsync(request, Stop);
        return response.StatusCode;
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient http, string url, string token, string proof)
    {
        HttpRequestMessage request = new(HttpMethod.Get, url);
        request.Headers.Authorization = new AuthenticationHeaderValue("DPoP", token);
        request.Headers.Add("DPoP", proof);
        return http.SendAsync(request, Stop);
    }

    private static HttpClient Client(TestCertificates authority, X509Certificate2? own) => new(new SocketsHttpHandler
    {
        SslOptions = new SslClientAuthenticationOptions
        {
            ClientCertificates = own is null ? null : [own],
            LocalCertificateSelectionCallback = own is null ? null : (_, _, _, _, _) => own,
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                certificate is X509Certificate2 shown && shown.IssuerName.Name == authority.Root.SubjectName.Name,
        },
    });

    private static string Proof(ECDsa key, string method, string url, string? token, string? nonce)
    {
        ECPoint point = key.ExportParameters(includePrivateParameters: false).Q;
        JsonObject header = new()
        {
            ["typ"] = "dpop+jwt",
            ["alg"] = "ES256",
            ["jwk"] = new JsonObject
            {
                ["kty"] = "EC",
                ["crv"] = "P-256",
                ["x"] = Base64Url.EncodeToString(point.X),
                ["y"] = Base64Url.EncodeToString(point.Y),
            },
        };
        JsonObject claims = new()
        {
            ["jti"] = Guid.NewGuid().ToString(),
            ["htm"] = method,
            ["htu"] = url,
            ["iat"] = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds(),
        };
        if (token is not null)
            claims["ath"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(token)));
        if (nonce is not null) claims["nonce"] = nonce;
        string text = Part(header.ToJsonString()) + "." + Part(claims.ToJsonString());
        byte[] signature = key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256);
        return text + "." + Base64Url.EncodeToString(signature);
    }

    private static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
