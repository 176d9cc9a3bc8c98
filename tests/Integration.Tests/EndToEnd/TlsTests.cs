using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Countersign.Kit;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>TLS and the PROXY protocol against the real program, on loopback, with certificates of the test's
/// own.</summary>
public sealed class TlsTests : IAsyncLifetime
{
    private readonly TestCertificates _certificates = new(TimeProvider.System.GetUtcNow());
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
        _certificates.Dispose();
    }

    [Fact]
    public async Task Calls_go_over_tls_and_new_certificates_drop_none()
    {
        // Proves a whole call over verified TLS, and that after SIGHUP a kept connection goes on under the certificate
        // that it began with while new ones meet the new one.
        (string certificate, string key) files = _certificates.IssueFiles("127.0.0.1");
        await using CountersignProcess gateway = await StartAsync(files);
        string data = gateway.Ready["data"]!.ToString();
        Assert.StartsWith("https://127.0.0.1:", data, StringComparison.Ordinal);
        List<string> met = [];
        using HttpClient kept = Client(met), fresh = Client(met, isKept: false);
        Assert.Equal(200, (await CallAsync(kept, data)).Status);
        string before = Assert.Single(met);
        _certificates.Replace(files, "127.0.0.1");
        await gateway.HangUpAsync();
        await Until.TrueAsync(async () => (await CallAsync(fresh, data)).Status == 200 && met[^1] != before);
        int handshakes = met.Count;
        Assert.Equal(200, (await CallAsync(kept, data)).Status);
        Assert.Equal(handshakes, met.Count);
        await using RawConnection plain = await RawConnection.OpenAsync(data.Replace("https:", "http:",
            StringComparison.Ordinal));
        await plain.SendAsync("GET /people/1 HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal((400, "malformed-request"), await ProblemAsync(plain));
        Assert.Equal(0, await gateway.StopAsync());
    }

    [Fact]
    public async Task Clients_show_certificates_of_the_configured_authority()
    {
        // Proves required client certificates: ours is served, another authority's and none are not.
        using TestCertificates strangers = new(TimeProvider.System.GetUtcNow());
        await using CountersignProcess gateway = await StartAsync(
            _certificates.IssueFiles("127.0.0.1"), ("DATA__TLS__CLIENTCERTIFICATES", "required"),
            ("DATA__TLS__CLIENTCA", _certificates.RootFile));
        string data = gateway.Ready["data"]!.ToString();
        using X509Certificate2 ours = _certificates.Issue("client-1", CertificatePurpose.Client);
        using X509Certificate2 theirs = strangers.Issue("client-1", CertificatePurpose.Client);
        using HttpClient good = Client([], ours), stranger = Client([], theirs), nobody = Client([]);
        Assert.Equal(200, (await CallAsync(good, data)).Status);
        await Assert.ThrowsAsync<HttpRequestException>(() => CallAsync(stranger, data));
        await Assert.ThrowsAsync<HttpRequestException>(() => CallAsync(nobody, data));
    }

    [Fact]
    public async Task Everything_wrong_with_the_files_is_told_at_the_start()
    {
        // Proves exit code 2 and one message that names each file that cannot be used.
        (string certificate, string key) = _certificates.IssueFiles("127.0.0.1");
        Dictionary<string, string> environment = new()
        {
            ["COUNTERSIGN__DATA__TLS__CERTIFICATES__0__CERTIFICATE"] = "absent.pem",
            ["COUNTERSIGN__DATA__TLS__CERTIFICATES__0__KEY"] = key,
            ["COUNTERSIGN__DATA__TLS__CERTIFICATES__1__CERTIFICATE"] = certificate,
            ["COUNTERSIGN__DATA__TLS__CERTIFICATES__1__KEY"] = certificate,
        };
        CommandEnd end = await CountersignProcess.RunAsync(
            environment, "serve", "--config", _setup.ConfigurationFile, "--store", "embedded");
        Assert.Equal(2, end.ExitCode);
        Assert.Contains("absent.pem: no such file", end.Errors, StringComparison.Ordinal);
        Assert.Contains(certificate + ": holds no PEM private key", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_settings_are_checked_whole()
    {
        // Proves that each wrong setting of both sections is named, in one run.
        Dictionary<string, string> environment = new()
        {
            ["COUNTERSIGN__DATA__TLS__MINVERSION"] = "1.1",
            ["COUNTERSIGN__DATA__TLS__CLIENTCERTIFICATES"] = "some",
            ["COUNTERSIGN__DATA__PROXYPROTOCOL__FROM__0"] = "10.0.0.0/99",
            ["COUNTERSIGN__DATA__PROXYPROTOCOL__REQUIRED"] = "maybe",
        };
        CommandEnd end = await CountersignProcess.RunAsync(
            environment, "serve", "--config", _setup.ConfigurationFile, "--store", "embedded");
        Assert.Equal(2, end.ExitCode);
        string[] settings =
        [
            "data.tls.minVersion", "data.tls.clientCertificates", "data.tls.clientCa", "data.tls.certificates",
            "data.proxyProtocol.from", "data.proxyProtocol.required",
        ];
        Assert.All(settings, name => Assert.Contains(name, end.Errors, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("127.0.0.0/8", "PROXY TCP4 203.0.113.9 198.51.100.2 56324 443\r\n", 200)]
    [InlineData("10.0.0.0/8", "PROXY TCP4 203.0.113.9 198.51.100.2 56324 443\r\n", 400)]
    [InlineData("10.0.0.0/8", "", 200)]
    [InlineData("127.0.0.1", "", 0)]
    public async Task The_proxy_header_is_taken_from_its_networks_only(string from, string header, int status)
    {
        // Proves the header on a socket: taken from a balancer, no HTTP from anybody else, and required where it is
        // due.
        await using CountersignProcess gateway = await _setup.StartAsync(
            "embedded", more: ("DATA__PROXYPROTOCOL__FROM__0", from));
        await using RawConnection connection = await RawConnection.OpenAsync(gateway.Ready["data"]!.ToString());
        string token = _backends.TokenOf("alice");
        await connection.SendAsync(
            $"{header}GET /people/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
        if (status == 0) Assert.True(await connection.EndsAsync());
        else Assert.Equal(status, (await connection.ReadAsync()).Status);
    }

    [Fact]
    public async Task An_https_function_that_nobody_vouches_for_is_not_called()
    {
        // Proves that a function's certificate of an unknown authority is 502 with the reason, and that it gets no byte
        // of the call.
        using X509Certificate2 certificate = _certificates.Issue("127.0.0.1");
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Task<int> serving = ServeOnceAsync(listener, certificate);
        using ServeSetup setup = new(
            _backends.Issuer, Backends.Audience, ServeSetup.Policy("https://" + listener.LocalEndpoint));
        await using CountersignProcess gateway = await setup.StartAsync("embedded");
        using HttpClient client = Client([]);
        Answer answer = await CallAsync(client, gateway.Ready["data"]!.ToString());
        Assert.Equal((502, "upstream-failed"), (answer.Status, answer.Problem));
        Assert.Contains("does not lead to a root", answer["detail"], StringComparison.Ordinal);
        Assert.Equal(0, await serving);
    }

    private Task<CountersignProcess> StartAsync(
        (string Certificate, string Key) files, params (string Name, string Value)[] more) => _setup.StartAsync(
            "embedded",
            more:
            [
                ("DATA__TLS__CERTIFICATES__0__CERTIFICATE", files.Certificate),
                ("DATA__TLS__CERTIFICATES__0__KEY", files.Key), .. more,
            ]);

    private async Task<Answer> CallAsync(HttpClient client, string data)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, data + "/people/1");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _backends.TokenOf("alice"));
        using HttpResponseMessage response = await client.SendAsync(request, Stop);
        return await Answer.ReadAsync(response);
    }

    // Trusts the test's authority only, and notes each certificate that it meets.
    private HttpClient Client(List<string> met, X509Certificate2? own = null, bool isKept = true)
    {
        X509ChainPolicy trust = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        trust.CustomTrustStore.Add(_certificates.Root);
        SocketsHttpHandler handler = new()
        {
            PooledConnectionLifetime = isKept ? Timeout.InfiniteTimeSpan : TimeSpan.Zero,
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = trust,
                ClientCertificates = own is null ? null : [own],
                LocalCertificateSelectionCallback = own is null ? null : (_, _, _, _, _) => own,
                RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                {
                    met.Add(certificate!.GetCertHashString());
                    return errors == SslPolicyErrors.None;
                },
            },
        };
        return new HttpClient(handler);
    }

    private static async Task<(int Status, string Problem)> ProblemAsync(RawConnection connection)
    {
        RawAnswer answer = await connection.ReadAsync();
        return (answer.Status, answer.Problem);
    }

    // How many bytes came through TLS.
    private static async Task<int> ServeOnceAsync(TcpListener listener, X509Certificate2 certificate)
    {
        using TcpClient accepted = await listener.AcceptTcpClientAsync(Stop);
        await using SslStream tls = new(accepted.GetStream());
        try
        {
            await tls.AuthenticateAsServerAsync(certificate);
            return await tls.ReadAsync(new byte[1], Stop);
        }
        catch (Exception fault) when (fault is IOException or System.Security.Authentication.AuthenticationException)
        {
            return 0;
        }
    }
}
