using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Identity.Inbound;

namespace Countersign.Kit;

/// <summary>An issuer with an ES256 key whose public half lies in a file, as a configured issuer's does.</summary>
internal sealed class TestIssuer : IDisposable
{
    internal const string Issuer = "https://issuer.test";

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly string _file;
    private readonly TimeProvider _clock;

    internal TestIssuer(string folder, TimeProvider clock)
    {
        _clock = clock;
        _file = Path.Combine(folder, "issuer.pub.pem");
        File.WriteAllText(_file, _key.ExportSubjectPublicKeyInfoPem());
    }

    internal IssuerOptions Options => new() { Issuer = Issuer, Audiences = ["gateway"], KeysFile = _file };

    /// <summary>Its public key as a JWKS, for an issuer whose keys are discovered.</summary>
    internal string Jwks
    {
        get
        {
            ECPoint point = _key.ExportParameters(includePrivateParameters: false).Q;
            return $$"""{"keys":[{"kty":"EC","crv":"P-256","x":"{{Part(point.X)}}","y":"{{Part(point.Y)}}"}]}""";
        }
    }

    /// <summary>The <c>jti</c> of all of a subject's tokens.</summary>
    internal static string IdOf(string subject) => "token of " + subject;

    /// <summary>A token for a subject in these groups, good for an hour unless said otherwise; in the hands of an
    /// agent if one is named.</summary>
    internal string Token(string subject, string[] groups, string kind = "human", int goodForSeconds = 3_600,
        string? actor = null, string? confirmation = null, string? agent = null)
    {
        long now = _clock.GetUtcNow().ToUnixTimeSeconds();
        Dictionary<string, object> claims = new()
        {
            ["iss"] = Issuer,
            ["aud"] = "gateway",
            ["sub"] = subject,
            ["jti"] = IdOf(subject),
            ["kind"] = kind,
            ["groups"] = groups,
            ["iat"] = now,
            ["nbf"] = now,
            ["exp"] = now + goodForSeconds,
        };
        if (actor is not null) claims["actor"] = actor;
        if (agent is not null) claims["act"] = new Dictionary<string, string> { ["sub"] = agent };
        if (confirmation is not null) claims["cnf"] = JsonDocument.Parse(confirmation).RootElement;
        string text = Part("""{"alg":"ES256","typ":"JWT"}"""u8) + "."
            + Part(JsonSerializer.SerializeToUtf8Bytes(claims));
        return text + "." + Part(_key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256));
    }

    public void Dispose() => _key.Dispose();

    private static string Part(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);
}
