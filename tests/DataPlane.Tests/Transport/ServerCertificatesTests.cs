using System.Security.Cryptography;
using Countersign.DataPlane.Tests.Calls;
using Countersign.DataPlane.Transport;
using Countersign.Kit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.DataPlane.Tests.Transport;

/// <summary>Certificates as files: read, refused, read again.</summary>
public sealed class ServerCertificatesTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TestCertificates _certificates = new(Now);

    public void Dispose() => _certificates.Dispose();

    [Fact]
    public async Task New_files_are_used_by_new_connections_and_drop_none()
    {
        // Proves the reload: a kept connection goes on under the old certificate while a new one meets the new.
        (string certificate, string key) = _certificates.IssueFiles("old.test");
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options(certificate, key));
        using TlsPeer kept = await TlsPeer.AsClientAsync(gateway.Connect().Connection);
        Assert.Equal(200, (await kept.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        _certificates.Replace((certificate, key), "new.test");
        gateway.Certificates!.Refresh();
        using TlsPeer fresh = await TlsPeer.AsClientAsync(gateway.Connect().Connection);
        Assert.Equal("CN=old.test", kept.Subject);
        Assert.Equal("CN=new.test", fresh.Subject);
        Assert.Equal(200, (await kept.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
        Assert.Equal(200, (await fresh.CallAsync(Requests.Get(gateway, "/raw/3"))).Status);
    }

    [Fact]
    public void Bad_new_files_are_said_loudly_once_and_the_old_ones_stay()
    {
        // Proves that a key of another certificate, then a missing file, change nothing in use; and that mending is
        // seen.
        (string certificate, string key) = _certificates.IssueFiles("old.test");
        NotedLog log = new();
        ServerCertificates followed = new(Options(certificate, key), new FakeTimeProvider(Now), log);
        string sound = File.ReadAllText(key);
        File.Copy(_certificates.IssueFiles("other.test").Key, key, overwrite: true);
        followed.Refresh();
        followed.Refresh();
        Assert.Single(log.Lines, line => line.Level == LogLevel.Error);
        File.Delete(key);
        followed.Refresh();
        Assert.Equal(2, log.Lines.Count(line => line.Level == LogLevel.Error));
        Assert.Contains(key + ": no such file", log.Lines[^1].Text, StringComparison.Ordinal);
        Assert.Equal("CN=old.test", followed.Current.Select("old.test").TargetCertificate.Subject);
        File.WriteAllText(key, sound);
        _certificates.Replace((certificate, key), "new.test");
        followed.Refresh();
        Assert.Equal("CN=new.test", followed.Current.Select("new.test").TargetCertificate.Subject);
        Assert.Equal(LogLevel.Information, log.Lines[^1].Level);
    }

    [Theory]
    [InlineData(15, null)]
    [InlineData(13, LogLevel.Warning)]
    [InlineData(-1, LogLevel.Error)]
    public void Coming_expiry_is_said_once_a_day(int validDays, LogLevel? level)
    {
        // Proves the warning within 14 days and the error after the end, at the start and once a day from then on.
        (string certificate, string key) = _certificates.IssueFiles("gateway.test", validDays: validDays);
        NotedLog log = new();
        FakeTimeProvider clock = new(Now);
        ServerCertificates followed = new(Options(certificate, key), clock, log);
        followed.Refresh();
        Assert.Equal(level is null ? [] : [level.Value], log.Lines.Select(line => line.Level));
        clock.Advance(TimeSpan.FromHours(25));
        followed.Refresh();
        followed.Refresh();
        Assert.Equal(level is null ? 1 : 2, log.Lines.Count);
    }

    [Fact]
    public void Every_error_of_every_file_is_reported()
    {
        // Proves that one reading names all that is wrong: a missing file, an encrypted key, a file that is no PEM, a
        // key of another certificate, and roots that are none.
        (string certificate, string key) = _certificates.IssueFiles("gateway.test");
        using ECDsa secret = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        PbeParameters locked = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1);
        string encrypted = _certificates.Write(secret.ExportEncryptedPkcs8PrivateKeyPem("secret", locked));
        string otherKey = _certificates.IssueFiles("other.test").Key;
        DataTlsOptions options = new()
        {
            Certificates =
            [
                new("absent.pem", key), new(certificate, encrypted), new(key, key), new(certificate, certificate),
                new(certificate, otherKey),
            ],
            ClientCertificates = ClientCertificates.Required,
            ClientCa = key,
        };
        IReadOnlyList<string> errors = options.Check();
        Assert.Equal(6, errors.Count);
        Assert.Contains("absent.pem: no such file", errors[0], StringComparison.Ordinal);
        Assert.Contains("the key is encrypted", errors[1], StringComparison.Ordinal);
        Assert.Contains("holds no PEM certificate", errors[2], StringComparison.Ordinal);
        Assert.Contains("holds no PEM private key", errors[3], StringComparison.Ordinal);
        Assert.StartsWith(certificate + " with " + otherKey, errors[4], StringComparison.Ordinal);
        Assert.Contains("holds no PEM certificate", errors[5], StringComparison.Ordinal);
        IOException refused = Assert.Throws<IOException>(
            () => new ServerCertificates(options, new FakeTimeProvider(Now), new NotedLog()));
        Assert.All(errors, error => Assert.Contains(error, refused.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Client_certificates_without_roots_are_refused()
    {
        // Proves that a mode which could verify nobody is an error, and never everybody.
        (string certificate, string key) = _certificates.IssueFiles("gateway.test");
        DataTlsOptions options = Options(certificate, key) with { ClientCertificates = ClientCertificates.Optional };
        Assert.Single(options.Check());
        Assert.Empty((options with { ClientCa = _certificates.RootFile }).Check());
    }

    private static DataTlsOptions Options(string certificate, string key) =>
        new() { Certificates = [new CertificateFiles(certificate, key)] };
}
