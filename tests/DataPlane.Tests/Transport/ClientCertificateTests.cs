using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Countersign.DataPlane.Tests.Calls;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Transport;

/// <summary>Client certificates on the data listener, and the tokens that are bound to them (RFC 8705).</summary>
public sealed class ClientCertificateTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TestCertificates _ours = new(Now);
    private readonly TestCertificates _theirs = new(Now);

    public void Dispose()
    {
        _ours.Dispose();
        _theirs.Dispose();
    }

    [Theory]
    [InlineData(ClientCertificates.None, "none", true)]
    [InlineData(ClientCertificates.Optional, "none", true)]
    [InlineData(ClientCertificates.Required, "none", false)]
    [InlineData(ClientCertificates.Optional, "good", true)]
    [InlineData(ClientCertificates.Required, "good", true)]
    [InlineData(ClientCertificates.Optional, "stranger", false)]
    [InlineData(ClientCertificates.Required, "stranger", false)]
    [InlineData(ClientCertificates.Optional, "expired", false)]
    [InlineData(ClientCertificates.Required, "expired", false)]
    [InlineData(ClientCertificates.Required, "server", false)]
    public async Task A_client_is_let_in_as_configured(ClientCertificates mode, string shown, bool isServed)
    {
        // Proves each mode against each certificate: none, ours, of another authority with our authority's name, one
        // that the gateway's clock calls expired, and one for servers. What is refused reaches no call.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options(mode));
        using X509Certificate2? certificate = Certificate(shown);
        MemoryClient raw = gateway.Connect();
        if (isServed)
        {
            using TlsPeer client = await TlsPeer.AsClientAsync(raw.Connection, certificate: certificate);
            Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
            return;
        }

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            // With TLS 1.3 the client's own handshake ends before the gateway has judged its certificate.
            using TlsPeer client = await TlsPeer.AsClientAsync(raw.Connection, certificate: certificate);
            await client.CallAsync(Requests.Get(gateway, "/raw/1"));
        });
        await raw.ServedAsync();
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task A_bound_token_serves_only_its_certificate()
    {
        // Proves RFC 8705 section 3, on the first use of a token and on one that is cached: its own certificate calls,
        // another of the same authority and none are 401, whichever of them came first.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options(ClientCertificates.Optional));
        using X509Certificate2 own = Certificate("good")!, other = Certificate("good")!;
        string request = Request(gateway, Thumbprint(own));
        using TlsPeer stranger = await TlsPeer.AsClientAsync(gateway.Connect().Connection, certificate: other);
        using TlsPeer nobody = await TlsPeer.AsClientAsync(gateway.Connect().Connection);
        using TlsPeer owner = await TlsPeer.AsClientAsync(gateway.Connect().Connection, certificate: own);
        for (int turn = 0; turn < 2; turn++)
        {
            Assert.Equal(401, (await stranger.CallAsync(request)).Status);
            Assert.Equal(401, (await nobody.CallAsync(request)).Status);
            Assert.Equal(200, (await owner.CallAsync(request)).Status);
        }

        WireMessage refused = await nobody.CallAsync(request);
        Assert.Contains("certificate", refused.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(200, (await owner.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal(3, gateway.Upstream.Requests.Count);
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"x5t#S256":""}""")]
    [InlineData("""{"x5t#S256":"c2hvcnQ"}""")]
    [InlineData("""{"x5t#S256":7}""")]
    [InlineData("""{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}""")]
    [InlineData("\"x5t#S256\"")]
    public async Task A_binding_that_cannot_be_checked_is_refused(string confirmation)
    {
        // Proves that a cnf of any other form is a refusal, never an unbound token.
        await using MemoryGateway gateway = new(Policies.Standard);
        WireMessage answer = await gateway.Connect().CallAsync(Request(gateway, confirmation));
        Assert.Equal(401, answer.Status);
    }

    [Fact]
    public async Task A_bound_token_in_the_clear_is_refused()
    {
        // Proves that a listener without TLS, where nothing can be shown, serves no bound token.
        await using MemoryGateway gateway = new(Policies.Standard);
        using X509Certificate2 own = Certificate("good")!;
        WireMessage answer = await gateway.Connect().CallAsync(Request(gateway, Thumbprint(own)));
        Assert.Equal(401, answer.Status);
    }

    private static string Thumbprint(X509Certificate2 certificate) =>
        "{\"x5t#S256\":\"" + Base64Url.EncodeToString(SHA256.HashData(certificate.RawData)) + "\"}";

    private static string Request(MemoryGateway gateway, string confirmation) =>
        "GET /raw/1 HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer "
        + gateway.Issuer.Token("ann", ["support"], confirmation: confirmation) + "\r\n\r\n";

    private X509Certificate2? Certificate(string kind) => kind switch
    {
        "good" => _ours.Issue("client-1", CertificatePurpose.Client),
        "expired" => _ours.Issue("client-1", CertificatePurpose.Client, validDays: -1),
        "server" => _ours.Issue("client-1"),
        "stranger" => _theirs.Issue("client-1", CertificatePurpose.Client),
        _ => null,
    };

    private DataTlsOptions Options(ClientCertificates mode)
    {
        (string certificate, string key) = _ours.IssueFiles("gateway.test");
        return new DataTlsOptions
        {
            Certificates = [new CertificateFiles(certificate, key)],
            ClientCertificates = mode,
            ClientCa = _ours.RootFile,
        };
    }
}
