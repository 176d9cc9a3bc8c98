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

    /// <summary>Bytes of a head that is not too long for them; wiped by whoever wrote to them.</summary>
    internal byte[] Usual { get; } = new byte[Bytes];

    /// <summary>The slices; what they were before means nothing.</summary>
    internal FieldSlice[] Fields { get; private set; } = new FieldSlice[FieldsAtFirst];

    /// <summary>A room that nobody uses.</summary>
    internal static HeadRoom Rent()
    {
        Shelf? kept = t_kept;
        return kept is null || kept.Count == 0 ? new HeadRoom() : kept.Rooms[--kept.Count];
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
        Shelf kept = t_kept ??= new Shelf();
        if (kept.Count < KeptMax && Fields.Length <= FieldsKeptMax) kept.Rooms[kept.Count++] = this;
    }

    private sealed class Shelf
    {
        internal HeadRoom[] Rooms { get; } = new HeadRoom[KeptMax];

        internal int Count { get; set; }
    }
}
