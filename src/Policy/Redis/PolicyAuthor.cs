namespace Countersign.Policy.Redis;

/// <summary>Who made a change of policy: a subject alone says nothing, since two issuers may both know it.</summary>
/// <param name="Issuer">The issuer that vouches for them; empty for the bootstrap, for who wrote to the store itself,
/// and in changes that an older gateway made.</param>
/// <param name="Subject">Their <c>sub</c>; empty where nobody is known.</param>
public readonly record struct PolicyAuthor(string Issuer, string Subject)
{
    /// <summary>The configuration of a gateway; nobody that an issuer knows can be taken for it.</summary>
    public bool IsBootstrap => Issuer.Length == 0 && Subject == RedisPolicyStore.BootstrapAuthor;

    // One text, so that the hash of a change covers both, and its form is the one that older gateways read. A subject
    // has no line ends; what an issuer calls itself might.
    internal string Text => Issuer.Length == 0 ? Subject : Issuer + "\n" + Subject;

    internal static PolicyAuthor Of(string text)
    {
        int end = text.LastIndexOf('\n');
        return end < 0 ? new("", text) : new(text[..end], text[(end + 1)..]);
    }
}
