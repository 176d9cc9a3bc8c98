using System.Buffers.Text;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Kit;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>The control listener over TLS, on the real program.</summary>
public sealed class ControlTlsTests : IAsyncLifetime
{
    private const string AccessToken = "urn:ietf:params:oauth:token-type:access_token";

    private readonly TestCertificates _authority = new(TimeProvider.System.GetUtcNow());
    private Backends _backends = null!;
    private ServeSetup _setup = null!;
    private TestIssuer _issuer = null!;
    private (string Certificate, string Key) _files;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _backends = await Backends.StartAsync();
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, ServeSetup.Policy(_backends.Upstream));
        _issuer = new TestIssuer(_setup.Folder, TimeProvider.System);
        _files = _authority.IssueFiles("127.0.0.1");
    }

    public async ValueTask DisposeAsync()
    {
        await _backends.DisposeAsync();
        _issuer.Dispose();
        _setup.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public async Task A_certificate_calls_and_holds_what_is_bound_to_it()
    {
        // Proves the API by a mapped certificate, that one without a rule, none, and a browser's are nobody, that a
        // token bound to a certificate needs it, and that the exchange of such an agent's token gives one bound alike.
        await using CountersignProcess gateway = await StartAsync();
        string control = gateway.Ready["control"]!.ToString(), approvals = control + "/api/v1/approvals";
        Assert.StartsWith("https://", control, StringComparison.Ordinal);
        using X509Certificate2 known = _authority.Issue("ops.jobs.test", CertificatePurpose.Client);
        using X509Certificate2 agent = _authority.Issue("agent.other.test", CertificatePurpose.Client);
        using HttpClient ops = Client(known), mine = Client(agent), nobody = Client(null);
        Assert.Equal(200, await StatusAsync(ops, approvals));
        Assert.Equal(401, await StatusAsync(mine, approvals));
        Assert.Equal(401, await StatusAsync(nobody, approvals));
        Assert.Equal(401, await StatusAsync(ops, approvals, "x.y.z"));
        foreach (string field in (string[])["Origin", "Sec-Fetch-Site"])
        {
            using HttpRequestMessage browser = new(HttpMethod.Get, approvals);
            browser.Headers.Add(field, field == "Origin" ? control : "same-origin");
            using HttpResponseMessage refused = await ops.SendAsync(browser, Stop);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        string thumbprint = Base64Url.EncodeToString(SHA256.HashData(agent.RawData));
        string bound = _issuer.Token(
            "agent-9", ["agents"], "agent", confirmation: $$"""{"x5t#S256":"{{thumbprint}}"}""");
        Assert.Equal((200, 401, 401), (await StatusAsync(mine, approvals, bound),
            await StatusAsync(ops, approvals, bound), await StatusAsync(nobody, approvals, bound)));
        Assert.Equal(400, (int)(await ExchangeAsync(nobody, control, bound)).StatusCode);
        using HttpResponseMessage given = await ExchangeAsync(mine, control, bound);
        string answer = await given.Content.ReadAsStringAsync(Stop);
        Assert.True(given.IsSuccessStatusCode, answer);
        string token = JsonNode.Parse(answer)!["access_token"]!.ToString();
        JsonNode claims = JsonNode.Parse(Base64Url.DecodeFromChars(token.Split('.')[1]))!;
        Assert.Equal(thumbprint, claims["cnf"]!["x5t#S256"]!.ToString());
        Assert.Equal((200, 401), (await StatusAsync(mine, approvals, token), await StatusAsync(ops, approvals, token)));
    }

    [Fact]
    public async Task Its_certificate_is_followed_and_nothing_is_said_in_clear()
    {
        // Proves that a new certificate in the files is what the next handshake shows, that a broken file changes
        // nothing, and that plain HTTP gets no answer.
        await using CountersignProcess gateway = await StartAsync();
        Uri control = new(gateway.Ready["control"]!.ToString());
        string first = await ShownAsync(control);
        (string certificate, string key) = _authority.IssueFiles("127.0.0.1");
        File.Copy(key, _files.Key, overwrite: true);
        File.Copy(certificate, _files.Certificate, overwrite: true);
        await Until.TrueAsync(async () => await ShownAsync(control) != first);
        string second = await ShownAsync(control);
        await File.WriteAllTextAsync(_files.Certificate, "no certificate", Stop);
        using HttpClient plain = new();
        await Assert.ThrowsAnyAsync<HttpRequestException>(
            () => plain.GetAsync($"http://{control.Authority}/health/live", Stop));
        Assert.Equal(second, await ShownAsync(control));
    }

    [Fact]
    public async Task Files_that_cannot_be_used_are_said_before_anything_starts()
    {
        // Proves that a gateway does not start, in clear or at all, when its certificate is none.
        CommandEnd end = await CountersignProcess.RunAsync(
            new Dictionary<string, string>
            {
                ["COUNTERSIGN__IDENTITY__ISSUERS__0__ISSUER"] = _backends.Issuer,
                ["COUNTERSIGN__IDENTITY__ISSUERS__0__AUDIENCES__0"] = Backends.Audience,
                ["COUNTERSIGN__CONTROL__TLS__CERTIFICATES__0__CERTIFICATE"] = _files.Key,
                ["COUNTERSIGN__CONTROL__TLS__CERTIFICATES__0__KEY"] = _files.Key,
            },
            "serve", "--config", _setup.ConfigurationFile, "--store", "embedded");
        Assert.NotEqual(0, end.ExitCode);
        Assert.Contains("control.tls: ", end.Errors, StringComparison.Ordinal);
    }

    private Task<CountersignProcess> StartAsync() => _setup.StartAsync(
        "embedded",
        more:
        [
            ("CONTROL__TLS__CERTIFICATES__0__CERTIFICATE", _files.Certificate),
            ("CONTROL__TLS__CERTIFICATES__0__KEY", _files.Key),
            ("CONTROL__TLS__CLIENTCERTIFICATES", "optional"), ("CONTROL__TLS__CLIENTCA", _authority.RootFile),
            ("IDENTITY__ISSUERS__1__ISSUER", TestIssuer.Issuer), ("IDENTITY__ISSUERS__1__AUDIENCES__0", "gateway"),
            ("IDENTITY__ISSUERS__1__KEYS", _issuer.Options.KeysFile!),
            ("IDENTITY__CERTIFICATES__RULES__0__DNS", "*.jobs.test"),
            ("IDENTITY__CERTIFICATES__RULES__0__KIND", "service"),
            ("IDENTITY__CERTIFICATES__RULES__0__GROUPS__0", "finance-leads"),
        ]);

    private async Task<HttpResponseMessage> ExchangeAsync(HttpClient http, string control, string actor)
    {
        using FormUrlEncodedContent form = new(
        [
            new("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            new("subject_token", _backends.TokenOf("alice")), new("subject_token_type", AccessToken),
            new("actor_token", actor), new("actor_token_type", AccessToken),
        ]);
        return await http.PostAsync(control + "/oauth/token", form, Stop);
    }

    private static async Task<int> StatusAsync(HttpClient http, string url, string? token = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, url);
        if (token is not null) request.Headers.Authorization = new("Bearer", token);
        using HttpResponseMessage answer = await http.SendAsync(request, Stop);
        return (int)answer.StatusCode;
    }

    private static async Task<string> ShownAsync(Uri address)
    {
        using TcpClient tcp = new();
        await tcp.ConnectAsync(address.Host, address.Port, Stop);
        await using SslStream tls = new(
            tcp.GetStream(), leaveInnerStreamOpen: false, (_, shown, _, _) => shown is not null);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = address.Host }, Stop);
        return tls.RemoteCertificate!.GetCertHashString(HashAlgorithmName.SHA256);
    }

    private HttpClient Client(X509Certificate2? own) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        SslOptions = new SslClientAuthenticationOptions
        {
            LocalCertificateSelectionCallback = own is null ? null : (_, _, _, _, _) => own,
            ClientCertificates = own is null ? null : [own],
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                certificate is X509Certificate2 shown && shown.IssuerName.Name == _authority.Root.SubjectName.Name,
        },
    });
}
