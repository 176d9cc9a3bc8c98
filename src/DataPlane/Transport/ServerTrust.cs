using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Countersign.DataPlane.Tls;

namespace Countersign.DataPlane.Transport;

/// <summary>
/// What one load of the files gave: certificates by name, and whom clients' certificates may come from.
/// </summary>
internal sealed class ServerTrust
{
    private readonly Dictionary<string, SslStreamCertificateContext> _byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly SslStreamCertificateContext _first;

    private ServerTrust(List<SslStreamCertificateContext> certificates, X509Certificate2Collection? clientRoots)
    {
        _first = certificates[0];
        Certificates = certificates;
        ClientRoots = clientRoots;
        foreach (SslStreamCertificateContext certificate in certificates)
        {
            foreach (string name in NamesOf(certificate.TargetCertificate)) _byName.TryAdd(name, certificate);
        }
    }

    /// <summary>All of them, as configured.</summary>
    internal IReadOnlyList<SslStreamCertificateContext> Certificates { get; }

    /// <summary>The only roots for client certificates; null where none are asked for.</summary>
    internal X509Certificate2Collection? ClientRoots { get; }

    /// <summary>Reads everything that the options name, or says everything that is wrong with it.</summary>
    internal static FileReading<ServerTrust> Load(DataTlsOptions options)
    {
        List<string> errors = [];
        List<SslStreamCertificateContext> certificates = [];
        foreach (CertificateFiles files in options.Certificates)
        {
            if (PemFiles.ReadIdentity(files.Certificate, files.Key, errors) is { } certificate)
            {
                certificates.Add(certificate);
            }
        }

        X509Certificate2Collection? roots = null;
        if (options.ClientCertificates != ClientCertificates.None)
        {
            if (options.ClientCa is { } file) roots = PemFiles.ReadRoots(file, errors);
            else errors.Add("client certificates are asked for and no roots are given to check them against");
        }

        if (certificates.Count == 0 && errors.Count == 0) errors.Add("there is no certificate");
        return errors.Count == 0 ? new(new ServerTrust(certificates, roots), errors) : new(null, errors);
    }

    /// <summary>The files that <see cref="Load"/> reads.</summary>
    internal static IReadOnlyList<string> FilesOf(DataTlsOptions options)
    {
        List<string> files = [];
        foreach (CertificateFiles one in options.Certificates)
        {
            files.Add(one.Certificate);
            files.Add(one.Key);
        }

        if (options.ClientCa is { } roots) files.Add(roots);
        return files;
    }

    /// <summary>The certificate for the host that the client names (RFC 6066 section 3): by its whole name, by a
    /// wildcard for its first label, or else the first.</summary>
    internal SslStreamCertificateContext Select(string serverName)
    {
        if (_byName.TryGetValue(serverName, out SslStreamCertificateContext? named)) return named;
        int dot = serverName.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && _byName.TryGetValue("*" + serverName[dot..], out SslStreamCertificateContext? wild)
            ? wild
            : _first;
    }

    private static IEnumerable<string> NamesOf(X509Certificate2 certificate)
    {
        foreach (X509Extension extension in certificate.Extensions)
        {
            if (extension is X509SubjectAlternativeNameExtension names) return names.EnumerateDnsNames();
        }

        return [];
    }
}
