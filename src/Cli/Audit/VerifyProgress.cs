using System.Globalization;

namespace Countersign.Cli.Audit;

/// <summary>How far a verification has come, on one line that is written over; silent where nobody looks.</summary>
internal sealed class VerifyProgress(CommandEnvironment environment, long total, bool isShown) : IProgress<long>
{
    private const int BarWidth = 30;

    private static readonly TimeSpan ShowEvery = TimeSpan.FromMilliseconds(200);

    private readonly long _startedAt = environment.Clock.GetTimestamp();
    private long _shownAt;
    private int _width;

    /// <summary>Time since the beginning.</summary>
    internal TimeSpan Elapsed => environment.Clock.GetElapsedTime(_startedAt);

    /// <inheritdoc/>
    public void Report(long value)
    {
        if (!isShown) return;
        long now = environment.Clock.GetTimestamp();
        if (_shownAt != 0 && environment.Clock.GetElapsedTime(_shownAt, now) < ShowEvery) return;
        _shownAt = now;
        double part = total > 0 ? Math.Min(1, value / (double)total) : 0;
        string bar = new string('#', (int)(part * BarWidth)).PadRight(BarWidth, '.');
        string line = string.Create(
            CultureInfo.InvariantCulture, $"[{bar}] {part,4:P0}  {value:N0} entries  {Rate(value):N0}/s");
        environment.Error.Write("\r" + line.PadRight(_width));
        _width = Math.Max(_width, line.Length);
    }

    /// <summary>Entries a second.</summary>
    internal double Rate(long entries) => entries / Math.Max(Elapsed.TotalSeconds, 1e-6);

    /// <summary>Takes the line away again.</summary>
    internal void End()
    {
        if (_shownAt != 0) environment.Error.Write("\r" + new string(' ', _width) + "\r");
    }
}
