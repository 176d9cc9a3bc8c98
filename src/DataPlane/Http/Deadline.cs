namespace Countersign.DataPlane.Http;

/// <summary>
/// How long a peer may keep a message waiting. Armed and disarmed by the call, looked at by the listener's heartbeat,
/// which then cancels what waits; a stray cancellation is told from a real one by <see cref="HasPassed"/>.
/// </summary>
internal sealed class Deadline(TimeProvider clock)
{
    private long _at;
    private bool _hasPassed;

    /// <summary>True once the heartbeat found the deadline behind it.</summary>
    internal bool HasPassed => Volatile.Read(ref _hasPassed);

    /// <summary>Starts the wait.</summary>
    [HotPath]
    internal void Arm(TimeSpan within)
    {
        Volatile.Write(ref _hasPassed, false);
        Volatile.Write(ref _at, clock.GetTimestamp() + (long)(within.TotalSeconds * clock.TimestampFrequency));
    }

    /// <summary>Ends the wait.</summary>
    [HotPath]
    internal void Disarm() => Volatile.Write(ref _at, 0);

    /// <summary>Ends the wait as if its time were up; the caller must cancel what waits.</summary>
    internal void Expire() => Volatile.Write(ref _hasPassed, true);

    /// <summary>True if the deadline has passed just now: the caller must cancel what waits.</summary>
    internal bool Passes(long now)
    {
        long at = Volatile.Read(ref _at);
        if (at == 0 || now < at) return false;
        Volatile.Write(ref _hasPassed, true);
        return true;
    }
}
