using Countersign.Identity.Outbound;

namespace Countersign.Cli.Configuration;

/// <summary>A service that may introspect, as configured; its secret is not opened yet.</summary>
/// <param name="Place">Its place in the file, for errors.</param>
/// <param name="Id">Its <c>client_id</c>.</param>
/// <param name="Secret">Where its secret is.</param>
/// <param name="Audiences">What it may ask about.</param>
internal sealed record IntrospectionSetting(
    string Place, string Id, SecretReference Secret, IReadOnlyList<string> Audiences);

/// <summary>The <c>credentials</c> of a configuration.</summary>
internal sealed record CredentialSettings
{
    /// <summary>When the keys change that lent credentials are signed with.</summary>
    public SigningTerms Signing { get; init; } = new();

    /// <summary>Where credentials come from that are not the gateway's own.</summary>
    public IReadOnlyList<BrokerSetting> Brokers { get; init; } = [];

    /// <summary>How long a broker may take.</summary>
    public TimeSpan BrokerWithin { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Services that may introspect.</summary>
    public IReadOnlyList<IntrospectionSetting> Introspection { get; init; } = [];

    /// <summary>Groups whose members may introspect every credential.</summary>
    public IReadOnlyList<string> IntrospectionGroups { get; init; } = [];
}
