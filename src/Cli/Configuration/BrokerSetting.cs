using Countersign.Identity.Outbound.Brokers;
using Countersign.Policy;

namespace Countersign.Cli.Configuration;

/// <summary>One entry of <c>credentials.brokers</c>; its secrets are not opened yet.</summary>
internal sealed record BrokerSetting
{
    /// <summary>Its place in the file, for errors.</summary>
    public required string Place { get; init; }

    /// <summary>The name that policy knows it by.</summary>
    public required string Name { get; init; }

    /// <summary>What it is.</summary>
    public required CredentialBroker Kind { get; init; }

    /// <summary>The secrets by the fields that they become: of a static one its credential, of others what the gateway
    /// shows.</summary>
    public IReadOnlyList<(string Field, SecretReference Secret)> Secrets { get; init; } = [];

    /// <summary>What is no secret: a user's name, a client's id, a role.</summary>
    public string Who { get; init; } = "";

    /// <summary>Where a static secret may be sent; empty says everywhere.</summary>
    public IReadOnlyList<Uri> Endpoints { get; init; } = [];

    /// <summary>The token endpoint, or the vault; null for a static secret.</summary>
    public Uri? Address { get; init; }

    /// <summary>A file of certificates that the address's must come from; null is the machine's.</summary>
    public string? Authorities { get; init; }

    /// <summary>How a client shows its secret.</summary>
    public ClientAuthentication Authentication { get; init; }

    /// <summary>The audience of the gateway's own word.</summary>
    public string AssertionAudience { get; init; } = "";

    /// <summary>How a vault is logged into.</summary>
    public VaultLogin Login { get; init; }

    /// <summary>Where that is mounted.</summary>
    public string Mount { get; init; } = "";

    /// <summary>The vault's namespace.</summary>
    public string Namespace { get; init; } = "";
}
