using System.Collections.Concurrent;
using System.Threading.Channels;
using Countersign.Policy;
using Microsoft.Extensions.Logging;

namespace Countersign.Identity.Outbound.Brokers;

/// <summary>
/// Revokes secrets whose calls are over, and those of gateways that are gone. What cannot be revoked now stays noted
/// and is tried again.
/// </summary>
public sealed partial class LeaseDesk : IAsyncDisposable
{
    private const int WaitingMax = 100_000;
    private const int AtOnceMax = 16;

    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RevokeWithin = TimeSpan.FromSeconds(10);

    // Longer than a gateway that lives can be silent; after an outage of the store it has twice that to be heard.
    private static readonly TimeSpan Silent = TimeSpan.FromSeconds(15);

    private readonly ILeaseStore _store;
    private readonly string _start;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<string, Func<string, CancellationToken, ValueTask<bool>>> _known =
        new(StringComparer.Ordinal);

    private readonly Channel<HeldLease> _over = Channel.CreateBounded<HeldLease>(
        new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly ConcurrentQueue<HeldLease> _again = new();
    private readonly Dictionary<HeldLease, long> _suspects = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _working = Task.CompletedTask;

    /// <summary>Makes one that does not work yet.</summary>
    /// <param name="store">Where leases are noted.</param>
    /// <param name="start">This start of this gateway.</param>
    /// <param name="clock">The time.</param>
    /// <param name="log">Where what cannot be revoked is told.</param>
    public LeaseDesk(ILeaseStore store, string start, TimeProvider clock, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(start);
        _store = store;
        _start = start;
        _clock = clock;
        _log = log;
    }

    /// <summary>Begins to work. Call it once, when every broker is known.</summary>
    public void Start() => _working = Task.WhenAll(
        [.. Enumerable.Range(0, AtOnceMax).Select(_ => RevokeAllAsync()), RetryAsync(), SweepAsync()]);

    /// <summary>Revokes what is over, as far as that goes at once, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _over.Writer.TryComplete();
        await _stop.CancelAsync();
        await _working;
        _stop.Dispose();
    }

    /// <summary>How one broker's leases are revoked.</summary>
    internal void Know(string broker, Func<string, CancellationToken, ValueTask<bool>> revoke) =>
        _known[broker] = revoke;

    /// <summary>Notes a lease before it is used.</summary>
    internal async ValueTask<bool> TryNoteAsync(HeldLease lease) =>
        await _store.NoteAsync(lease, _start) == StoreStatus.Ok;

    /// <summary>Its call is over. Never waits: what there is no room for is found again by its note.</summary>
    internal void GiveBack(HeldLease lease) => _over.Writer.TryWrite(lease);

    /// <summary>Revokes the leases of gateways that are gone.</summary>
    internal async ValueTask SweepOnceAsync()
    {
        StoreResult<IReadOnlyList<HeldLease>> orphans = await _store.OrphansAsync(Silent);
        if (!orphans.IsOk) return;
        long now = _clock.GetTimestamp();
        foreach (HeldLease gone in _suspects.Keys.Except(orphans.Value!).ToList()) _suspects.Remove(gone);
        foreach (HeldLease orphan in orphans.Value!)
        {
            // Twice seen, with time between: right after an outage every gateway looks gone.
            if (!_known.ContainsKey(orphan.Broker) || _suspects.TryAdd(orphan, now)) continue;
            if (_clock.GetElapsedTime(_suspects[orphan], now) < Silent) continue;
            Orphaned(_log, orphan.Broker);
            if (await TryRevokeAsync(orphan)) _suspects.Remove(orphan);
        }
    }

    private async Task RevokeAllAsync()
    {
        await foreach (HeldLease lease in _over.Reader.ReadAllAsync(CancellationToken.None))
        {
            if (!await TryRevokeAsync(lease)) _again.Enqueue(lease);
        }
    }

    private async Task RetryAsync()
    {
        using PeriodicTimer timer = new(RetryEvery, _clock);
        while (await TicksAsync(timer))
        {
            for (int left = _again.Count; left > 0 && _again.TryDequeue(out HeldLease lease); left--)
            {
                if (!await TryRevokeAsync(lease) && _again.Count < WaitingMax) _again.Enqueue(lease);
            }
        }
    }

    private async Task SweepAsync()
    {
        using PeriodicTimer timer = new(SweepEvery, _clock);
        while (await TicksAsync(timer))
        {
            try
            {
                await SweepOnceAsync();
            }
            catch (Exception fault)
            {
                SweepFailed(_log, fault);
            }
        }
    }

    private async ValueTask<bool> TicksAsync(PeriodicTimer timer)
    {
        try
        {
            return await timer.WaitForNextTickAsync(_stop.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async ValueTask<bool> TryRevokeAsync(HeldLease lease)
    {
        try
        {
            using CancellationTokenSource patience = new(RevokeWithin, _clock);
            if (!_known.TryGetValue(lease.Broker, out Func<string, CancellationToken, ValueTask<bool>>? revoke))
                return false;
            if (!await revoke(lease.Id, patience.Token))
            {
                NotRevoked(_log, lease.Broker);
                return false;
            }

            // Revoking what is revoked already does no harm, so a note that stays is no harm either.
            await _store.ForgetAsync(lease);
            return true;
        }
        catch (Exception fault)
        {
            RevokeFailed(_log, fault, lease.Broker);
            return false;
        }
    }

    [LoggerMessage(
        EventId = 64, Level = LogLevel.Warning,
        Message = "A secret of '{Broker}' was held by a gateway that is gone, and is revoked")]
    private static partial void Orphaned(ILogger log, string broker);

    [LoggerMessage(
        EventId = 65, Level = LogLevel.Warning, Message = "A secret of '{Broker}' was not revoked; it is tried again")]
    private static partial void NotRevoked(ILogger log, string broker);

    [LoggerMessage(EventId = 66, Level = LogLevel.Warning, Message = "Revoking a secret of '{Broker}' failed")]
    private static partial void RevokeFailed(ILogger log, Exception fault, string broker);

    [LoggerMessage(EventId = 67, Level = LogLevel.Error, Message = "The sweep of leases failed")]
    private static partial void SweepFailed(ILogger log, Exception fault);
}
