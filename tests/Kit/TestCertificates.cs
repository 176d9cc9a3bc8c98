using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Countersign.Kit;

/// <summary>What a test's certificate is for.</summary>
internal enum CertificatePurpose
{
    /// <summary>A server.</summary>
    Server,

    /// <summary>A client.</summary>
    Client,
}

/// <summary>An authority of the test's own, and the certificates that it issues, also as PEM files.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly X509Certificate2 _root;
    private readonly DateTimeOffset _now;
    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-pem-").FullName;
    private int _files;

    /// <summary>Makes an authority.</summary>
    /// <param name="now">The certificates are valid around this moment.</param>
    /// <param name="name">The authority's name; roots of one name and different keys are different.</param>
    internal TestCertificates(DateTimeOffset now, string name = "test root")
    {
        _now = now;
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        _root = request.CreateSelfSigned(now.AddYears(-10), now.AddYears(10));
        RootFile = Write(_root.ExportCertificatePem());
    }

    /// <summary>The authority's certificate as a PEM file.</summary>
    internal string RootFile { get; }

    /// <summary>The authority's certificate.</summary>
    internal X509Certificate2 Root => _root;

    /// <summary>A certificate with its key.</summary>
    internal X509Certificate2 Issue(
        string name, CertificatePurpose purpose = CertificatePurpose.Server, int validDays = 90)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        string usage = purpose == CertificatePurpose.Server ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2";
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        SubjectAlternativeNameBuilder names = new();
        if (IPAddress.TryParse(name, out IPAddress? address)) names.AddIpAddress(address);
        else names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        byte[] serial = RandomNumberGenerator.GetBytes(8);
        serial[0] &= 0x7f;
        using X509Certificate2 issued = request.Create(
            _root, _now.AddDays(-365), _now.AddDays(validDays), serial);
        return issued.CopyWithPrivateKey(key);
    }

    /// <summary>A server's certificate as two PEM files.</summary>
    internal (string Certificate, string Key) IssueFiles(
        string name, CertificatePurpose purpose = CertificatePurpose.Server, int validDays = 90)
    {
        using X509Certificate2 issued = Issue(name, purpose, validDays);
        return (Write(issued.ExportCertificatePem()), Write(KeyOf(issued)));
    }

    /// <summary>Puts another certificate into two files.</summary>
    internal void Replace((string Certificate, string Key) files, string name, int validDays = 90)
    {
        using X509Certificate2 issued = Issue(name, CertificatePurpose.Server, validDays);
        File.WriteAllText(files.Certificate, issued.ExportCertificatePem());
        File.WriteAllText(files.Key, KeyOf(issued));
    }

    /// <summary>Writes a file.</summary>
    internal string Write(string text)
    {
        string file = Path.Combine(_folder, $"{_files++}.pem");
        File.WriteAllText(file, text);
        return file;
    }

    public void Dispose()
    {
        _root.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string KeyOf(X509Certificate2 certificate)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        return key.ExportPkcs8PrivateKeyPem();
    }
}
