using System.Diagnostics;

namespace Countersign.Bench.Masking;

/// <summary>Processor time, so that others at work on the machine count less.</summary>
internal static class ThreadTime
{
    /// <summary>The time that <paramref name="count"/> turns took: the process's own where the clock of the wall saw
    /// more, since nothing else runs in it meanwhile.</summary>
    internal static TimeSpan Spend(Action turn, int count)
    {
        using Process self = Process.GetCurrentProcess();
        TimeSpan before = self.TotalProcessorTime;
        long startedAt = Stopwatch.GetTimestamp();
        for (int done = 0; done < count; done++) turn();
        TimeSpan wall = Stopwatch.GetElapsedTime(startedAt);
        self.Refresh();
        TimeSpan processor = self.TotalProcessorTime - before;
        return processor > TimeSpan.Zero && processor < wall ? processor : wall;
    }
}
