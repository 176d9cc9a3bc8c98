namespace Countersign.DataPlane.Http;

/// <summary>
/// Holds a sender to a least rate while it is waited for. Waiting spends time, bytes earn it back; who has none left
/// has passed the deadline. Time that we ourselves keep the sender waiting costs it nothing.
/// </summary>
internal sealed class ReadPace(Deadline deadline, TimeProvider clock)
{
    private int _bytesPerSecondMin;
    private TimeSpan _left;
    private TimeSpan _leftMax;
    private long _waitsSince;
    private long _bytes;

    /// <summary>Begins a message.</summary>
    /// <param name="bytesPerSecondMin">The least rate; 0 for none.</param>
    /// <param name="window">The time it has before its first byte, and may be late by.</param>
    /// <param name="stall">The longest pause that bytes which came fast can earn.</param>
    [HotPath]
    internal void Begin(int bytesPerSecondMin, TimeSpan window, TimeSpan stall)
    {
        _bytesPerSecondMin = bytesPerSecondMin;
        _left = window;
        _leftMax = window > stall ? window : stall;
        _bytes = 0;
        _waitsSince = 0;
    }

    /// <summary>Arms the deadline for a wait; one that goes on is ended first.</summary>
    /// <param name="within">How long this wait may be at any rate.</param>
    /// <param name="bytes">What has come of the message so far.</param>
    [HotPath]
    internal void Wait(TimeSpan within, long bytes)
    {
        if (_waitsSince != 0) Rest();
        _waitsSince = clock.GetTimestamp();
        if (_bytesPerSecondMin == 0)
        {
            deadline.Arm(within);
            return;
        }

        double earned = Math.Min((bytes - _bytes) / (double)_bytesPerSecondMin, _leftMax.TotalSeconds);
        _bytes = bytes;
        _left += TimeSpan.FromSeconds(earned);
        if (_left > _leftMax) _left = _leftMax;
        deadline.Arm(_left < within ? _left : within);
    }

    /// <summary>Ends a wait.</summary>
    [HotPath]
    internal void Rest()
    {
        deadline.Disarm();
        _left -= clock.GetElapsedTime(_waitsSince);
        _waitsSince = 0;
        if (_left < TimeSpan.Zero) _left = TimeSpan.Zero;
    }
}

/// <summary>
/// Holds a receiver to a least rate. A pipe does not tell how much of it was taken, so every byte written adds the time
/// that it may take; what was written and not yet due is remembered from answer to answer.
/// </summary>
internal sealed class WritePace(Deadline deadline, TimeProvider clock)
{
    private long _takenBy;

    /// <summary>Arms the deadline for a write.</summary>
    /// <param name="bytes">How much is written.</param>
    /// <param name="bytesPerSecondMin">The least rate; 0 for none.</param>
    /// <param name="window">What any write may take.</param>
    /// <param name="stall">What any write may take where there is no least rate.</param>
    [HotPath]
    internal void Wait(long bytes, int bytesPerSecondMin, TimeSpan window, TimeSpan stall)
    {
        if (bytesPerSecondMin == 0)
        {
            deadline.Arm(stall);
            return;
        }

        long now = clock.GetTimestamp();
        if (_takenBy < now) _takenBy = now;
        _takenBy += (long)(bytes / (double)bytesPerSecondMin * clock.TimestampFrequency);
        TimeSpan due = clock.GetElapsedTime(now, _takenBy);
        deadline.Arm(due > window ? due : window);
    }
}
