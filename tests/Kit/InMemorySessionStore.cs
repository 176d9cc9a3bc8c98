using System.Collections.Concurrent;
using Countersign.Policy;
using Countersign.Policy.Sessions;

namespace Countersign.Kit;

/// <summary>Sessions in memory, by the same rules as in Redis.</summary>
internal sealed class InMemorySessionStore(TimeProvider clock) : ISessionStore
{
    private readonly ConcurrentDictionary<string, (byte[] Box, DateTimeOffset EndsAt)> _sessions = new();
    private readonly ConcurrentDictionary<string, DateTimeOffset> _ended = new();

    /// <summary>True for a store that does not answer.</summary>
    public bool IsAway { get; set; }

    /// <summary>What is kept, by key.</summary>
    public IReadOnlyDictionary<string, byte[]> Boxes =>
        _sessions.ToDictionary(pair => pair.Key, pair => pair.Value.Box);

    /// <summary>Puts another box in a session's place, as somebody who can write to the store would.</summary>
    public void Plant(string key, byte[] box) => _sessions[key] = (box, clock.GetUtcNow().AddDays(1));

    public ValueTask<StoreStatus> AddAsync(string key, ReadOnlyMemory<byte> box, TimeSpan goodFor)
    {
        if (IsAway) return new(StoreStatus.Unavailable);
        _sessions[key] = (box.ToArray(), clock.GetUtcNow() + goodFor);
        return new(StoreStatus.Ok);
    }

    public ValueTask<StoreResult<byte[]>> FindAsync(string key)
    {
        if (IsAway) return default;
        return new(
            _sessions.TryGetValue(key, out var found) && clock.GetUtcNow() < found.EndsAt
                ? new StoreResult<byte[]>(StoreStatus.Ok, found.Box)
                : new StoreResult<byte[]>(StoreStatus.NotFound, null));
    }

    public ValueTask<StoreStatus> ConfirmAsync(string key, string person, DateTimeOffset begunAt, TimeSpan goodFor)
    {
        if (IsAway) return new(StoreStatus.Unavailable);
        if (_ended.TryGetValue(person, out DateTimeOffset ended) && ended >= begunAt) _sessions.TryRemove(key, out _);
        if (!_sessions.TryGetValue(key, out var found)) return new(StoreStatus.NotFound);
        if (goodFor > TimeSpan.Zero) _sessions[key] = (found.Box, clock.GetUtcNow() + goodFor);
        return new(StoreStatus.Ok);
    }

    public ValueTask<StoreStatus> EndAsync(string key)
    {
        if (IsAway) return new(StoreStatus.Unavailable);
        _sessions.TryRemove(key, out _);
        return new(StoreStatus.Ok);
    }

    public ValueTask<StoreStatus> EndAllAsync(string person, DateTimeOffset at, TimeSpan remember)
    {
        if (IsAway) return new(StoreStatus.Unavailable);
        _ended[person] = at;
        return new(StoreStatus.Ok);
    }
}
