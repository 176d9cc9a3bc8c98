namespace Countersign.DataPlane.Calls;

/// <summary>
/// How many calls may be in flight at once: at most so many, and fewer while they take longer than at their best
/// (docs/decisions/0009). No lock and no allocation: calls count up and down, and now and then one of them, alone,
/// takes stock.
/// </summary>
internal sealed class ConcurrencyLimit
{
    // Twice the best is what queueing within bounds looks like; from there on more calls only wait longer.
    private const double Tolerance = 2;

    // A single stock-taking lowers the limit by a tenth at most, so that one bad moment is not an outage.
    private const double GradientMin = 0.5;
    private const double Smoothing = 0.2;
    private const double HealthyGrowth = 0.1;

    // What has become slower for good becomes the new best within minutes: 600 stock-takings are one.
    private const double Forgetting = 1.0 / 600;
    private const int SamplesMin = 16;
    private static readonly TimeSpan StockEvery = TimeSpan.FromMilliseconds(100);

    private readonly int _min;
    private readonly int _max;
    private readonly long _bestLeast;
    private readonly bool _isAdaptive;
    private readonly long _stockEvery;
    private double _exact;
    private double _best;
    private int _limit;
    private int _inFlight;
    private int _peak;
    private long _sum;
    private int _count;
    private long _stockAt;

    /// <summary>Begins at the most.</summary>
    /// <param name="min">The least it sinks to.</param>
    /// <param name="max">The most.</param>
    /// <param name="isAdaptive">False holds it at the most.</param>
    /// <param name="bestLeast">No best is better than this: below it lies noise. In units of latency.</param>
    /// <param name="timestampFrequency">Timestamps per second.</param>
    internal ConcurrencyLimit(int min, int max, bool isAdaptive, long bestLeast, long timestampFrequency)
    {
        _min = Math.Min(min, max);
        _max = max;
        _exact = _limit = max;
        _bestLeast = bestLeast;
        _isAdaptive = isAdaptive;
        _stockEvery = (long)(StockEvery.TotalSeconds * timestampFrequency);
    }

    /// <summary>The limit now.</summary>
    internal int Current => Volatile.Read(ref _limit);

    /// <summary>Calls in flight now.</summary>
    internal int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>The best latency known; 0 before the first stock-taking.</summary>
    internal double Best => Volatile.Read(ref _best);

    /// <summary>Counts a call in, if there is room.</summary>
    [HotPath]
    internal bool TryEnter()
    {
        int inFlight = Interlocked.Increment(ref _inFlight);

        // A peak that a race forgets is found by the next call.
        if (inFlight > Volatile.Read(ref _peak)) Volatile.Write(ref _peak, inFlight);
        if (inFlight <= Volatile.Read(ref _limit)) return true;
        Interlocked.Decrement(ref _inFlight);
        return false;
    }

    /// <summary>Counts a call in that was promised its turn: it comes back from being held.</summary>
    internal void Enter() => Interlocked.Increment(ref _inFlight);

    /// <summary>Counts a call out.</summary>
    [HotPath]
    internal void Leave() => Interlocked.Decrement(ref _inFlight);

    /// <summary>Notes how long a call took.</summary>
    /// <param name="latency">In timestamps, or any unit as long as it is always the same.</param>
    /// <param name="now">The timestamp now.</param>
    [HotPath]
    internal void Note(long latency, long now)
    {
        if (!_isAdaptive) return;
        Interlocked.Add(ref _sum, latency);
        int count = Interlocked.Increment(ref _count);
        long stockAt = Volatile.Read(ref _stockAt);
        if (now < stockAt || count < SamplesMin) return;
        if (Interlocked.CompareExchange(ref _stockAt, long.MaxValue, stockAt) != stockAt) return;
        TakeStock();
        Volatile.Write(ref _stockAt, now + _stockEvery);
    }

    private void TakeStock()
    {
        double mean = Interlocked.Exchange(ref _sum, 0) / (double)Math.Max(Interlocked.Exchange(ref _count, 0), 1);
        int peak = Interlocked.Exchange(ref _peak, InFlight);
        mean = Math.Max(mean, _bestLeast);

        // Above its least, a limit that is reached may itself be what makes calls wait: then nothing is forgotten.
        if (_best == 0 || mean < _best) _best = mean;
        else if (peak <= _limit || _limit <= _min) _best += (mean - _best) * Forgetting;
        double gradient = Math.Clamp(Tolerance * _best / mean, GradientMin, 1);
        double room = Math.Sqrt(_exact);
        if (gradient == 1) room = Math.Max(room, _exact * HealthyGrowth);
        double next = (_exact * (1 - Smoothing)) + (((_exact * gradient) + room) * Smoothing);

        // Where there is twice the room that is used, slowness has another cause than calls in flight.
        bool isUsed = peak > _limit / 2;
        if (gradient < 1 && !isUsed) next = Math.Max(next, Math.Min(_exact, 2.0 * peak));
        _exact = Math.Clamp(next, _min, _max);
        Volatile.Write(ref _limit, (int)_exact);
    }
}
