namespace Countersign.Cli.Shipping;

/// <summary>One entry as it is shipped.</summary>
/// <param name="Index">Its number in its log, from 0.</param>
/// <param name="Leaf">RFC 6962 hash of the whole entry, copies included: what a proof is about.</param>
/// <param name="Record">The record: UTF-8 JSON, without the copies of bodies unless the destination is to have
/// them.</param>
internal sealed record ShippedEntry(long Index, byte[] Leaf, ReadOnlyMemory<byte> Record);

/// <summary>Entries for one write, in order.</summary>
/// <param name="Log">Whose.</param>
/// <param name="Follows">The entry that the destination expects next. Less than the first where retention dropped what
/// lies between.</param>
/// <param name="Entries">At least one.</param>
internal sealed record ShipBatch(LogIdentity Log, long Follows, IReadOnlyList<ShippedEntry> Entries)
{
    /// <summary>The entry after the last.</summary>
    internal long Next => Entries[^1].Index + 1;
}
