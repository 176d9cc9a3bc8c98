using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Countersign.DataPlane.Tls;

/// <summary>Reads certificates and keys from PEM files; what is wrong is named with its file.</summary>
internal static class PemFiles
{
    /// <summary>
    /// A certificate with its key and the rest of its chain, ready for handshakes; null with an error added.
    /// </summary>
    /// <param name="certificateFile">The certificate, then those that lead to its root, which may be left out.</param>
    /// <param name="keyFile">Its private key, not encrypted.</param>
    /// <param name="errors">Gets what is wrong.</param>
    internal static SslStreamCertificateContext? ReadIdentity(
        string certificateFile, string keyFile, List<string> errors)
    {
        string? chain = ReadText(certificateFile, errors), key = ReadText(keyFile, errors);
        if (chain is null || key is null) return null;
        if (!HasLabel(chain, "CERTIFICATE"))
        {
            errors.Add($"{certificateFile}: holds no PEM certificate");
            return null;
        }

        if (HasLabel(key, "ENCRYPTED PRIVATE KEY") || key.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
        {
            errors.Add($"{keyFile}: the key is encrypted, and there is nobody here to give a passphrase; "
                + "decrypt it (openssl pkey -in key.pem -out plain.pem) and guard the file");
            return null;
        }

        if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            errors.Add($"{keyFile}: holds no PEM private key");
            return null;
        }

        try
        {
            X509Certificate2 own = X509Certificate2.CreateFromPem(chain, key);
            X509Certificate2Collection rest = [];
            rest.ImportFromPem(chain);
            rest.RemoveAt(0);
            return SslStreamCertificateContext.Create(own, rest, offline: true);
        }
        catch (Exception fault) when (fault is CryptographicException or ArgumentException)
        {
            errors.Add($"{certificateFile} with {keyFile}: {Line(fault.Message)}");
            return null;
        }
    }

    /// <summary>Roots to trust, at least one; null with an error added.</summary>
    internal static X509Certificate2Collection? ReadRoots(string file, List<string> errors)
    {
        if (ReadText(file, errors) is not { } text) return null;
        X509Certificate2Collection roots = [];
        try
        {
            roots.ImportFromPem(text);
        }
        catch (CryptographicException fault)
        {
            errors.Add($"{file}: {Line(fault.Message)}");
            return null;
        }

        if (roots.Count > 0) return roots;
        errors.Add($"{file}: holds no PEM certificate");
        return null;
    }

    /// <summary>
    /// How a peer's chain is checked: for one purpose, at one moment, and with nothing fetched on the way.
    /// </summary>
    /// <param name="roots">The only roots trusted; null for those of the system.</param>
    /// <param name="purpose">The extended key usage that a chain must allow.</param>
    /// <param name="now">When.</param>
    internal static X509ChainPolicy ChainPolicy(X509Certificate2Collection? roots, Oid purpose, DateTimeOffset now)
    {
        X509ChainPolicy policy = new()
        {
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationTimeIgnored = false,
            VerificationTime = now.LocalDateTime,
        };
        policy.ApplicationPolicy.Add(purpose);
        if (roots is null) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(roots);
        return policy;
    }

    private static bool HasLabel(string pem, string label) =>
        pem.Contains($"-----BEGIN {label}-----", StringComparison.Ordinal);

    private static string? ReadText(string file, List<string> errors)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            errors.Add(File.Exists(file) ? $"{file}: cannot be read: {Line(fault.Message)}" : $"{file}: no such file");
            return null;
        }
    }

    private static string Line(string message) => message.ReplaceLineEndings(" ");
}
