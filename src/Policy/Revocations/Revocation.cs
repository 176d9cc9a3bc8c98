namespace Countersign.Policy.Revocations;

/// <summary>What a revocation names. Zero names nothing and revokes nothing.</summary>
public enum RevocationKind : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>One token, by the SHA-256 of its bytes.</summary>
    Token,

    /// <summary>One token, by its issuer and <c>jti</c> (RFC 7519 section 4.1.7).</summary>
    Id,

    /// <summary>Every token of one subject that was issued up to a time, also where it is among the actors.</summary>
    Subject,
}

/// <summary>A token, or a subject's tokens, that nobody may use any more.</summary>
/// <param name="Kind">What it names.</param>
/// <param name="Issuer">The <c>iss</c>; empty with <see cref="RevocationKind.Token"/>.</param>
/// <param name="Name">64 hex digits, a <c>jti</c> or a <c>sub</c>.</param>
/// <param name="At">When; a subject's tokens issued later are good.</param>
/// <param name="Until">When it may be forgotten: no token that it names lives longer.</param>
/// <param name="By">Who revoked it: issuer and subject, for people to read.</param>
/// <param name="Reason">Why; may be empty.</param>
public sealed record Revocation(
    RevocationKind Kind, string Issuer, string Name, DateTimeOffset At, DateTimeOffset Until, string By, string Reason)
{
    /// <summary>The longest issuer or name, in characters.</summary>
    public const int NameCharactersMax = 512;

    /// <summary>What it is stored under: a second one of the same name takes the first one's place.</summary>
    public string Key => Kind switch
    {
        RevocationKind.Token => "token\n" + Name,
        RevocationKind.Id => "id\n" + Issuer + "\n" + Name,
        _ => "subject\n" + Issuer + "\n" + Name,
    };
}

/// <summary>The list as it stood at one time.</summary>
/// <param name="Version">Grows with every change; 0 is a list that never was written.</param>
/// <param name="Items">What is revoked.</param>
public sealed record RevocationListing(long Version, IReadOnlyList<Revocation> Items);
