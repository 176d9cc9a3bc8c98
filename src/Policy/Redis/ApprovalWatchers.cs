using Microsoft.Extensions.Logging;

namespace Countersign.Policy.Redis;

/// <summary>
/// Who waits for which approval on this gateway. All share one subscription. After a reconnect everybody is woken,
/// since nobody knows what was missed.
/// </summary>
internal sealed partial class ApprovalWatchers(ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<Watcher>> _watchers = new(StringComparer.Ordinal);
    private readonly List<Watcher> _forAll = [];

    public IDisposable Add(string id, Action moved)
    {
        var watcher = new Watcher(this, id, _ => moved());
        lock (_gate)
        {
            if (!_watchers.TryGetValue(id, out List<Watcher>? waiting)) _watchers.Add(id, waiting = []);
            waiting.Add(watcher);
        }

        return watcher;
    }

    public IDisposable AddForAll(Action<string?> moved)
    {
        var watcher = new Watcher(this, null, moved);
        lock (_gate) _forAll.Add(watcher);
        return watcher;
    }

    public void Wake(string id)
    {
        Watcher[] woken;
        lock (_gate) woken = [.. _watchers.GetValueOrDefault(id) ?? [], .. _forAll];
        foreach (Watcher watcher in woken) Call(watcher, id);
    }

    public void WakeAll()
    {
        Watcher[] woken;
        lock (_gate) woken = [.. _watchers.Values.SelectMany(waiting => waiting), .. _forAll];
        foreach (Watcher watcher in woken) Call(watcher, null);
    }

    private void Call(Watcher watcher, string? id)
    {
        try
        {
            watcher.Moved(id);
        }
        catch (Exception fault)
        {
            // A watcher's bug must not keep the others asleep.
            WatcherFailed(logger, fault);
        }
    }

    private void Remove(Watcher watcher)
    {
        lock (_gate)
        {
            if (watcher.Id is null)
            {
                _forAll.Remove(watcher);
            }
            else if (_watchers.TryGetValue(watcher.Id, out List<Watcher>? waiting) && waiting.Remove(watcher) &&
                waiting.Count == 0)
            {
                _watchers.Remove(watcher.Id);
            }
        }
    }

    [LoggerMessage(EventId = 11, Level = LogLevel.Error, Message = "A watcher of an approval failed")]
    private static partial void WatcherFailed(ILogger logger, Exception fault);

    private sealed class Watcher(ApprovalWatchers watchers, string? id, Action<string?> moved) : IDisposable
    {
        public string? Id => id;

        public void Moved(string? movedId) => moved(movedId);

        public void Dispose() => watchers.Remove(this);
    }
}
