namespace Countersign.Policy.Approvals;

/// <summary>
/// Header fields whose values prove somebody to somebody. They may bind a call, and then are in its digest; nobody is
/// ever shown them, and no payload keeps them.
/// </summary>
public static class CredentialFields
{
    private static readonly string[] Exact = ["dpop", "authentication-info", "proxy-authentication-info"];

    // As vendors name theirs: X-Api-Key, X-Goog-Api-Key, X-Amz-Security-Token, Ocp-Apim-Subscription-Key. Too much is
    // hidden rather than too little: an approver is told that something is there.
    private static readonly string[] Parts =
    [
        "authorization", "cookie", "token", "secret", "password", "passwd", "api-key", "apikey", "access-key",
        "subscription-key", "private-key", "auth-key", "credential", "session", "assertion", "jwt",
    ];

    /// <summary>True for a field that carries a credential, by its name.</summary>
    /// <param name="name">The field's name; case does not matter.</param>
    public static bool Has(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string plain = name.Replace('_', '-');
        return Array.Exists(Exact, known => plain.Equals(known, StringComparison.OrdinalIgnoreCase))
            || Array.Exists(Parts, part => plain.Contains(part, StringComparison.OrdinalIgnoreCase));
    }
}
