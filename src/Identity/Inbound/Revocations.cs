using System.Collections.Frozen;
using Countersign.Policy.Revocations;

namespace Countersign.Identity.Inbound;

/// <summary>Somebody whom a token names: as its subject, or among its actors.</summary>
/// <param name="Issuer">Who vouches for them.</param>
/// <param name="Subject">The <c>sub</c>.</param>
internal readonly record struct NamedSubject(string Issuer, string Subject);

/// <summary>All that a token can be revoked by.</summary>
/// <param name="Tokens">Its own SHA-256, and those of the tokens that it was exchanged for.</param>
/// <param name="Issuer">Its <c>iss</c>.</param>
/// <param name="Id">Its <c>jti</c>, or null.</param>
/// <param name="Subjects">Everybody whom it names.</param>
/// <param name="IssuedAtMs">Its <c>iat</c> in Unix milliseconds; 0 without one, which counts as before everything.
/// </param>
internal sealed record TokenMarks(
    IReadOnlyList<TokenHash> Tokens, string Issuer, string? Id, IReadOnlyList<NamedSubject> Subjects, long IssuedAtMs)
{
    public static readonly TokenMarks None = new([], "", null, [], long.MaxValue);
}

/// <summary>What is revoked: an immutable index, replaced whole by one writer.</summary>
public sealed class RevocationIndex
{
    /// <summary>Nothing is.</summary>
    public static readonly RevocationIndex Empty = new(new RevocationListing(0, []));

    private readonly FrozenSet<TokenHash> _tokens;
    private readonly FrozenSet<(string Issuer, string Id)> _ids;
    private readonly FrozenDictionary<NamedSubject, long> _subjects;

    /// <summary>Indexes a list.</summary>
    public RevocationIndex(RevocationListing listing)
    {
        ArgumentNullException.ThrowIfNull(listing);
        HashSet<TokenHash> tokens = [];
        HashSet<(string, string)> ids = [];
        Dictionary<NamedSubject, long> subjects = [];
        foreach (Revocation one in listing.Items)
        {
            if (one.Kind == RevocationKind.Token && TokenHash.TryParse(one.Name, out TokenHash hash)) tokens.Add(hash);
            if (one.Kind == RevocationKind.Id) ids.Add((one.Issuer, one.Name));
            if (one.Kind != RevocationKind.Subject) continue;
            NamedSubject subject = new(one.Issuer, one.Name);
            long at = one.At.ToUnixTimeMilliseconds();
            subjects[subject] = Math.Max(at, subjects.GetValueOrDefault(subject, long.MinValue));
        }

        _tokens = tokens.ToFrozenSet();
        _ids = ids.ToFrozenSet();
        _subjects = subjects.ToFrozenDictionary();
    }

    /// <summary>True if nothing is revoked.</summary>
    internal bool IsEmpty => _tokens.Count == 0 && _ids.Count == 0 && _subjects.Count == 0;

    /// <summary>True for a token that names something revoked.</summary>
    internal bool Covers(TokenMarks marks)
    {
        if (marks.Id is not null && _ids.Contains((marks.Issuer, marks.Id))) return true;
        foreach (TokenHash token in marks.Tokens)
        {
            if (_tokens.Contains(token)) return true;
        }

        if (_subjects.Count == 0) return false;
        foreach (NamedSubject subject in marks.Subjects)
        {
            // To the second, as tokens tell it: what was issued in the second of the revocation is revoked.
            if (_subjects.TryGetValue(subject, out long at) && marks.IssuedAtMs <= at) return true;
        }

        return false;
    }
}
