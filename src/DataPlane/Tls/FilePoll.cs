using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Tls;

/// <summary>
/// Has files looked at every few seconds, and at once when asked. Notices of the file system are not relied on: mounted
/// and network folders give none.
/// </summary>
internal sealed partial class FilePoll : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private readonly Lock _one = new();
    private readonly Action[] _refreshes;
    private readonly ITimer _timer;
    private readonly ILogger _log;

    /// <summary>Begins to poll.</summary>
    /// <param name="refreshes">Each looks at its own files; called by one thread at a time.</param>
    /// <param name="clock">Says when.</param>
    /// <param name="log">Hears of a look that failed.</param>
    internal FilePoll(Action[] refreshes, TimeProvider clock, ILogger log)
    {
        _refreshes = refreshes;
        _log = log;
        _timer = clock.CreateTimer(static state => ((FilePoll)state!).Refresh(), this, Every, Every);
    }

    /// <summary>Looks now, or waits for the look that is under way.</summary>
    internal void Refresh()
    {
        lock (_one)
        {
            foreach (Action refresh in _refreshes) Refresh(refresh);
        }
    }

    /// <summary>Stops looking.</summary>
    public void Dispose() => _timer.Dispose();

    // A timer's exception would end the process; what is in use is still good.
    private void Refresh(Action refresh)
    {
        try
        {
            refresh();
        }
        catch (Exception fault)
        {
            LogFault(_log, fault);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The TLS files could not be looked at; the old ones stay")]
    private static partial void LogFault(ILogger log, Exception fault);
}
