using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Countersign.Identity.Inbound.Saml;

/// <summary>One SAML identity provider whose assertions prove who calls.</summary>
public sealed record SamlProviderOptions
{
    /// <summary>How its attributes become a caller; the issuer is its entity id, and attributes are claims by their
    /// names.</summary>
    public required IssuerOptions Mapping { get; init; }

    /// <summary>What the sign-in page calls it.</summary>
    public required string Name { get; init; }

    /// <summary>Its metadata: a file, or an https address (http on loopback) that is asked now and then; null where
    /// <see cref="CertificateFiles"/> and <see cref="SignInUrl"/> say the same.</summary>
    public string? Metadata { get; init; }

    /// <summary>Files of PEM certificates whose keys sign its assertions; pinned: no other key counts, whatever the
    /// metadata says.</summary>
    public IReadOnlyList<string> CertificateFiles { get; init; } = [];

    /// <summary>Where people are sent (HTTP-Redirect binding); null asks the metadata.</summary>
    public string? SignInUrl { get; init; }

    /// <summary>True takes assertions encrypted by AES-CBC, which has no seal of its own.</summary>
    public bool TakesCbc { get; init; }

    /// <summary>How far its clock may be apart from ours; 0 to 5 min.</summary>
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>True shows it on the sign-in page; else its assertions are for <c>POST /oauth/token</c>
    /// alone.</summary>
    public bool SignsIn { get; init; } = true;
}

/// <summary>The gateway as a SAML service provider.</summary>
public sealed record SamlServiceOptions
{
    /// <summary>Its entity id; null is the control listener's URL and <c>/saml/metadata</c>.</summary>
    public string? EntityId { get; init; }

    /// <summary>A file with a PEM certificate and its RSA key: signs requests, opens encrypted assertions; null does
    /// neither.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Who vouches.</summary>
    public required IReadOnlyList<SamlProviderOptions> Providers { get; init; }

    /// <summary>Everything that is wrong, each as a sentence; empty when it can be used.</summary>
    public IReadOnlyList<string> Check()
    {
        List<string> errors = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (SamlProviderOptions provider in Providers)
        {
            string name = $"SAML provider '{provider.Mapping.Issuer}'";
            if (string.IsNullOrWhiteSpace(provider.Mapping.Issuer)) errors.Add("a SAML provider has no entityId");
            if (!seen.Add(provider.Mapping.Issuer)) errors.Add($"{name} is configured twice");
            if (provider.Metadata is null && provider.CertificateFiles.Count == 0)
                errors.Add($"{name} needs metadata or certificates");
            if (provider.Metadata is null && provider.SignsIn && provider.SignInUrl is null)
                errors.Add($"{name} needs metadata or a signInUrl");
            if (provider.Metadata is { } metadata && metadata.Contains("://", StringComparison.Ordinal)
                && !KeyDocuments.IsFetchable(metadata))
            {
                errors.Add($"{name}: metadata is fetched over https, or over http from loopback alone");
            }

            if (provider.SignInUrl is { } url && !KeyDocuments.IsFetchable(url))
                errors.Add($"{name}: '{url}' is neither https nor on loopback");
            if (provider.ClockSkew < TimeSpan.Zero || provider.ClockSkew > TimeSpan.FromMinutes(5))
                errors.Add($"{name}: the clock skew must be 0 to 5 minutes");
        }

        return errors;
    }
}

/// <summary>Reads keys and certificates of SAML out of PEM files.</summary>
internal static class SamlKeys
{
    // NIST SP 800-131A.
    private const int RsaBitsMin = 2048;
    private const int RsaBitsMax = 8192;

    // P-256, P-384 and P-521 (RFC 5480 section 2.1.1.1).
    private static readonly string[] Curves = ["1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"];

    /// <summary>The key of a certificate; null for one that is neither RSA of a good size nor on a curve of NIST's that
    /// is taken. Its dates do not count: the pinning is the trust (SAML metadata interoperability profile, section
    /// 2.6.1).</summary>
    public static AsymmetricAlgorithm? KeyOf(byte[] der)
    {
        try
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der);
            if (certificate.GetECDsaPublicKey() is { } curve) return CurveOf(curve);
            RSA? key = certificate.GetRSAPublicKey();
            bool isGood = key is { KeySize: >= RsaBitsMin and <= RsaBitsMax }
                && !WeakModulus.IsRoca(key.ExportParameters(false).Modulus);
            if (isGood) return key;
            key?.Dispose();
            return null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static ECDsa? CurveOf(ECDsa key)
    {
        ECCurve curve = key.ExportParameters(includePrivateParameters: false).Curve;
        if (curve.IsNamed && Curves.Contains(curve.Oid.Value)) return key;
        key.Dispose();
        return null;
    }

    /// <summary>Every certificate of a PEM file.</summary>
    /// <exception cref="ArgumentException">It cannot be read, or holds one whose key is not taken.</exception>
    public static IReadOnlyList<AsymmetricAlgorithm> ReadCertificates(string file)
    {
        string text = ReadText(file);
        List<AsymmetricAlgorithm> keys = [];
        ReadOnlySpan<char> rest = text;
        while (PemEncoding.TryFind(rest, out PemFields fields))
        {
            if (rest[fields.Label] is not "CERTIFICATE")
                throw new ArgumentException($"'{file}' holds something that is no certificate");
            byte[] der = Convert.FromBase64String(rest[fields.Base64Data].ToString());
            keys.Add(KeyOf(der) ?? throw new ArgumentException(
                $"'{file}' holds a certificate whose key is neither RSA of {RsaBitsMin} to {RsaBitsMax} bits nor on "
                + "P-256, P-384 or P-521"));
            rest = rest[fields.Location.End..];
        }

        return keys.Count > 0 ? keys : throw new ArgumentException($"'{file}' holds no certificate");
    }

    /// <summary>The gateway's own certificate with its key.</summary>
    /// <exception cref="ArgumentException">It cannot be read.</exception>
    public static X509Certificate2 ReadOwn(string file)
    {
        string text = ReadText(file);
        try
        {
            X509Certificate2 own = X509Certificate2.CreateFromPem(text, text);
            using RSA? key = own.GetRSAPrivateKey();
            return key is { KeySize: >= RsaBitsMin } ? own
                : throw new ArgumentException($"'{file}' holds no RSA key of {RsaBitsMin} bits or more");
        }
        catch (CryptographicException fault)
        {
            throw new ArgumentException($"'{file}' holds no certificate with its key: {fault.Message}", fault);
        }
    }

    private static string ReadText(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"'{file}' cannot be read: {fault.Message}", fault);
        }
    }
}
