using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>
/// Settles what gateways that were killed had claimed: nobody knows what came of it, so it is unknown, and it is never
/// run again. Every gateway gives a sign of life to the store, and every gateway looks for those that have stopped to.
/// </summary>
public sealed partial class ClaimSweep : IAsyncDisposable
{
    private static readonly TimeSpan BeatEvery = TimeSpan.FromSeconds(2);

    // Five signs in a row that did not come: a gateway that cannot reach its store for so long is taken for dead. If it
    // lives, its call goes on, and only its approval's state is less than the truth.
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(1);

    private readonly RedisStore _store;
    private readonly RedisApprovalStore _approvals;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private long _steadySince;

    /// <summary>Makes a sweep that does not run yet.</summary>
    /// <param name="store">The connection.</param>
    /// <param name="approvals">Where approvals are.</param>
    /// <param name="start">This start of this gateway, as its claims name it.</param>
    /// <param name="clock">Times the signs.</param>
    /// <param name="logger">Where claims that are settled so are told.</param>
    public ClaimSweep(
        RedisStore store, RedisApprovalStore approvals, string start, TimeProvider clock, ILogger logger)
    {
        ArgumentException.ThrowIfNullOrEmpty(start);
        _store = store;
        _approvals = approvals;
        Start = start;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>This start of this gateway.</summary>
    public string Start { get; }

    /// <summary>A name for one start of a gateway, which no other start has.</summary>
    public static string NameStart(string gateway, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return gateway + "/" + Guid.CreateVersion7(clock.GetUtcNow()).ToString("N");
    }

    /// <summary>Gives the first sign of life, or tries to, and goes on until it is disposed of. Call it once.</summary>
    public async Task StartAsync()
    {
        _steadySince = _clock.GetTimestamp();
        await BeatAsync();
        _running = Task.Run(RunAsync);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using PeriodicTimer timer = new(BeatEvery, _clock);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await timer.WaitForNextTickAsync(_stop.Token);
                bool beats = await BeatAsync();
                if (beats && _clock.GetElapsedTime(_steadySince) >= Lease) await SweepAsync();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception fault)
            {
                // A bug here must not end the signs: others would take this gateway for dead.
                SweepFailed(_logger, fault);
            }
        }
    }

    // After an outage of the store every gateway's last sign is old. Nobody is judged by it before all have had the
    // time for new ones, which is when this one has given them steadily for a lease.
    private async ValueTask<bool> BeatAsync()
    {
        RedisResult? answer = await _store.EvaluateAsync(
            ApprovalScripts.Beat, [StoreKeys.Gateways], [Start, (long)Remembered.TotalMilliseconds]);
        bool isSteady = answer is not null && (double)answer < Lease.TotalMilliseconds / 2;
        if (!isSteady) _steadySince = _clock.GetTimestamp();
        return answer is not null;
    }

    private async ValueTask SweepAsync()
    {
        RedisResult? orphans = await _store.EvaluateAsync(
            ApprovalScripts.Orphans, [StoreKeys.Gateways, StoreKeys.Claims], [(long)Lease.TotalMilliseconds]);
        if (orphans is null || orphans.Length <= 0) return;
        for (int at = 0; at + 1 < orphans.Length; at += 2)
        {
            await SettleAsync((string)orphans[at]!, (string)orphans[at + 1]!);
        }
    }

    private async ValueTask SettleAsync(string id, string claimant)
    {
        StoreResult<Approval> found = await _approvals.FindAsync(id);
        bool isTheirs = found.IsOk && found.Value!.State == ApprovalState.Claimed && found.Value.Claimant == claimant;
        if (isTheirs)
        {
            MoveOutcome move = ApprovalRules.Finish(found.Value!, ApprovalState.Unknown);
            StoreResult<Approval> moved = await _approvals.MoveAsync(found.Value!, move.Next!);
            if (moved.IsOk) Orphaned(_logger, id, claimant);
        }
        else if (found.Status != StoreStatus.Unavailable)
        {
            // Settled meanwhile, or gone by age. Trimming the index is no move.
            await _store.AskAsync(id, static (database, one) => database.HashDeleteAsync(StoreKeys.Claims, one));
        }
    }

    [LoggerMessage(
        EventId = 30, Level = LogLevel.Warning,
        Message = "Approval {Id} was claimed by {Claimant}, which is gone: what came of it is unknown")]
    private static partial void Orphaned(ILogger logger, string id, string claimant);

    [LoggerMessage(EventId = 31, Level = LogLevel.Error, Message = "The sweep of claims failed")]
    private static partial void SweepFailed(ILogger logger, Exception fault);
}
