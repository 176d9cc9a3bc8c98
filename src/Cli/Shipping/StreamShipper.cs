using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Shipping;

/// <summary>
/// Carries entries from the streams of a fleet on to a destination that knows them by log and number, and acknowledges
/// them once they are there: gateways then need no way to the destination. What was taken and not acknowledged, by this
/// or by a consumer that is gone, comes again.
/// </summary>
internal sealed partial class StreamShipper(
    RedisAuditStreamReader reader, Func<IAuditDestination> make, TimeProvider clock, ILogger log) : IAsyncDisposable
{
    private readonly Dictionary<string, Carried> _streams = new(StringComparer.Ordinal);

    /// <summary>Entries that were written and acknowledged.</summary>
    internal long Shipped { get; private set; }

    /// <summary>Entries that the destination lacks and the streams no longer hold.</summary>
    internal long Missing { get; private set; }

    /// <summary>Carries until cancelled, or, with <paramref name="untilDone"/>, until no stream has more.</summary>
    internal async Task RunAsync(bool untilDone, CancellationToken cancellation)
    {
        TimeSpan wait = ShipLimits.RetryAfter;
        try
        {
            while (!cancellation.IsCancellationRequested)
            {
                (long carried, bool failed) = await RoundAsync(cancellation);
                if (carried > 0) wait = ShipLimits.RetryAfter;
                else if (!failed && untilDone) break;
                else await Task.Delay(failed ? wait : ShipLimits.PollEvery, clock, cancellation);
                if (failed) wait = TimeSpan.FromTicks(Math.Min(wait.Ticks * 2, ShipLimits.RetryAfterMax.Ticks));
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // What is not acknowledged comes again another time.
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Carried stream in _streams.Values) await stream.Destination.DisposeAsync();
    }

    private async Task<(long Carried, bool Failed)> RoundAsync(CancellationToken cancellation)
    {
        if (await reader.StreamsAsync() is not { } names) return (0, true);
        long carried = 0;
        bool failed = false;
        foreach (AuditStreamName name in names)
        {
            if (!_streams.TryGetValue(name.Key, out Carried? stream))
                _streams[name.Key] = stream = new Carried(name, make());
            long count = await CarryAsync(stream, cancellation);
            if (count < 0) failed = true;
            else carried += count;
        }

        return (carried, failed);
    }

    // How many entries went on; -1 where something did not answer.
    private async Task<long> CarryAsync(Carried stream, CancellationToken cancellation)
    {
        string key = stream.Name.Key;
        if (!stream.IsOpen)
        {
            if (!await reader.JoinAsync(key)) return -1;
            ShipOpening opening = await stream.Destination.OpenAsync(stream.Log, cancellation);
            if (opening.Status != ShipStatus.Taken) return Fail(stream, new(opening.Status, opening.Message));
            (stream.IsOpen, stream.TakesAgain, stream.Next) = (true, true, opening.Next);
        }

        if (await TakeAsync(stream) is not { } taken) return -1;
        if (taken.Count == 0) return 0;
        List<ShippedEntry> entries =
            [.. taken.Select(entry => new ShippedEntry(entry.Index, entry.Leaf.ToArray(), entry.Record))];
        ShipResult result = await stream.Destination.WriteAsync(
            new ShipBatch(stream.Log, stream.Next, entries), cancellation);
        if (result.Status != ShipStatus.Taken) return Fail(stream, result);
        if (entries[0].Index > stream.Next) TellMissing(stream, entries[0].Index);
        stream.Next = Math.Max(stream.Next, entries[^1].Index + 1);
        if (!await reader.AcknowledgeAsync(key, taken)) return -1;
        Shipped += taken.Count;
        return taken.Count;
    }

    private async Task<IReadOnlyList<AuditStreamEntry>?> TakeAsync(Carried stream)
    {
        string key = stream.Name.Key;
        if (stream.TakesAgain)
        {
            IReadOnlyList<AuditStreamEntry>? own = await reader.TakeAsync(key, true, ShipLimits.BatchEntriesMax);
            if (own is null or { Count: > 0 }) return own;
            stream.TakesAgain = false;
        }

        if (stream.ClaimedAt == 0 || clock.GetElapsedTime(stream.ClaimedAt) >= ShipLimits.ClaimedAfter)
        {
            IReadOnlyList<AuditStreamEntry>? left = await reader.ClaimAsync(
                key, ShipLimits.ClaimedAfter, ShipLimits.BatchEntriesMax);
            if (left is null or { Count: > 0 }) return left;
            stream.ClaimedAt = clock.GetTimestamp();
        }

        return await reader.TakeAsync(key, false, ShipLimits.BatchEntriesMax);
    }

    private long Fail(Carried stream, ShipResult result)
    {
        stream.IsOpen = false;
        LogFailed(log, stream.Name.Origin, result.Status, result.Message);
        return -1;
    }

    private void TellMissing(Carried stream, long first)
    {
        Missing += first - stream.Next;
        LogMissing(log, stream.Name.Origin, stream.Next, first - 1);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Entries of {Origin} are not shipped: {Status}, {Message}")]
    private static partial void LogFailed(ILogger log, string origin, ShipStatus status, string message);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Entries {First} to {Last} of {Origin} are neither in the stream nor where it is shipped to; the "
            + "gateway's own log has them: ship from its folder once")]
    private static partial void LogMissing(ILogger log, string origin, long first, long last);

    private sealed class Carried(AuditStreamName name, IAuditDestination destination)
    {
        internal AuditStreamName Name { get; } = name;

        internal LogIdentity Log { get; } = new(name.Origin, name.First);

        internal IAuditDestination Destination { get; } = destination;

        internal bool IsOpen { get; set; }

        internal bool TakesAgain { get; set; }

        internal long Next { get; set; }

        internal long ClaimedAt { get; set; }
    }
}
