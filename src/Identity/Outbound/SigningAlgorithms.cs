using Countersign.Policy;

namespace Countersign.Identity.Outbound;

/// <summary>The algorithms that keys are made for, and what JOSE calls them.</summary>
internal static class SigningAlgorithms
{
    /// <summary>All of them.</summary>
    internal static readonly SigningAlgorithm[] All = [SigningAlgorithm.Es256, SigningAlgorithm.EdDsa];

    /// <summary>The <c>alg</c> of a JWS header.</summary>
    internal static string NameOf(SigningAlgorithm algorithm) => algorithm switch
    {
        SigningAlgorithm.Es256 => "ES256",
        SigningAlgorithm.EdDsa => "EdDSA",
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };
}
