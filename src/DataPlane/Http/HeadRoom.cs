namespace Countersign.DataPlane.Http;

/// <summary>
/// Where one head lies while its message is under way: its bytes and the slices found in them. Rooms are kept per
/// thread, last in first out, so that a connection which only waits for its next message holds none.
/// </summary>
internal sealed class HeadRoom
{
    /// <summary>The longest head that fits: a request with a token of usual size.</summary>
    internal const int Bytes = 4_096;

    private const int FieldsAtFirst = 32;

    // Together 2.5 MiB a thread; what a burst needs beyond that is left to the collector.
    private const int KeptMax = 512;

    // A head with more fields is rare, and its room is not worth keeping.
    private const int FieldsKeptMax = 128;

    [ThreadStatic]
    private static Shelf? t_kept;

    private HeadRoom(int bytes, int fields)
    {
        Usual = new byte[bytes];
        Fields = new FieldSlice[fields];
    }

    /// <summary>Bytes of a head that is not too long for them; wiped by whoever wrote to them.</summary>
    internal byte[] Usual { get; }

    /// <summary>The slices; what they were before means nothing.</summary>
    internal FieldSlice[] Fields { get; private set; }

    /// <summary>True if it was made for one head that waits, and takes no other.</summary>
    internal bool IsFitted { get; private init; }

    /// <summary>A room that nobody uses.</summary>
    internal static HeadRoom Rent()
    {
        Shelf? kept = t_kept;
        return kept is null || kept.Count == 0 ? new HeadRoom(Bytes, FieldsAtFirst) : kept.Rooms[--kept.Count];
    }

    /// <summary>A room of a head's own size, for one that waits long.</summary>
    internal static HeadRoom Fit(ReadOnlySpan<byte> head, ReadOnlySpan<FieldSlice> fields)
    {
        HeadRoom room = new(head.Length, fields.Length) { IsFitted = true };
        head.CopyTo(room.Usual);
        fields.CopyTo(room.Fields);
        return room;
    }

    /// <summary>Makes place for more fields.</summary>
    internal void GrowFields()
    {
        FieldSlice[] larger = new FieldSlice[Fields.Length * 2];
        Fields.CopyTo(larger, 0);
        Fields = larger;
    }

    /// <summary>Takes the room back.</summary>
    internal void Return()
    {
        if (IsFitted) return;
        Shelf kept = t_kept ??= new Shelf();
        if (kept.Count < KeptMax && Fields.Length <= FieldsKeptMax) kept.Rooms[kept.Count++] = this;
    }

    private sealed class Shelf
    {
        internal HeadRoom[] Rooms { get; } = new HeadRoom[KeptMax];

        internal int Count { get; set; }
    }
}
