using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Countersign.Policy.Redis;

/// <summary>
/// Who waits for which approval on this gateway. All share one subscription. After a reconnect everybody is woken,
/// since nobody knows what was missed. Those who wait for the same one are a chain: mostly it is one alone, and there
/// may be thousands of those.
/// </summary>
internal sealed partial class ApprovalWatchers(ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Watcher> _watchers = new(StringComparer.Ordinal);
    private readonly List<Watcher> _forAll = [];

    public IDisposable Add(string id, Action moved)
    {
        var watcher = new Watcher(this, id, moved);
        lock (_gate)
        {
            ref Watcher? first = ref CollectionsMarshal.GetValueRefOrAddDefault(_watchers, id, out _);
            watcher.Next = first;
            first = watcher;
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
        lock (_gate) woken = [.. Chain(_watchers.GetValueOrDefault(id)), .. _forAll];
        foreach (Watcher watcher in woken) Call(watcher, id);
    }

    public void WakeAll()
    {
        Watcher[] woken;
        lock (_gate) woken = [.. _watchers.Values.SelectMany(Chain), .. _forAll];
        foreach (Watcher watcher in woken) Call(watcher, null);
    }

    private static IEnumerable<Watcher> Chain(Watcher? first)
    {
        for (Watcher? one = first; one is not null; one = one.Next) yield return one;
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
            else
            {
                RemoveFromChain(watcher, watcher.Id);
            }
        }
    }

    // Harmless for one that was removed before.
    private void RemoveFromChain(Watcher watcher, string id)
    {
        if (!_watchers.TryGetValue(id, out Watcher? before)) return;
        if (before == watcher)
        {
            if (watcher.Next is null) _watchers.Remove(id);
            else _watchers[id] = watcher.Next;
            return;
        }

        while (before.Next is not null && before.Next != watcher) before = before.Next;
        before.Next = before.Next?.Next;
    }

    [LoggerMessage(EventId = 11, Level = LogLevel.Error, Message = "A watcher of an approval failed")]
    private static partial void WatcherFailed(ILogger logger, Exception fault);

    // Told of one approval's moves without its id, of all moves with it.
    private sealed class Watcher(ApprovalWatchers watchers, string? id, Delegate moved) : IDisposable
    {
        public string? Id => id;

        public Watcher? Next { get; set; }

        public void Moved(string? movedId)
        {
            if (moved is Action<string?> ofAny) ofAny(movedId);
            else ((Action)moved)();
        }

        public void Dispose() => watchers.Remove(this);
    }
}
