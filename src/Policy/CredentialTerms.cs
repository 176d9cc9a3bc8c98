namespace Countersign.Policy;

/// <summary>How the upstream is shown who calls (DESIGN section 8). Zero is no credential at all.</summary>
public enum CredentialBroker : byte
{
    /// <summary>Nothing is lent; the caller's credential is still removed.</summary>
    None = 0,

    /// <summary>A JWT for this call, signed by the gateway.</summary>
    Jwt,

    /// <summary>A secret of the configuration.</summary>
    Static,

    /// <summary>An access token that the gateway gets for itself (RFC 6749 section 4.4).</summary>
    OAuth,

    /// <summary>An access token that is given for the caller's, or for the gateway's own word (RFC 8693).</summary>
    Exchange,

    /// <summary>A secret of a vault, made for this call and revoked with it.</summary>
    Vault,
}

/// <summary>What credential an upstream's calls carry.</summary>
/// <param name="Broker">Who makes it.</param>
/// <param name="Audience">Who it is for, where the broker says so; the upstream's name when the policy gives
/// none.</param>
/// <param name="TimeToLive">Seconds the credential lives, 1 s to 1 h; 30 s by default.</param>
/// <param name="Reuse">How long one credential may serve the same caller and low-risk function; zero is once.</param>
public sealed record CredentialTerms(CredentialBroker Broker, string Audience, TimeSpan TimeToLive, TimeSpan Reuse)
{
    /// <summary>How a JWT is signed.</summary>
    public SigningAlgorithm Algorithm { get; init; } = SigningAlgorithm.Es256;

    /// <summary>The configuration's entry that it comes from; empty for <c>jwt</c> and <c>none</c>.</summary>
    public string From { get; init; } = "";

    /// <summary>The vault's path, without its <c>/v1/</c>; empty for all others.</summary>
    public string Path { get; init; } = "";

    /// <summary>True if the vault wraps the secret in a token of one use, which is lent in its place.</summary>
    public bool IsWrapped { get; init; }

    /// <summary>Scopes that are asked for, with a space between; empty asks for none.</summary>
    public string Scope { get; init; } = "";

    /// <summary>True if the caller's token is exchanged; false exchanges the gateway's own word for it.</summary>
    public bool ExchangesCaller { get; init; }

    /// <summary>
    /// True if answers may come under a content coding and pass unread, though they may hold what was lent; false asks
    /// for them undecoded, and decodes what comes encoded all the same. Under masks answers are read in any case.
    /// </summary>
    public bool PassesEncoded { get; init; }

    /// <summary>How it is written into the request.</summary>
    public CredentialPlace Place { get; init; } = CredentialPlace.Bearer;
}
