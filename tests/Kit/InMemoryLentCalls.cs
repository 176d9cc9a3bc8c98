using System.Collections.Concurrent;
using Countersign.Policy;

namespace Countersign.Kit;

/// <summary>Gateways that can be asked for their calls, without a store between.</summary>
internal sealed class InMemoryLentCalls : ILentCalls
{
    private readonly ConcurrentDictionary<string, Func<Guid, bool>> _served = new(StringComparer.Ordinal);

    /// <summary>True while nobody can be asked.</summary>
    internal bool IsAway { get; set; }

    public Task ServeAsync(string start, Func<Guid, bool> isInFlight)
    {
        _served[start] = isInFlight;
        return Task.CompletedTask;
    }

    public ValueTask<StoreStatus> AskAsync(string start, Guid call)
    {
        if (IsAway) return new(StoreStatus.Unavailable);
        bool isSo = _served.TryGetValue(start, out Func<Guid, bool>? isInFlight) && isInFlight(call);
        return new(isSo ? StoreStatus.Ok : StoreStatus.NotFound);
    }
}
