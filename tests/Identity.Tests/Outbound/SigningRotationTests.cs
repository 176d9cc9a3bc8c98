using Countersign.Identity.Outbound;
using Countersign.Policy;
using Xunit;

namespace Countersign.Identity.Tests.Outbound;

public sealed class SigningRotationTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly SigningTerms Terms = new();

    [Fact]
    public void EverySignatureCanBeCheckedThroughAYearOfRotations()
    {
        // Proves the three promises over a year, looked at every ten minutes: there is always a key that signs; a key
        // was published for an hour before it first signed; and it is published until an hour and the slack after the
        // next one did, so that no credential outlives its key.
        SigningKeySet set = SigningRotation.Next(new SigningKeySet(0, []), Start, Terms)!;
        Dictionary<string, DateTimeOffset> published = set.Keys.ToDictionary(one => one.Keys.KeyId, _ => Start);
        Dictionary<string, DateTimeOffset> signed = [];
        HashSet<string> first = [.. published.Keys];
        int changes = 0;
        for (DateTimeOffset now = Start; now < Start.AddDays(365); now = now.AddMinutes(10))
        {
            if (SigningRotation.Next(set, now, Terms) is { } next)
            {
                Assert.Equal(set.Version + 1, next.Version);
                set = next;
                changes++;
            }

            foreach (DatedSigningKeys one in set.Keys) published.TryAdd(one.Keys.KeyId, now);
            foreach (SigningAlgorithm algorithm in SigningAlgorithms.All)
            {
                DatedSigningKeys signer = set.SignerAt(algorithm, now.ToUnixTimeMilliseconds())!;
                Assert.Equal(algorithm, signer.Keys.Algorithm);
                if (signed.TryAdd(signer.Keys.KeyId, now) && !first.Contains(signer.Keys.KeyId))
                    Assert.True(now - published[signer.Keys.KeyId] >= Terms.PublishBefore);
                signed[signer.Keys.KeyId] = now;
            }

            foreach ((string keyId, DateTimeOffset last) in signed)
            {
                if (set.Find(keyId) is null) Assert.True(now - last >= Terms.KeptAfter);
            }

            Assert.InRange(set.Keys.Count, 2, 6);
        }

        // Twelve of each algorithm came, and what they replaced went.
        Assert.Equal(2 * 13, published.Count);
        Assert.InRange(changes, 24, 48);
    }

    [Fact]
    public void AFleetThatWasOffStillPublishesBeforeItSigns()
    {
        // Proves that a key that is long overdue does not sign at once; by a year without a look.
        SigningKeySet set = SigningRotation.Next(new SigningKeySet(0, []), Start, Terms)!;
        DateTimeOffset late = Start.AddDays(365);
        SigningKeySet next = SigningRotation.Next(set, late, Terms)!;
        Assert.Equal(4, next.Keys.Count);
        string old = set.SignerAt(SigningAlgorithm.EdDsa, late.ToUnixTimeMilliseconds())!.Keys.KeyId;
        Assert.Equal(old, next.SignerAt(SigningAlgorithm.EdDsa, late.ToUnixTimeMilliseconds())!.Keys.KeyId);
        DateTimeOffset then = late + Terms.PublishBefore;
        Assert.NotEqual(old, next.SignerAt(SigningAlgorithm.EdDsa, then.ToUnixTimeMilliseconds())!.Keys.KeyId);
        Assert.Null(SigningRotation.Next(next, then, Terms));
    }

    [Fact]
    public void NoAlgorithmIsNoKey()
    {
        // Proves that zero refuses; by asking for it.
        SigningKeySet set = SigningRotation.Next(new SigningKeySet(0, []), Start, Terms)!;
        Assert.Null(set.SignerAt(SigningAlgorithm.None, Start.ToUnixTimeMilliseconds()));
        Assert.Null(set.SignerAt(SigningAlgorithm.Es256, Start.ToUnixTimeMilliseconds() - 1));
    }
}
