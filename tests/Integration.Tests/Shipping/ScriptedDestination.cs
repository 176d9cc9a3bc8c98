using Countersign.Cli.Shipping;

namespace Countersign.Integration.Tests.Shipping;

/// <summary>What a destination holds, whoever writes to it, and what goes wrong with it.</summary>
internal sealed class DestinationState
{
    /// <summary>The leaves that it holds, by number: a second one under the same number is a duplicate.</summary>
    internal List<(long Index, string Leaf)> Entries { get; } = [];

    /// <summary>True while it does not even open.</summary>
    internal bool IsAway { get; set; }

    /// <summary>What happens to the next write; null for nothing.</summary>
    internal Func<ShipBatch, ShipStatus?>? Before { get; set; }

    /// <summary>True if its acknowledgement of the next write is lost.</summary>
    internal Func<bool>? LosesAnswer { get; set; }
}

/// <summary>A destination in memory that remembers what it has, and fails as it is told.</summary>
internal sealed class ScriptedDestination(DestinationState state) : IAuditDestination
{
    public bool Remembers => true;

    public ValueTask<ShipOpening> OpenAsync(LogIdentity log, CancellationToken cancellation) => new(
        state.IsAway ? new ShipOpening(ShipStatus.Away, "nobody answers")
        : state.Entries.Count == 0
            ? new ShipOpening(ShipStatus.Taken, Next: 0)
            : new ShipOpening(
                ShipStatus.Taken, Next: state.Entries[^1].Index + 1,
                Leaf: Convert.FromBase64String(state.Entries[^1].Leaf)));

    public ValueTask<ShipResult> WriteAsync(ShipBatch batch, CancellationToken cancellation)
    {
        if (state.Before?.Invoke(batch) is { } status) return new(new ShipResult(status, "as told"));
        foreach (ShippedEntry entry in batch.Entries) state.Entries.Add((entry.Index, ShippedLog.Leaf(entry.Leaf)));
        return new(state.LosesAnswer?.Invoke() == true
            ? new ShipResult(ShipStatus.Away, "the answer was lost")
            : ShipResult.Taken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
