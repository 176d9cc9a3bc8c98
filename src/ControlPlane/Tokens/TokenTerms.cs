using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Dpop;
using Countersign.Policy.Revocations;

namespace Countersign.ControlPlane.Tokens;

/// <summary>What the listener issues and revokes tokens with; without it, it does neither.</summary>
/// <param name="Tokens">Writes the gateway's own tokens.</param>
/// <param name="Revocations">Where revocations live.</param>
public sealed record TokenTerms(GatewayTokens Tokens, IRevocationStore Revocations)
{
    /// <summary>How long a token of the gateway lives at the most; 1 min to 1 h.</summary>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>What clients may name as the resource of their token (RFC 8707): both listeners.</summary>
    public Func<IReadOnlyList<string>> Resources { get; init; } = () => [];

    /// <summary>Checks proofs of keys (RFC 9449); null takes none.</summary>
    public DpopProofs? Proofs { get; init; }
}
