using System.Collections.Concurrent;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// What this gateway still has to tell the store of the approvals it claimed. What the store does not take at once is
/// told again in the background until it does; nothing here ever makes a call. What is left when the gateway dies is
/// settled as unknown by those that live.
/// </summary>
internal sealed partial class Settlements(IApprovalStore store, TimeProvider clock, ILogger log) : IAsyncDisposable
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromMilliseconds(500);
    private readonly ConcurrentQueue<Owed> _owed = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _telling = Task.CompletedTask;
    private int _open;

    /// <summary>Claims that are not settled yet.</summary>
    internal int Open => Volatile.Read(ref _open);

    /// <summary>Begins to tell in the background. Call it once.</summary>
    internal void Start() => _telling = TellAsync();

    /// <summary>Takes room for one claim; without it nothing is claimed.</summary>
    internal bool TryOpen()
    {
        if (Interlocked.Increment(ref _open) <= Limits.UnsettledClaimsMax) return true;
        Close();
        return false;
    }

    /// <summary>Gives the room back: nothing was claimed, or the store knows all.</summary>
    internal void Close() => Interlocked.Decrement(ref _open);

    /// <summary>Tells how a claimed call ended. False if the store did not take it, and will be told again.</summary>
    internal async ValueTask<bool> SettleAsync(Approval claimed, ApprovalState outcome)
    {
        MoveOutcome move = ApprovalRules.Finish(claimed, outcome);
        StoreResult<Approval> moved = await store.MoveAsync(claimed, move.Next!);
        if (moved.IsOk || moved.Status == StoreStatus.NotFound)
        {
            Close();
            return true;
        }

        _owed.Enqueue(new Owed(claimed, outcome, IsDoubtful: false));
        return moved.Status == StoreStatus.Conflict;
    }

    /// <summary>
    /// The store did not say whether it took a claim. It counts as spent, so it ends as unknown, taken or not.
    /// </summary>
    internal void Doubt(Approval claim) => _owed.Enqueue(new Owed(claim, ApprovalState.Unknown, IsDoubtful: true));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _telling;
        for (int left = _owed.Count; left > 0 && _owed.TryDequeue(out Owed owed); left--) await TryTellAsync(owed);
        _stop.Dispose();
    }

    private async Task TellAsync()
    {
        using PeriodicTimer timer = new(TellEvery, clock);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await timer.WaitForNextTickAsync(_stop.Token);
                for (int left = _owed.Count; left > 0 && _owed.TryDequeue(out Owed owed); left--)
                {
                    if (await TryTellAsync(owed)) Close();
                    else _owed.Enqueue(owed);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception fault)
            {
                TellingFailed(log, fault);
            }
        }
    }

    // Reads again first: another gateway may have settled it, taking this one for dead, or a review may have moved it.
    private async ValueTask<bool> TryTellAsync(Owed owed)
    {
        StoreResult<Approval> found = await store.FindAsync(owed.Claim.Id);
        if (!found.IsOk) return found.Status == StoreStatus.NotFound;
        Approval now = found.Value!;
        if (owed.IsDoubtful && now.State == ApprovalState.Approved)
        {
            Approval spent = now with
            {
                State = ApprovalState.Claimed,
                Version = now.Version + 1,
                Call = owed.Claim.Call,
                Claimant = owed.Claim.Claimant,
            };
            StoreResult<Approval> taken = await store.MoveAsync(now, spent);
            if (!taken.IsOk) return taken.Status == StoreStatus.NotFound;
            now = taken.Value!;
        }

        bool isOurs = now.State == ApprovalState.Claimed && now.Call == owed.Claim.Call;
        if (!isOurs) return true;
        StoreResult<Approval> moved = await store.MoveAsync(now, ApprovalRules.Finish(now, owed.Outcome).Next!);
        return moved.IsOk || moved.Status == StoreStatus.NotFound;
    }

    private readonly record struct Owed(Approval Claim, ApprovalState Outcome, bool IsDoubtful);

    [LoggerMessage(Level = LogLevel.Error, Message = "Telling the store of settled approvals failed")]
    private static partial void TellingFailed(ILogger log, Exception fault);
}
