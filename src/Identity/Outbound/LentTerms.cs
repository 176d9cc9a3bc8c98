using Countersign.Policy;

namespace Countersign.Identity.Outbound;

/// <summary>What a credential for one call says (DESIGN section 8). Made where the call leaves; nothing here is a
/// secret.</summary>
public readonly ref struct LentTerms
{
    /// <summary>Terms that say ES256 until they say otherwise.</summary>
    public LentTerms()
    {
    }

    /// <summary>Who the credential is for: the upstream's <c>aud</c>.</summary>
    public required string Audience { get; init; }

    /// <summary>The function's id, which is the <c>sub</c>.</summary>
    public required string Function { get; init; }

    /// <summary>Who calls: written as <c>act</c> with its kind and human chain.</summary>
    public required Caller Caller { get; init; }

    /// <summary>The call's id, which is the <c>jti</c>, written as <c>Countersign-Call</c> shows it.</summary>
    public required Guid Call { get; init; }

    /// <summary>The start of the gateway that makes the call, which knows when it ends; empty for a credential that
    /// several calls may use.</summary>
    public string Gateway { get; init; } = "";

    /// <summary>How it is signed.</summary>
    public SigningAlgorithm Algorithm { get; init; } = SigningAlgorithm.Es256;

    /// <summary>How long it lives; whole seconds count, and less than one is one.</summary>
    public required TimeSpan TimeToLive { get; init; }

    /// <summary>The call's digest, <c>sha256:</c> and 64 hexadecimal digits (DESIGN 4.2); empty when there is
    /// none.</summary>
    public ReadOnlySpan<char> Digest { get; init; }

    /// <summary>The approval that the call claimed; null or empty when it needed none.</summary>
    public string? Approval { get; init; }

    /// <summary>The subjects who approved, in order; null when nobody had to.</summary>
    public IReadOnlyList<string>? Approvers { get; init; }
}
