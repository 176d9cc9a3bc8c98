using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Countersign.DataPlane.Http;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Room for one more call: in the gateway before any work is done, at its upstream once that is known, and in memory
/// for what must be held back. No room means 503 at once, which costs less than an answer that comes too late. No lock,
/// no allocation; what a call takes up is on its <see cref="AdmissionTicket"/>.
/// </summary>
internal sealed class Admission
{
    // A thousand is the best there can be; one upstream that hangs must not count for more than this in the mean.
    private const long RatioOne = 1_000;
    private const long RatioMax = 4 * RatioOne;

    // Below a millisecond the noise of schedulers is larger than what queueing adds.
    private static readonly TimeSpan LatencyLeast = TimeSpan.FromMilliseconds(1);

    private readonly ConditionalWeakTable<Policy.Upstream, ConcurrencyLimit> _byUpstream = [];
    private readonly ConcurrentDictionary<string, ConcurrencyLimit> _byName = new(StringComparer.Ordinal);
    private readonly Limits _limits;
    private readonly TimeProvider _clock;
    private int _parked;
    private long _bufferedBytes;

    internal Admission(Limits limits, TimeProvider clock)
    {
        _limits = limits;
        _clock = clock;
        Gateway = new ConcurrencyLimit(
            limits.AdaptiveCallsMin, limits.CallsInFlightMax, limits.AdaptiveConcurrency, RatioOne,
            clock.TimestampFrequency);
    }

    /// <summary>Calls in flight in all.</summary>
    internal ConcurrencyLimit Gateway { get; }

    /// <summary>Calls held for an approval now.</summary>
    internal int Parked => Volatile.Read(ref _parked);

    /// <summary>Memory promised to held bodies now, bytes.</summary>
    internal long BufferedBytes => Volatile.Read(ref _bufferedBytes);

    /// <summary>Takes a call in, or sheds it before anything is known of it but its head.</summary>
    [HotPath]
    internal Verdict Admit(CallContext call)
    {
        if (call.Ticket.TryEnter(this)) return Verdict.Proceed;
        call.Detail = "There are too many calls in flight.";
        return Verdict.Overloaded;
    }

    /// <summary>
    /// Takes a decided call in at its upstream, with the window that its masks will need. Before any pause: what has
    /// been approved and claimed is never shed.
    /// </summary>
    [HotPath]
    internal Verdict AdmitTo(CallContext call)
    {
        if (!call.Ticket.TryEnterUpstream(LimitOf(call.Function!.Upstream)))
        {
            call.Detail = "There are too many calls in flight to the function's upstream.";
            return Verdict.Overloaded;
        }

        if (call.Decision!.Masks.Count == 0 || call.Ticket.TryHoldWindow(_limits.ReplyWindowBytes))
        {
            return Verdict.Proceed;
        }

        call.Detail = "There is no memory left for answers that must be held back.";
        return Verdict.Overloaded;
    }

    /// <summary>
    /// Notes when the request leaves. One whose body still comes from the client is not timed: that would measure the
    /// client.
    /// </summary>
    [HotPath]
    internal void Depart(CallContext call) =>
        call.Ticket.DepartedAt = call.RequestBody.IsWhole ? _clock.GetTimestamp() : 0;

    /// <summary>
    /// Notes how long the head of the answer took. Failures are often quick and say nothing; running out of time does.
    /// </summary>
    [HotPath]
    internal void Arrive(CallContext call)
    {
        long departedAt = call.Ticket.DepartedAt;
        if (departedAt == 0) return;
        call.Ticket.DepartedAt = 0;
        if (!call.Proceeds && call.Verdict != Verdict.UpstreamTimedOut) return;
        long now = _clock.GetTimestamp(), latency = now - departedAt;
        ConcurrencyLimit upstream = LimitOf(call.Function!.Upstream);
        upstream.Note(latency, now);

        // Upstreams differ by orders of magnitude; how much slower each is than at its best can be averaged.
        double best = upstream.Best;
        if (best > 0) Gateway.Note((long)Math.Min(latency * RatioOne / best, RatioMax), now);
    }

    /// <summary>The limit of one upstream; the same over all versions of a policy that name it.</summary>
    internal ConcurrencyLimit LimitOf(Policy.Upstream upstream) =>
        _byUpstream.TryGetValue(upstream, out ConcurrencyLimit? limit) ? limit : Add(upstream);

    /// <summary>Promises memory, if there is any left.</summary>
    internal bool TryBuffer(long bytes)
    {
        if (Interlocked.Add(ref _bufferedBytes, bytes) <= _limits.BufferedBytesMax) return true;
        Interlocked.Add(ref _bufferedBytes, -bytes);
        return false;
    }

    /// <summary>Promises memory to a call that must not be shed any more, or takes it back.</summary>
    internal void Buffer(long bytes) => Interlocked.Add(ref _bufferedBytes, bytes);

    /// <summary>Counts a call among the held ones, if there is room.</summary>
    internal bool TryPark()
    {
        if (Interlocked.Increment(ref _parked) <= _limits.ParkedCallsMax) return true;
        Interlocked.Decrement(ref _parked);
        return false;
    }

    /// <summary>Counts a held call out.</summary>
    internal void Unpark() => Interlocked.Decrement(ref _parked);

    private ConcurrencyLimit Add(Policy.Upstream upstream)
    {
        ConcurrencyLimit limit = _byName.GetOrAdd(upstream.Name, static (_, own) => own.Make(), this);
        return _byUpstream.GetValue(upstream, _ => limit);
    }

    private ConcurrencyLimit Make() => new(
        _limits.AdaptiveUpstreamCallsMin, _limits.CallsPerUpstreamMax, _limits.AdaptiveConcurrency,
        (long)(LatencyLeast.TotalSeconds * _clock.TimestampFrequency), _clock.TimestampFrequency);
}
