using Countersign.Policy;

namespace Countersign.Identity.Inbound.SignIn;

/// <summary>The gateway as a client of one issuer: how people sign in at the console (OpenID Connect Core
/// 3.1).</summary>
public sealed record SignInClient
{
    /// <summary>Whose ID tokens it takes. Its audiences do not count here: an ID token is for
    /// <see cref="ClientId"/>.</summary>
    public required IssuerOptions Issuer { get; init; }

    /// <summary>The <c>client_id</c> that the issuer gave us.</summary>
    public required string ClientId { get; init; }

    /// <summary>The client's secret; empty for a public client, which PKCE alone protects.</summary>
    public ReadOnlyMemory<byte> ClientSecret { get; init; }

    /// <summary>What the sign-in page calls the issuer.</summary>
    public required string Name { get; init; }

    /// <summary>The scopes asked for; <c>openid</c> is among them.</summary>
    public string Scope { get; init; } = "openid";

    /// <summary>Where people are sent; null asks the issuer's discovery document.</summary>
    public string? AuthorizationEndpoint { get; init; }

    /// <summary>Where codes are redeemed; null asks the issuer's discovery document.</summary>
    public string? TokenEndpoint { get; init; }

    /// <summary>Everything that is wrong with these clients, each as a sentence; empty when they can be
    /// used.</summary>
    public static IReadOnlyList<string> Check(IReadOnlyList<SignInClient> clients)
    {
        ArgumentNullException.ThrowIfNull(clients);
        List<string> errors = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (SignInClient client in clients)
        {
            string name = $"console client of '{client.Issuer.Issuer}'";
            if (string.IsNullOrWhiteSpace(client.ClientId)) errors.Add($"{name} has no clientId");
            if (!seen.Add(client.Issuer.Issuer)) errors.Add($"{name} is configured twice");
            if (!client.Scope.Split(' ').Contains("openid")) errors.Add($"{name} does not ask for the scope openid");
            bool isStated = client.AuthorizationEndpoint is not null && client.TokenEndpoint is not null;
            if (client.AuthorizationEndpoint is null != client.TokenEndpoint is null)
                errors.Add($"{name} states one endpoint of two");
            if (!isStated && !KeyDocuments.IsFetchable(client.Issuer.DiscoveryAddress))
                errors.Add($"{name} needs its endpoints, since its issuer cannot be discovered");
            foreach (string? address in new[] { client.AuthorizationEndpoint, client.TokenEndpoint })
            {
                if (address is not null && !KeyDocuments.IsFetchable(address))
                    errors.Add($"{name}: '{address}' is neither https nor on loopback");
            }
        }

        return errors;
    }
}

/// <summary>What has to be remembered between leaving for the issuer and coming back.</summary>
/// <param name="Issuer">Where the person was sent.</param>
/// <param name="State">Comes back with the person.</param>
/// <param name="Nonce">Comes back inside the ID token.</param>
/// <param name="Verifier">Proves that whoever redeems the code began the sign-in (RFC 7636).</param>
public sealed record SignInAttempt(string Issuer, string State, string Nonce, string Verifier);

/// <summary>Where to send the person, and what to remember.</summary>
public sealed record SignInStart(Uri Address, SignInAttempt Attempt);

/// <summary>Who came back, or why nobody did.</summary>
/// <param name="Caller">Null refuses.</param>
/// <param name="Because">A constant sentence, safe to show and to log; empty with a caller.</param>
public readonly record struct SignInResult(Caller? Caller, string Because);
