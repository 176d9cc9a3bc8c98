using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

public sealed class IssuerOptionsTests : IDisposable
{
    private readonly string _path = Path.Combine(AppContext.BaseDirectory, Guid.NewGuid() + ".keys");
    private readonly ScriptedIssuer _issuer = new(ScriptedKey.First);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        File.Delete(_path);
        _issuer.Dispose();
    }

    [Fact]
    public void EveryErrorIsReportedNotJustTheFirst()
    {
        // Proves that one check names all that is wrong; by issuers with several mistakes each.
        IssuerOptions bad = new()
        {
            Issuer = "http://plain.test", Audiences = [], Algorithms = ["HS256", "none"], KindClaim = "",
            ClockSkew = TimeSpan.FromHours(1),
        };
        IReadOnlyList<string> errors = IssuerOptions.Check([bad, bad]);
        foreach (string word in new[] { "audiences", "HS256", "none", "kind", "skew", "https", "twice" })
        {
            Assert.Contains(errors, error => error.Contains(word, StringComparison.Ordinal));
        }

        Assert.Empty(IssuerOptions.Check([ScriptedIssuer.Options]));
        Assert.Throws<ArgumentException>(() => _issuer.Verifier(bad));
    }

    [Theory]
    [InlineData("https://issuer.test", true)]
    [InlineData("http://127.0.0.1:9000", true)]
    [InlineData("http://localhost:9000", true)]
    [InlineData("http://[::1]:9000", true)]
    [InlineData("http://issuer.test", false)]
    [InlineData("http://127.0.0.1.evil.test", false)]
    [InlineData("file:///keys", false)]
    [InlineData("issuer.test", false)]
    public void DiscoveryIsHttpsOrLoopback(string issuer, bool isAllowed)
    {
        // Proves which addresses keys may come from; by one of each kind.
        IReadOnlyList<string> errors = IssuerOptions.Check([ScriptedIssuer.Options with { Issuer = issuer }]);
        Assert.Equal(isAllowed, errors.Count == 0);
    }

    [Fact]
    public async Task KeysFilesOfEachKindVerify()
    {
        // Proves that PEM of RSA and EC, RSA PKCS#1, a certificate, several blocks and a JWKS all work; by a token
        // each.
        CertificateRequest request = new(
            "CN=issuer", ScriptedKey.First.Rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 certificate = request.CreateSelfSigned(
            DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(99));
        string rsaPem = ScriptedKey.First.Rsa.ExportSubjectPublicKeyInfoPem();
        string ecPem = ScriptedKey.Curve.Ec.ExportSubjectPublicKeyInfoPem();
        JsonArray keys = [ScriptedKey.First.Jwk(), ScriptedKey.Curve.Jwk()];
        string jwks = new JsonObject { ["keys"] = keys }.ToJsonString();

        await VerifiesAsync(rsaPem, ScriptedKey.First);
        await VerifiesAsync(ecPem, ScriptedKey.Curve);
        await VerifiesAsync(ScriptedKey.First.Rsa.ExportRSAPublicKeyPem(), ScriptedKey.First);
        await VerifiesAsync(certificate.ExportCertificatePem(), ScriptedKey.First);
        await VerifiesAsync(ecPem + "\n" + rsaPem, ScriptedKey.First, ScriptedKey.Curve);
        await VerifiesAsync(jwks, ScriptedKey.First, ScriptedKey.Curve);
        Assert.Equal(0, _issuer.Fetches);
    }

    [Fact]
    public async Task KeysFilesThatCannotVerifyAreErrors()
    {
        // Proves that a private key, a weak key, rubbish and a missing file are refused at the start; by one of each.
        using RSA weak = RSA.Create(1024);
        await IsErrorAsync(ScriptedKey.First.Rsa.ExportPkcs8PrivateKeyPem(), "private key");
        await IsErrorAsync(weak.ExportSubjectPublicKeyInfoPem(), "cannot verify");
        await IsErrorAsync("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "broken");
        await IsErrorAsync("rubbish", "no public key");
        await IsErrorAsync("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", "no public key");
        await IsErrorAsync("{\"keys\":7", "JWKS");
        File.Delete(_path);
        ArgumentException missing = Assert.Throws<ArgumentException>(
            () => _issuer.Verifier(ScriptedIssuer.Options with { KeysFile = _path }));
        Assert.Contains("cannot be read", missing.Message, StringComparison.Ordinal);
    }

    private async Task VerifiesAsync(string file, params ScriptedKey[] keys)
    {
        await File.WriteAllTextAsync(_path, file, Cancel);
        await using CallerVerifier verifier = _issuer.Verifier(ScriptedIssuer.Options with { KeysFile = _path });
        await verifier.StartAsync(Cancel);
        foreach (ScriptedKey key in keys)
        {
            Assert.True((await verifier.VerifyAsync(key.Sign(_issuer.Claims()), Cancel)).IsValid);
        }

        byte[] stranger = ScriptedKey.Second.Sign(_issuer.Claims());
        Assert.Equal(TokenStatus.Invalid, (await verifier.VerifyAsync(stranger, Cancel)).Status);
    }

    private async Task IsErrorAsync(string file, string word)
    {
        await File.WriteAllTextAsync(_path, file, Cancel);
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => new CallerVerifier(
                [ScriptedIssuer.Options with { KeysFile = _path }], null, new HttpMessageInvoker(_issuer),
                _issuer.Clock, NullLogger.Instance));
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
    }
}
