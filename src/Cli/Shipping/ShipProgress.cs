namespace Countersign.Cli.Shipping;

/// <summary>How one destination is doing, for metrics and for people. Written by its shipper alone.</summary>
internal sealed class ShipProgress(string name)
{
    private long _next;
    private long _oldestTicks;
    private long _shipped;
    private long _failures;
    private long _rejected;
    private long _lost;
    private int _status = (int)ShipStatus.Taken;

    /// <summary>The destination's name.</summary>
    internal string Name { get; } = name;

    /// <summary>The entry to ship next.</summary>
    internal long Next => Volatile.Read(ref _next);

    /// <summary>Entries that were taken since the start.</summary>
    internal long Shipped => Volatile.Read(ref _shipped);

    /// <summary>Writes and openings that failed since the start.</summary>
    internal long Failures => Volatile.Read(ref _failures);

    /// <summary>Entries that the destination says that it threw away.</summary>
    internal long Rejected => Volatile.Read(ref _rejected);

    /// <summary>Entries that retention dropped before they were shipped.</summary>
    internal long Lost => Volatile.Read(ref _lost);

    /// <summary>How the last attempt went.</summary>
    internal ShipStatus Status => (ShipStatus)Volatile.Read(ref _status);

    /// <summary>Why, where it did not go well.</summary>
    internal string Message { get; private set; } = "";

    /// <summary>How long the oldest entry that waits has waited; zero where none does.</summary>
    internal TimeSpan Behind(DateTimeOffset now)
    {
        long oldest = Volatile.Read(ref _oldestTicks);
        return oldest == 0 || now.UtcTicks <= oldest ? TimeSpan.Zero : TimeSpan.FromTicks(now.UtcTicks - oldest);
    }

    /// <summary>True while it is known since when the oldest entry waits.</summary>
    internal bool IsWaiting => Volatile.Read(ref _oldestTicks) != 0;

    internal void Advance(long next, long entries, long rejected)
    {
        Volatile.Write(ref _next, next);
        Volatile.Write(ref _shipped, _shipped + entries);
        Volatile.Write(ref _rejected, _rejected + rejected);
    }

    internal void Waits(DateTimeOffset? oldest) => Volatile.Write(ref _oldestTicks, oldest?.UtcTicks ?? 0);

    internal void Lose(long entries) => Volatile.Write(ref _lost, _lost + entries);

    internal void Tell(ShipStatus status, string message)
    {
        Message = message;
        if (status != ShipStatus.Taken) Volatile.Write(ref _failures, _failures + 1);
        Volatile.Write(ref _status, (int)status);
    }
}
