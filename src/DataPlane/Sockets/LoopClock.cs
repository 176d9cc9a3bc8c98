namespace Countersign.DataPlane.Sockets;

/// <summary>
/// The clock as an event loop sees it: looked at once for each event, since a call asks for the time some twenty times
/// and works through an event in microseconds. Other threads see the clock itself.
/// </summary>
internal sealed class LoopClock(TimeProvider clock) : TimeProvider
{
    [ThreadStatic]
    private static long t_timestamp;

    [ThreadStatic]
    private static DateTimeOffset t_now;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => clock.LocalTimeZone;

    /// <inheritdoc/>
    public override long TimestampFrequency => clock.TimestampFrequency;

    /// <summary>An event's turn begins on the current thread, which is a loop.</summary>
    [HotPath]
    internal void Turn()
    {
        t_timestamp = clock.GetTimestamp();
        t_now = default;
    }

    /// <summary>The current thread goes to sleep; what it does until its next turn takes its time.</summary>
    internal static void Rest() => t_timestamp = 0;

    /// <inheritdoc/>
    [HotPath]
    public override long GetTimestamp()
    {
        long timestamp = t_timestamp;
        return timestamp != 0 ? timestamp : clock.GetTimestamp();
    }

    /// <inheritdoc/>
    [HotPath]
    public override DateTimeOffset GetUtcNow()
    {
        if (t_timestamp == 0) return clock.GetUtcNow();
        DateTimeOffset now = t_now;
        if (now == default) t_now = now = clock.GetUtcNow();
        return now;
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        clock.CreateTimer(callback, state, dueTime, period);
}
