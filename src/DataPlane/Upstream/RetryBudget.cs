namespace Countersign.DataPlane.Upstream;

/// <summary>
/// What retries may cost: each call earns a part of one, and a few a second are always there, so that retries help
/// against a broken endpoint and cannot multiply the load on a broken upstream.
/// </summary>
/// <param name="percent">Retries earned per hundred calls; 0 allows none at all.</param>
internal sealed class RetryBudget(int percent)
{
    // In hundredths of a retry.
    private const long Price = 100;
    private const long PerSecond = 10 * Price;
    private const long SavedMax = 100 * Price;

    private long _saved = percent == 0 ? 0 : PerSecond;

    /// <summary>Counts a call.</summary>
    [HotPath]
    internal void Earn()
    {
        // A full budget is only read: calls share no written cache line while all is well.
        if (percent > 0 && Volatile.Read(ref _saved) < SavedMax) Interlocked.Add(ref _saved, percent);
    }

    /// <summary>Counts time.</summary>
    internal void Refill(TimeSpan elapsed)
    {
        if (percent == 0 || Volatile.Read(ref _saved) >= SavedMax) return;
        Interlocked.Add(ref _saved, (long)(Math.Min(elapsed.TotalSeconds, 1) * PerSecond));
    }

    /// <summary>Takes one retry; false if there is none.</summary>
    internal bool TrySpend()
    {
        while (true)
        {
            long saved = Volatile.Read(ref _saved);
            if (saved < Price) return false;
            if (Interlocked.CompareExchange(ref _saved, saved - Price, saved) == saved) return true;
        }
    }
}
