using Countersign.Identity.Outbound;
using Countersign.Kit;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Countersign.Identity.Tests.Outbound;

public sealed class SigningKeyKeeperTests : IDisposable
{
    private static readonly SigningTerms Terms = new();

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly InMemorySigningKeyStore _store = new();
    private readonly PayloadSeal _seal = new(new byte[32], PayloadSeal.SecretLabel);

    public void Dispose() => _seal.Dispose();

    [Fact]
    public async Task AFleetAgreesOnItsKeysThroughManyRotations()
    {
        // Proves that five gateways that start at once and look in turn have the same keys at every moment that counts:
        // whatever one signs with, all others publish; by 40 rotations.
        SigningKeyKeeper[] fleet = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => StartedAsync()));
        HashSet<string> signers = [];
        for (int step = 0; step < 40 * 24; step++)
        {
            await fleet[step % 5].LookAsync();
            foreach (SigningKeyKeeper one in fleet)
            {
                DatedSigningKeys signer = Signer(one)!;
                signers.Add(signer.Keys.KeyId);
                Assert.All(fleet, other => Assert.NotNull(other.Ring.Current.Find(signer.Keys.KeyId)));
            }

            // Twenty-four steps are one rotation; a gateway looks every fifth step, far within an hour.
            _clock.Advance(step % 24 < 12 ? TimeSpan.FromMinutes(5) : Terms.RotateEvery / 12 - TimeSpan.FromMinutes(5));
            foreach (SigningKeyKeeper one in fleet) await one.LookAsync();
        }

        Assert.InRange(signers.Count, 38, 42);
        foreach (SigningKeyKeeper one in fleet) await one.DisposeAsync();
    }

    [Fact]
    public async Task TheStoreSeesNoKey()
    {
        // Proves that no private key lies open in the store; by looking for its bytes and for its base64.
        await using SigningKeyKeeper keeper = await StartedAsync();
        string box = Convert.ToHexString(_store.Held.Box.Span);
        foreach (DatedSigningKeys one in keeper.Ring.Current.Keys)
        {
            byte[] pkcs8 = one.Keys.ExportPkcs8();
            Assert.DoesNotContain(Convert.ToHexString(pkcs8.AsSpan(^16..)), box, StringComparison.Ordinal);
            Assert.DoesNotContain(
                Convert.ToHexString(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(pkcs8)[..24])), box,
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("other key")]
    [InlineData("other version")]
    [InlineData("one bit")]
    public async Task WhatWasNotSealedByTheFleetIsNotTaken(string how)
    {
        // Proves that a box of another sealing key, of another version or with one bit changed starts nothing, and that
        // a running gateway goes on with what it has.
        await using SigningKeyKeeper keeper = await StartedAsync();
        SigningKeySet before = keeper.Ring.Current;
        byte[] box = _store.Held.Box.ToArray();
        if (how == "one bit") box[^1] ^= 1;
        if (how == "other key")
        {
            using PayloadSeal stranger = new(new byte[33], PayloadSeal.SecretLabel);
            box = SigningKeyBox.Seal(new SigningKeySet(2, before.Keys), stranger);
        }

        _store.Held = new StoredSigningKeys(2, box);
        await keeper.LookAsync();
        Assert.Same(before, keeper.Ring.Current);
        (SigningKeyKeeper? none, string fault) = await TryStartAsync();
        Assert.Null(none);
        Assert.Contains("secrets.sealingKey", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutTheStoreKeysSignUntilOthersMayNotPublishThem()
    {
        // Proves that an outage is survived for as long as it is safe, and no longer; and that it ends with the outage.
        await using SigningKeyKeeper keeper = await StartedAsync();
        _store.IsAway = true;
        _clock.Advance(Terms.GoodFor);
        await keeper.LookAsync();
        Assert.NotNull(Signer(keeper));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Null(Signer(keeper));
        _store.IsAway = false;
        await keeper.LookAsync();
        Assert.NotNull(Signer(keeper));
        _store.IsAway = true;
        (SigningKeyKeeper? none, string fault) = await TryStartAsync();
        Assert.Null(none);
        Assert.Contains("did not answer", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStoreThatForgotIsGivenTheKeysBack()
    {
        // Proves that a store that lost everything does not change the keys: what was signed can still be checked. And
        // that one that lost its last change, and got another, is followed.
        await using SigningKeyKeeper keeper = await StartedAsync();
        string signer = Signer(keeper)!.Keys.KeyId;
        StoredSigningKeys first = _store.Held;
        _store.Held = new StoredSigningKeys(0, default);
        await keeper.LookAsync();
        Assert.Equal(signer, Signer(keeper)!.Keys.KeyId);
        await using SigningKeyKeeper second = await StartedAsync();
        Assert.Equal(signer, Signer(second)!.Keys.KeyId);

        _clock.Advance(Terms.RotateEvery);
        await keeper.LookAsync();
        SigningKeySet lost = keeper.Ring.Current;
        _store.Held = first;
        await second.LookAsync();
        await keeper.LookAsync();
        Assert.Equal(lost.Version, keeper.Ring.Current.Version);
        Assert.Equal(
            second.Ring.Current.Keys.Select(one => one.Keys.KeyId),
            keeper.Ring.Current.Keys.Select(one => one.Keys.KeyId));
    }

    [Fact]
    public async Task ARotationByHandGoesTheUsualWay()
    {
        // Proves that a new key is published at once and signs when everybody can have it, that asking again changes
        // nothing and says so, and that the old one stays published for what it signed.
        await using SigningKeyKeeper keeper = await StartedAsync(), other = await StartedAsync();
        string old = Signer(keeper)!.Keys.KeyId;
        Assert.Equal(SigningKeyChange.Done, await keeper.RotateAsync());
        Assert.Equal(SigningKeyChange.UnderWay, await other.RotateAsync());
        await keeper.LookAsync();
        Assert.Equal(4, keeper.Ring.Current.Keys.Count);
        Assert.Equal(old, Signer(keeper)!.Keys.KeyId);
        _clock.Advance(Terms.PublishBefore);
        await keeper.LookAsync();
        Assert.NotEqual(old, Signer(keeper)!.Keys.KeyId);
        Assert.NotNull(keeper.Ring.Current.Find(old));
        Assert.Equal(SigningKeyState.Retired, StateOf(keeper, old));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AKeyThatIsRevokedIsGoneEverywhereAndItsSuccessorSigns(bool hasSuccessor)
    {
        // Proves that a revoked signer is published no more, that its successor signs at once, made for that where none
        // waited, that no key which retired comes back, and that the fleet follows.
        await using SigningKeyKeeper keeper = await StartedAsync(), other = await StartedAsync();
        string first = Signer(keeper)!.Keys.KeyId;
        await keeper.RotateAsync();
        _clock.Advance(Terms.PublishBefore);
        await keeper.LookAsync();
        string signer = Signer(keeper)!.Keys.KeyId;
        if (hasSuccessor) await keeper.RotateAsync();
        string? waiting = keeper.Ring.Current.Keys.FirstOrDefault(
            one => one.Keys.Algorithm == SigningAlgorithm.Es256 && one.SignsFrom > _clock.GetUtcNow())?.Keys.KeyId;
        Assert.Equal(hasSuccessor, waiting is not null);
        Assert.Equal(SigningKeyChange.Done, await other.RevokeAsync(signer));
        await keeper.LookAsync();
        foreach (SigningKeyKeeper one in (SigningKeyKeeper[])[keeper, other])
        {
            Assert.Null(one.Ring.Current.Find(signer));
            string now = Signer(one)!.Keys.KeyId;
            Assert.NotEqual(first, now);
            if (waiting is not null) Assert.Equal(waiting, now);
        }

        Assert.Equal(Signer(other)!.Keys.KeyId, Signer(keeper)!.Keys.KeyId);
        Assert.Equal(SigningKeyChange.NotFound, await keeper.RevokeAsync(signer));
        Assert.Equal(SigningKeyChange.Done, await keeper.RevokeAsync(first));
        Assert.Null(keeper.Ring.Current.Find(first));
    }

    [Fact]
    public async Task AChangeThatTheStoreDoesNotConfirmIsNotSaidToBeDone()
    {
        // Proves that nothing changes here, and that it is said, while the store is away.
        await using SigningKeyKeeper keeper = await StartedAsync();
        string signer = Signer(keeper)!.Keys.KeyId;
        _store.IsAway = true;
        Assert.Equal(SigningKeyChange.Unconfirmed, await keeper.RevokeAsync(signer));
        Assert.Equal(SigningKeyChange.Unconfirmed, await keeper.RotateAsync());
        Assert.Equal(signer, Signer(keeper)!.Keys.KeyId);
    }

    private SigningKeyState StateOf(SigningKeyKeeper keeper, string keyId) => keeper.Ring.Current.StateOf(
        keeper.Ring.Current.Keys.Single(one => one.Keys.KeyId == keyId), _clock.GetUtcNow());

    private DatedSigningKeys? Signer(SigningKeyKeeper keeper) =>
        keeper.Ring.Signer(SigningAlgorithm.Es256, _clock.GetUtcNow().ToUnixTimeMilliseconds());

    private async Task<SigningKeyKeeper> StartedAsync()
    {
        (SigningKeyKeeper? keeper, string fault) = await TryStartAsync();
        Assert.Equal("", fault);
        return keeper!;
    }

    private Task<(SigningKeyKeeper? Keeper, string Fault)> TryStartAsync() =>
        SigningKeyKeeper.OpenAsync(_store, _seal, Terms, _clock, NullLogger.Instance);
}
