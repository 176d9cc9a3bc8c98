using Countersign.Policy;

namespace Countersign.Identity.Outbound;

/// <summary>What a credential is wanted for.</summary>
public sealed record LendRequest
{
    /// <summary>What the policy says of it.</summary>
    public required CredentialTerms Terms { get; init; }

    /// <summary>The function that is called.</summary>
    public required string Function { get; init; }

    /// <summary>How much harm it can do: from high on every call gets a credential of its own.</summary>
    public required Risk Risk { get; init; }

    /// <summary>Who calls.</summary>
    public required Caller Caller { get; init; }

    /// <summary>The call.</summary>
    public required Guid Call { get; init; }

    /// <summary>Where it goes, as scheme and authority.</summary>
    public required IReadOnlyList<Uri> Endpoints { get; init; }

    /// <summary>The caller's token; empty where the caller is not here. Never kept.</summary>
    public ReadOnlyMemory<byte> CallerToken { get; init; }

    /// <summary>Writes the gateway's own word about the call, a JWT for that audience; null if it cannot.</summary>
    public required Func<string, byte[]?> Assert { get; init; }
}

/// <summary>A credential, or why there is none.</summary>
/// <param name="Secret">The credential; the call owns it.</param>
/// <param name="Fault">For the audit and the log: what failed, and nothing of any secret.</param>
public readonly record struct Lending(LentSecret? Secret, string Fault)
{
    /// <summary>No credential.</summary>
    public static Lending Failed(string fault) => new(null, fault);
}

/// <summary>What makes credentials of one kind. Safe for concurrent use.</summary>
public interface ICredentialBroker
{
    /// <summary>The kind that a policy must name for it.</summary>
    CredentialBroker Kind { get; }

    /// <summary>Makes one, or says why not; throws only for a bug.</summary>
    ValueTask<Lending> LendAsync(LendRequest request, CancellationToken cancellation);
}
