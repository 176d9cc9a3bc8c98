using Countersign.Bench.Operations;

namespace Countersign.Bench.Gate;

/// <summary>Counts what an operation allocates once it is warm. No timing: only bytes, which do not depend on the
/// machine.</summary>
internal static class AllocationMeter
{
    // Tiering waits for 100 ms without new code, twice: once to instrument, once to optimise.
    private const int WarmPauses = 3;
    private const int Rounds = 3;

    // Where the whole process is counted, what comes by the clock falls into some rounds and not into others.
    private const int ProcessRounds = 6;
    private static readonly TimeSpan WarmPause = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan WarmFor = TimeSpan.FromMilliseconds(150);

    /// <summary>Sets the operation up, warms it and measures it.</summary>
    internal static async Task<Allocation> MeasureAsync(CatalogueEntry entry, TimeProvider clock)
    {
        await using Operation operation = entry.Create();
        await operation.PrepareAsync();
        for (int pause = 0; pause < WarmPauses; pause++)
        {
            long startedAt = clock.GetTimestamp();
            int batch = Math.Clamp(entry.RoundCount / 10, 1, 500);
            while (clock.GetElapsedTime(startedAt) < WarmFor) await operation.RunAsync(batch);
            await Task.Delay(WarmPause, clock);
        }

        // The least of some rounds: what a round has beyond it came from elsewhere.
        double least = double.MaxValue;
        int rounds = operation.SpansThreads ? ProcessRounds : Rounds;
        for (int round = 0; round < rounds; round++)
        {
            long bytes = await RoundAsync(operation, entry.RoundCount);
            least = Math.Min(least, (double)bytes / entry.RoundCount);
        }

        return new Allocation(entry.Name, least, operation.SpansThreads);
    }

    private static async Task<long> RoundAsync(Operation operation, int count)
    {
        if (!operation.SpansThreads) return OnThisThread(operation, count);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        await operation.RunAsync(count);
        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }

    private static long OnThisThread(Operation operation, int count)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Task done = operation.RunAsync(count);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (!done.IsCompletedSuccessfully) throw new InvalidOperationException("the operation waited");
        return allocated;
    }
}
