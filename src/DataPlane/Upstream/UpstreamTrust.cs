using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Countersign.DataPlane.Tls;
using Countersign.Policy;

namespace Countersign.DataPlane.Upstream;

/// <summary>What one load of an upstream's files gave.</summary>
/// <param name="Roots">The only roots to trust; null for those of the system.</param>
/// <param name="Identity">What is shown to the upstream, or null.</param>
internal sealed record UpstreamTrust(X509Certificate2Collection? Roots, SslStreamCertificateContext? Identity)
{
    /// <summary>Reads the files, or says everything that is wrong with them.</summary>
    internal static FileReading<UpstreamTrust> Load(UpstreamTls terms)
    {
        List<string> errors = [];
        X509Certificate2Collection? roots = terms.Ca is { } file ? PemFiles.ReadRoots(file, errors) : null;
        SslStreamCertificateContext? identity = null;
        if (terms is { ClientCertificate: { } certificate, ClientKey: { } key })
        {
            identity = PemFiles.ReadIdentity(certificate, key, errors);
        }
        else if (terms.ClientCertificate is not null || terms.ClientKey is not null)
        {
            errors.Add("a client certificate needs its key, and a key its certificate");
        }

        return errors.Count == 0 ? new(new UpstreamTrust(roots, identity), errors) : new(null, errors);
    }

    /// <summary>The files that <see cref="Load"/> reads.</summary>
    internal static IReadOnlyList<string> FilesOf(UpstreamTls terms)
    {
        List<string> files = [];
        if (terms.Ca is { } roots) files.Add(roots);
        if (terms.ClientCertificate is { } certificate) files.Add(certificate);
        if (terms.ClientKey is { } key) files.Add(key);
        return files;
    }
}
