namespace Countersign.Identity.Outbound.Brokers;

/// <summary>How the gateway tells a vault who it is.</summary>
public enum VaultLogin : byte
{
    /// <summary>By a token that it was given.</summary>
    Token = 0,

    /// <summary>By a role's id and its secret id.</summary>
    AppRole,

    /// <summary>By the token of its Kubernetes service account.</summary>
    Kubernetes,
}

/// <summary>A vault: HashiCorp Vault, OpenBao, or what speaks as they do.</summary>
/// <param name="Name">Its name in the configuration.</param>
/// <param name="Address">Scheme and authority.</param>
/// <param name="Login">How the gateway logs in.</param>
/// <param name="Credential">The token; the secret id; or the service account's token. Asked for at each login, since
/// such files are renewed.</param>
public sealed record VaultOptions(string Name, Uri Address, VaultLogin Login, Func<byte[]?> Credential)
{
    /// <summary>The namespace; empty for none.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>The role's id, or the role's name.</summary>
    public string Role { get; init; } = "";

    /// <summary>Where the method of login is mounted; empty where it is by default.</summary>
    public string Mount { get; init; } = "";
}
