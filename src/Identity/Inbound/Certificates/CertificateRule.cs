using Countersign.Policy;

namespace Countersign.Identity.Inbound.Certificates;

/// <summary>Which name of a certificate a rule looks at. Zero looks at none.</summary>
public enum CertificateName : byte
{
    /// <summary>None; matches nothing.</summary>
    None = 0,

    /// <summary>A URI among the alternative names, such as a SPIFFE ID.</summary>
    Uri,

    /// <summary>A DNS name among the alternative names.</summary>
    Dns,

    /// <summary>An e-mail address among the alternative names.</summary>
    Email,

    /// <summary>The whole subject, as RFC 4514 writes it: <c>CN=billing, O=Acme</c>.</summary>
    Subject,
}

/// <summary>Whom a client certificate stands for; the TLS listener has verified that it leads to its
/// authority.</summary>
/// <param name="Name">Which name.</param>
/// <param name="Pattern">What it must be; <c>*</c> is any run of characters but <c>/</c>, <c>**</c> any run.</param>
/// <param name="Kind">What the caller is.</param>
public sealed record CertificateRule(CertificateName Name, string Pattern, CallerKind Kind)
{
    /// <summary>The groups that the caller is in.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>The people who answer for it.</summary>
    public IReadOnlyList<string> Responsible { get; init; } = [];

    /// <summary>The tenant, or empty.</summary>
    public string Tenant { get; init; } = "";

    /// <summary>True for a name that fits.</summary>
    internal bool Fits(string name) => Fits(Pattern, name);

    private static bool Fits(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        int star = pattern.IndexOf('*');
        if (star < 0) return pattern.SequenceEqual(name);
        if (!name.StartsWith(pattern[..star])) return false;
        bool isDeep = star + 1 < pattern.Length && pattern[star + 1] == '*';
        ReadOnlySpan<char> rest = pattern[(star + (isDeep ? 2 : 1))..], tail = name[star..];
        for (int taken = 0; ; taken++)
        {
            if (Fits(rest, tail[taken..])) return true;
            if (taken == tail.Length || (!isDeep && tail[taken] == '/')) return false;
        }
    }
}
