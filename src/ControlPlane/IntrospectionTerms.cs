namespace Countersign.ControlPlane;

/// <summary>A function owner's service that may ask whether a lent credential is good (RFC 7662 section 2.1).</summary>
/// <param name="Id">Its <c>client_id</c>.</param>
/// <param name="Secret">Its <c>client_secret</c>, UTF-8. Never shown.</param>
/// <param name="Audiences">The audiences whose credentials it may ask about.</param>
public sealed record IntrospectionClient(string Id, ReadOnlyMemory<byte> Secret, IReadOnlyList<string> Audiences);

/// <summary>Who may ask <c>POST /oauth/introspect</c>. Nobody may, until somebody is named.</summary>
public sealed record IntrospectionTerms
{
    /// <summary>Services, by HTTP Basic authentication.</summary>
    public IReadOnlyList<IntrospectionClient> Clients { get; init; } = [];

    /// <summary>Groups whose members may ask about every credential, by a bearer token of a configured
    /// issuer.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];
}
