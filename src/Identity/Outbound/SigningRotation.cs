using Countersign.Policy;

namespace Countersign.Identity.Outbound;

/// <summary>
/// When keys come and go. A key is published for a while before it signs, and for a while after the next one does:
/// whoever checks a credential has the key it was signed with, whatever it has cached.
/// </summary>
internal static class SigningRotation
{
    /// <summary>The set that follows at that time; null if nothing is due.</summary>
    /// <param name="set">What there is.</param>
    /// <param name="now">The time.</param>
    /// <param name="terms">How often.</param>
    internal static SigningKeySet? Next(SigningKeySet set, DateTimeOffset now, SigningTerms terms)
    {
        List<DatedSigningKeys> next = [];
        foreach (SigningAlgorithm algorithm in SigningAlgorithms.All)
        {
            DatedSigningKeys[] keys = [.. set.Keys.Where(one => one.Keys.Algorithm == algorithm)];
            for (int at = 0; at < keys.Length; at++)
            {
                bool isSpent = at + 1 < keys.Length && keys[at + 1].SignsFrom + terms.KeptAfter <= now;
                if (!isSpent) next.Add(keys[at]);
            }

            // Nobody can have the JWKS of a fleet that has no keys yet, so the first one signs at once.
            DateTimeOffset from = keys.Length == 0 ? now : keys[^1].SignsFrom + terms.RotateEvery;
            if (from - terms.PublishBefore > now) continue;
            if (keys.Length > 0 && from < now + terms.PublishBefore) from = now + terms.PublishBefore;
            next.Add(new DatedSigningKeys(SigningKeys.Create(algorithm), from));
        }

        bool isSame = next.Count == set.Keys.Count && next.All(one => set.Find(one.Keys.KeyId) is not null);
        return isSame ? null : new SigningKeySet(set.Version + 1, next);
    }

    /// <summary>The set with a successor of each key that signs, which signs once it was published for long enough;
    /// null where each has one that waits.</summary>
    internal static SigningKeySet? Rotate(SigningKeySet set, DateTimeOffset now, SigningTerms terms)
    {
        DatedSigningKeys[] made =
        [
            .. SigningAlgorithms.All
                .Where(algorithm => !set.Keys.Any(one => one.Keys.Algorithm == algorithm && one.SignsFrom > now))
                .Select(algorithm => new DatedSigningKeys(SigningKeys.Create(algorithm), now + terms.PublishBefore)),
        ];
        return made.Length == 0 ? null : new SigningKeySet(set.Version + 1, [.. set.Keys, .. made]);
    }

    /// <summary>
    /// The set without a key; null where it has none of that name. The one that signed is followed at once by the one
    /// that waits, or by a new one: an older one retired for a reason.
    /// </summary>
    internal static SigningKeySet? Revoke(SigningKeySet set, string keyId, DateTimeOffset now)
    {
        DatedSigningKeys? revoked = set.Keys.FirstOrDefault(
            one => string.Equals(one.Keys.KeyId, keyId, StringComparison.Ordinal));
        if (revoked is null) return null;
        List<DatedSigningKeys> left = [.. set.Keys.Where(one => one != revoked)];
        if (set.StateOf(revoked, now) != SigningKeyState.Signs) return new SigningKeySet(set.Version + 1, left);
        SigningAlgorithm algorithm = revoked.Keys.Algorithm;
        int waits = left.FindIndex(one => one.Keys.Algorithm == algorithm && one.SignsFrom > now);
        if (waits < 0) left.Add(new DatedSigningKeys(SigningKeys.Create(algorithm), now));
        else left[waits] = new DatedSigningKeys(left[waits].Keys, now);
        return new SigningKeySet(set.Version + 1, left);
    }
}
