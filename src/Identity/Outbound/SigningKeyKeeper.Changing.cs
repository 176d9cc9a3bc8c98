using Countersign.Policy;

namespace Countersign.Identity.Outbound;

/// <summary>How a change by hand ended. Zero is one that nobody knows of.</summary>
public enum SigningKeyChange : byte
{
    /// <summary>The store did not confirm it; it may have happened.</summary>
    Unconfirmed = 0,

    /// <summary>The fleet's keys are as they were asked to be.</summary>
    Done,

    /// <summary>There is no such key.</summary>
    NotFound,

    /// <summary>The next keys are published already and wait; nothing was changed.</summary>
    UnderWay,
}

/// <summary>Changes by hand.</summary>
public sealed partial class SigningKeyKeeper
{
    // The keeper's own looks and changes by hand take turns.
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>How often the keys change by themselves.</summary>
    public SigningTerms Terms => _terms;

    /// <summary>Publishes the next key of each algorithm now, to sign once everybody can have it
    /// (<see cref="SigningTerms.PublishBefore"/>). Where each has one that waits already, nothing is changed.</summary>
    public Task<SigningKeyChange> RotateAsync() =>
        ChangeAsync(set => SigningRotation.Rotate(set, _clock.GetUtcNow(), _terms), SigningKeyChange.UnderWay);

    /// <summary>
    /// Ends a key: what it signed is good no more, wherever its keys are looked up. Where it was the one that signs,
    /// its successor does at once. Other gateways follow when they look, <see cref="SigningTerms.LookEvery"/> later at
    /// the latest.
    /// </summary>
    /// <param name="keyId">Its <c>kid</c>.</param>
    public Task<SigningKeyChange> RevokeAsync(string keyId) =>
        ChangeAsync(set => SigningRotation.Revoke(set, keyId, _clock.GetUtcNow()), SigningKeyChange.NotFound);

    private async Task<SigningKeyChange> ChangeAsync(
        Func<SigningKeySet, SigningKeySet?> change, SigningKeyChange whereNone)
    {
        await _turn.WaitAsync();
        try
        {
            for (int round = 0; round < RoundsMax; round++)
            {
                await CatchUpAsync();
                StoreResult<StoredSigningKeys> found = await _store.ReadAsync();
                if (!found.IsOk || found.Value!.Version == 0 || !TryTake(found.Value)) break;
                SigningKeySet current = Ring.Current;
                if (change(current) is not { } next) return whereNone;
                byte[] box = SigningKeyBox.Seal(next, _seal);
                StoreResult<StoredSigningKeys> swapped = await _store.SwapAsync(current.Version, box);
                DisposeNew(next, current);
                if (!swapped.IsOk || !TryTake(swapped.Value!)) break;
                if (swapped.Value!.Box.Span.SequenceEqual(box)) return SigningKeyChange.Done;
            }

            return SigningKeyChange.Unconfirmed;
        }
        finally
        {
            _turn.Release();
        }
    }
}
