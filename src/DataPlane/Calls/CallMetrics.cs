using System.Diagnostics.Metrics;
using Countersign.DataPlane.Sockets;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// What is measured of calls. Counts are kept per lane, so that lanes share no cache line, and added up when somebody
/// asks. Labels are verdicts, never anything of a call.
/// </summary>
internal sealed class CallMetrics
{
    // A lane's counts begin a cache line after those of the lane before: verdicts, then calls begun.
    private const int Begun = 48;
    private const int Stride = 64;

    // Seconds: from what the gateway itself takes to what functions take.
    private static readonly double[] Boundaries =
        [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private readonly long[] _counts = new long[Lane.Count * Stride];
    private readonly Histogram<double> _duration;

    internal CallMetrics(Meter meter)
    {
        meter.CreateObservableCounter("countersign.calls", Ended, description: "Calls that ended, by verdict.");
        meter.CreateObservableGauge("countersign.calls.active", () => Active, description: "Calls in flight.");
        _duration = meter.CreateHistogram(
            "countersign.call.duration", unit: "s",
            description: "From a request's whole head to the last byte of its answer, held calls included.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Boundaries });
    }

    /// <summary>Calls in flight.</summary>
    internal long Active
    {
        get
        {
            // Ends first: a call that begins and ends meanwhile must not make the difference negative.
            long ended = 0;
            foreach (Verdict verdict in Enum.GetValues<Verdict>()) ended += Count((int)verdict);
            return Count(Begun) - ended;
        }
    }

    /// <summary>Counts a call in.</summary>
    [HotPath]
    internal void Begin() => Interlocked.Increment(ref _counts[(Lane.Current * Stride) + Begun]);

    /// <summary>Counts a call out.</summary>
    [HotPath]
    internal void End(Verdict verdict, TimeSpan duration)
    {
        Interlocked.Increment(ref _counts[(Lane.Current * Stride) + (int)verdict]);
        _duration.Record(duration.TotalSeconds);
    }

    private IEnumerable<Measurement<long>> Ended() =>
        from verdict in Enum.GetValues<Verdict>()
        group Count((int)verdict) by VerdictTable.AuditName(verdict) into named
        select new Measurement<long>(named.Sum(), new KeyValuePair<string, object?>("verdict", named.Key));

    private long Count(int index)
    {
        long sum = 0;
        for (int lane = 0; lane < Lane.Count; lane++) sum += Volatile.Read(ref _counts[(lane * Stride) + index]);
        return sum;
    }
}
