using System.Buffers.Text;
using System.Collections.Frozen;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Countersign.Policy;
using Countersign.Policy.Revocations;

namespace Countersign.Identity.Inbound;

/// <summary>Somebody whom a token names: as its subject, or among its actors.</summary>
/// <param name="Issuer">Who vouches for them.</param>
/// <param name="Subject">The <c>sub</c>.</param>
internal readonly record struct NamedSubject(string Issuer, string Subject);

/// <summary>All that a token can be revoked by.</summary>
/// <param name="Tokens">Its own SHA-256, and those of the tokens that it was exchanged for, where it says them
/// whole.</param>
/// <param name="Issuer">Its <c>iss</c>.</param>
/// <param name="Id">Its <c>jti</c>, or null.</param>
/// <param name="Subjects">Everybody whom it names.</param>
/// <param name="IssuedAtMs">Its <c>iat</c> in Unix milliseconds, or that of the oldest token that it was exchanged for;
/// 0 without one, which counts as before everything.</param>
internal sealed record TokenMarks(
    IReadOnlyList<TokenHash> Tokens, string Issuer, string? Id, IReadOnlyList<NamedSubject> Subjects, long IssuedAtMs)
{
    public const long SecondMs = 1_000;

    public static readonly TokenMarks None = new([], "", null, [], long.MaxValue);

    /// <summary>Those of every token that it was exchanged for, and of what those were exchanged for
    /// (<see cref="ProofMark"/>).</summary>
    public IReadOnlyList<string> Ancestors { get; init; } = [];

    /// <summary>The caller, with all that this proof of them can be revoked by: of those whom it names, only who is not
    /// named by the caller.</summary>
    public Caller Prove(Caller caller)
    {
        List<string> marks = [.. Tokens.Select(ProofMark.Of)];
        if (Id is not null) marks.Add(ProofMark.OfId(Issuer, Id));
        marks.AddRange(Ancestors);
        NamedSubject subject = new(caller.Issuer, caller.Subject);
        NamedSubject acting = caller.Acting is { } actor ? new(actor.Issuer, actor.Subject) : subject;
        foreach (NamedSubject named in Subjects)
        {
            if (named != subject && named != acting) marks.Add(ProofMark.OfSubject(named));
        }

        return caller.ProvenBy([.. marks.Distinct(StringComparer.Ordinal)], IssuedAtMs / SecondMs);
    }
}

/// <summary>
/// How a credential says what it ends with: half a SHA-256 in base64url, so that whoever sees it learns neither the
/// token nor its id, and finds no other that has the same.
/// </summary>
internal static class ProofMark
{
    private const int Bytes = 16;

    /// <summary>How long one is, in characters.</summary>
    public const int Characters = 22;

    /// <summary>Of a token: its own SHA-256, cut.</summary>
    public static string Of(TokenHash token) => token.ToMark();

    /// <summary>Of a <c>jti</c>, which is one issuer's. No token looks like the text it is made of.</summary>
    public static string OfId(string issuer, string id) => Of("jti", issuer, id);

    /// <summary>Of somebody whom a token names.</summary>
    public static string OfSubject(NamedSubject named) => Of("sub", named.Issuer, named.Subject);

    /// <summary>True for what one is written as.</summary>
    public static bool Is(string text) => text.Length == Characters && Base64Url.IsValid(text);

    private static string Of(string what, string issuer, string name)
    {
        string text = what + " " + issuer.Length.ToString(CultureInfo.InvariantCulture) + ":" + issuer + name;
        return Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, Bytes));
    }
}

/// <summary>What is revoked: an immutable index, replaced whole by one writer.</summary>
public sealed class RevocationIndex
{
    /// <summary>Nothing is.</summary>
    public static readonly RevocationIndex Empty = new(new RevocationListing(0, []));

    private readonly FrozenSet<TokenHash> _tokens;
    private readonly FrozenSet<(string Issuer, string Id)> _ids;
    private readonly FrozenDictionary<NamedSubject, long> _subjects;

    // And up to when what says them was issued.
    private readonly FrozenDictionary<string, long> _proofMarks;

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
        Dictionary<string, long> marks = new(StringComparer.Ordinal);
        foreach (TokenHash token in tokens) marks[ProofMark.Of(token)] = long.MaxValue;
        foreach ((string issuer, string id) in ids) marks[ProofMark.OfId(issuer, id)] = long.MaxValue;
        foreach ((NamedSubject subject, long at) in subjects) marks[ProofMark.OfSubject(subject)] = at;
        _proofMarks = marks.ToFrozenDictionary(StringComparer.Ordinal);
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

        return Covers(marks.Ancestors, marks.Subjects, marks.IssuedAtMs);
    }

    /// <summary>True if what was given to them, for what these marks name, is revoked.</summary>
    internal bool Covers(
        IReadOnlyList<string> proofMarks, IReadOnlyList<NamedSubject> subjects, long issuedAtMs)
    {
        foreach (string mark in proofMarks)
        {
            if (_proofMarks.TryGetValue(mark, out long at) && issuedAtMs <= at) return true;
        }

        return CoversAny(subjects, issuedAtMs);
    }

    private bool CoversAny(IReadOnlyList<NamedSubject> subjects, long issuedAtMs)
    {
        if (_subjects.Count == 0) return false;
        foreach (NamedSubject subject in subjects)
        {
            // To the second, as tokens tell it: what was issued in the second of the revocation is revoked.
            if (_subjects.TryGetValue(subject, out long at) && issuedAtMs <= at) return true;
        }

        return false;
    }
}
