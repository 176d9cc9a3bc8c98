using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using System.Text;
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

    /// <summary>Those of tokens and ids, as a credential that is lent says them.</summary>
    public IReadOnlyList<string> ForLending()
    {
        string[] marks = new string[Tokens.Count + (Id is null ? 0 : 1)];
        for (int at = 0; at < Tokens.Count; at++) marks[at] = Tokens[at].ToMark();
        if (Id is not null) marks[^1] = ProofMark.Of(Issuer, Id);
        return marks;
    }
}

/// <summary>
/// How a credential says what it ends with: half a SHA-256 in base64url, so that whoever sees it learns neither the
/// token nor its id, and finds no other that has the same.
/// </summary>
internal static class ProofMark
{
    /// <summary>Of a token: its own SHA-256, cut.</summary>
    public static string Of(TokenHash token) => token.ToMark();

    /// <summary>Of a <c>jti</c>, which is one issuer's. No token looks like this text.</summary>
    public static string Of(string issuer, string id)
    {
        byte[] text = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(issuer.Length + id.Length + 16));
        Encoding.UTF8.TryGetBytes("jti ", text, out int count);
        issuer.Length.TryFormat(text.AsSpan(count), out int digits, default, CultureInfo.InvariantCulture);
        count += digits;
        text[count++] = (byte)':';
        count += Encoding.UTF8.GetBytes(issuer, text.AsSpan(count));
        count += Encoding.UTF8.GetBytes(id, text.AsSpan(count));
        string mark = TokenHash.Of(text.AsSpan(0, count)).ToMark();
        ArrayPool<byte>.Shared.Return(text);
        return mark;
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
    private readonly FrozenSet<string> _proofMarks;

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
        _proofMarks = tokens.Select(ProofMark.Of).Concat(ids.Select(static one => ProofMark.Of(one.Item1, one.Item2)))
            .ToFrozenSet(StringComparer.Ordinal);
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

        return CoversAny(marks.Subjects, marks.IssuedAtMs);
    }

    /// <summary>True if what was given to them, for what these marks name, is revoked.</summary>
    internal bool Covers(
        IReadOnlyList<string> proofMarks, IReadOnlyList<NamedSubject> subjects, long issuedAtMs)
    {
        foreach (string mark in proofMarks)
        {
            if (_proofMarks.Contains(mark)) return true;
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
