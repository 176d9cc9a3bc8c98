using Countersign.Policy;
using Countersign.Policy.Revocations;

namespace Countersign.Identity.Inbound;

/// <content>What is revoked.</content>
public sealed partial class CallerVerifier
{
    private RevocationIndex _revoked = RevocationIndex.Empty;

    /// <summary>What brings the list of what is revoked; null where nothing does.</summary>
    public IRevocationFeed? Revocations { get; set; }

    /// <summary>Refuses what is revoked from now on, cached or not.</summary>
    public void Revoke(RevocationIndex revoked)
    {
        ArgumentNullException.ThrowIfNull(revoked);

        // In force first, then the cache: what is added meanwhile looks at the list after it was added.
        Volatile.Write(ref _revoked, revoked);
        Interlocked.MemoryBarrier();
        _cache.Revoke(revoked);
        _seen.Revoke(revoked);
    }

    /// <summary>Asks the store what is revoked: whatever was, anywhere in the fleet, before this was called is refused
    /// here when it ends. False where the store did not tell.</summary>
    public ValueTask<bool> CatchUpAsync() => Revocations?.CatchUpAsync() ?? new(true);

    /// <summary>True if what was lent is revoked: one of those whom it names at or after the time it was issued, or
    /// what proved the caller that it was lent for.</summary>
    /// <param name="named">The subject, and who acts for it.</param>
    /// <param name="issuedAt">Its <c>iat</c>.</param>
    /// <param name="proofMarks">The caller's <see cref="Caller.ProofMarks"/>.</param>
    public bool IsRevoked(
        IEnumerable<(string Issuer, string Subject)> named, DateTimeOffset issuedAt, IReadOnlyList<string> proofMarks)
    {
        NamedSubject[] subjects = [.. named.Select(one => new NamedSubject(one.Issuer, one.Subject))];
        return Volatile.Read(ref _revoked).Covers(proofMarks, subjects, issuedAt.ToUnixTimeMilliseconds());
    }

    /// <summary>True if a caller was revoked since they were proven: for who acts for them when their token is gone, or
    /// was shown long ago.</summary>
    public bool IsRevoked(Caller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        RevocationIndex revoked = Volatile.Read(ref _revoked);
        if (revoked.IsEmpty) return false;
        List<NamedSubject> named = [new(caller.Issuer, caller.Subject)];
        if (caller.Acting is { } acting) named.Add(new(acting.Issuer, acting.Subject));
        return revoked.Covers(caller.ProofMarks, named, caller.ProvenAt * TokenMarks.SecondMs);
    }

    /// <summary>True if a person's word does not count any more: they were revoked when they had given it, or
    /// later.</summary>
    /// <param name="issuer">Who vouches for them.</param>
    /// <param name="subject">The person.</param>
    /// <param name="at">When they gave it.</param>
    public bool IsRevokedSince(string issuer, string subject, DateTimeOffset at) =>
        IsRevoked([(issuer, subject)], at, []);
}
