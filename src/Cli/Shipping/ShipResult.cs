namespace Countersign.Cli.Shipping;

/// <summary>What a destination did. Zero took nothing.</summary>
internal enum ShipStatus : byte
{
    /// <summary>It did not answer, or not that it took all.</summary>
    Away = 0,

    /// <summary>It has everything of the batch, now or before.</summary>
    Taken,

    /// <summary>It is full until somebody acknowledges what it holds.</summary>
    Full,

    /// <summary>It refuses, and will until somebody changes something.</summary>
    Refused,

    /// <summary>It holds other entries of this log under these numbers: one of the two was rewritten.</summary>
    Contradicted,
}

/// <summary>What came of a write.</summary>
/// <param name="Status">How it went.</param>
/// <param name="Message">Why not; never holds a secret.</param>
/// <param name="Rejected">Entries that it took and threw away, as it says itself.</param>
internal readonly record struct ShipResult(ShipStatus Status, string Message = "", long Rejected = 0)
{
    internal static ShipResult Taken => new(ShipStatus.Taken);
}

/// <summary>How a destination stands with a log.</summary>
/// <param name="Status">Taken: it can be written to.</param>
/// <param name="Message">Why not.</param>
/// <param name="Next">The entry that it expects next; -1 where it cannot tell.</param>
/// <param name="Leaf">The hash of the entry before that; empty where it has none.</param>
internal sealed record ShipOpening(ShipStatus Status, string Message = "", long Next = -1, byte[]? Leaf = null);
