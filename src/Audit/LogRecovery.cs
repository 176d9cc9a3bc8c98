using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>
/// What a start finds in a folder: the entries, but for those that were dropped on purpose, are read again, hashed
/// again, and must add up to the signed root.
/// Looking
/// changes nothing; <see cref="Repair"/> does, and is called only when looking found no damage.
/// </summary>
internal sealed class LogRecovery(
    IAuditStorage storage, AuditLogOptions options, AuditCheckpoint checkpoint, long held)
{
    private readonly string _folder = options.Folder;
    private TileRestorer _tiles = new(storage, options.Folder, checkpoint.Size, repairs: false);

    /// <summary>Calls that were begun and not ended.</summary>
    internal OpenCalls OpenCalls { get; } = new();

    internal MerkleFrontier Frontier { get; private set; } = new();

    internal AuditDamage? Damage { get; private set; }

    /// <summary>Bytes behind the last whole frame of the newest segment.</summary>
    internal long TornBytes { get; private set; }

    internal long SegmentFirst { get; private set; }

    internal long SegmentBytes { get; private set; }

    internal void Look()
    {
        Scan();
        if (Damage is not null) return;
        if (Frontier.Size < checkpoint.Size)
        {
            Damage = new AuditDamage(AuditDamageKind.RolledBack, Frontier.Size, LogFolder.SegmentName(SegmentFirst),
                SegmentBytes, $"the checkpoint states {checkpoint.Size} entries, the segments hold {Frontier.Size}");
            return;
        }

        _tiles.Finish();
        Damage = _tiles.Damage;
    }

    /// <summary>Cuts the torn tail and writes missing tiles; then the log is whole.</summary>
    internal TileWriter Repair()
    {
        if (TornBytes > 0)
        {
            using SafeFileHandle file = storage.Open(LogFolder.Segment(_folder, SegmentFirst));
            storage.Truncate(file, SegmentBytes);
            storage.Flush(file);
        }

        if (_tiles.NeedsRepair)
        {
            _tiles = new TileRestorer(storage, _folder, checkpoint.Size, repairs: true);
            Frontier = new MerkleFrontier();
            OpenCalls.Clear();
            Scan();
            _tiles.Finish();
        }

        return _tiles.ToWriter();
    }

    private void Scan()
    {
        long from = options.ChecksEverySegment ? held : NewestSegmentUnderTiles();
        using LogCursor cursor = new(_folder, from);
        if (!TakeFromTiles(from)) return;
        Span<byte> leaf = stackalloc byte[AuditLimits.HashBytes];
        FrameStatus status;
        while ((status = cursor.Next(out ReadOnlySpan<byte> payload)) == FrameStatus.Ok)
        {
            MerkleHash.Leaf(payload, leaf);
            if (!Append(leaf)) return;
            OpenCalls.Note(Frontier.Size - 1, payload);
        }

        SegmentFirst = Math.Max(cursor.SegmentFirst, 0);
        SegmentBytes = cursor.Offset;
        long behind = cursor.BytesBehind;
        if (status == FrameStatus.End && behind == 0) return;
        if (status == FrameStatus.End) status = FrameStatus.LengthInvalid;
        bool torn = status != FrameStatus.Missing && cursor.Index >= checkpoint.Size && !cursor.HasLaterSegment();
        if (torn) TornBytes = behind;
        else Damage = FrameDamage.Describe(status, cursor);
    }

    private bool TakeFromTiles(long entries)
    {
        TileReader tiles = new(_folder);
        for (long entry = 0; entry < entries; entry++)
        {
            if (!tiles.TryRead(0, entry, out ReadOnlySpan<byte> leaf))
            {
                string tile = LogFolder.TileName(0, entry / AuditLimits.TileHashes);
                Damage = new AuditDamage(AuditDamageKind.Missing, entry, tile, -1, "a leaf hash is missing");
                return false;
            }

            if (!Append(leaf)) return false;
        }

        return true;
    }

    // The newest segment whose start the checkpoint covers: all before it is proven by the root, without being read.
    // Tiles are not synced, so a stopped machine may have left some of them empty or zero: then all is read.
    private long NewestSegmentUnderTiles()
    {
        long from = held;
        foreach (long first in LogFolder.Segments(_folder))
        {
            if (first <= checkpoint.Size) from = first;
        }

        TileReader tiles = new(_folder);
        for (long entry = 0; entry < from; entry++)
        {
            if (!tiles.TryRead(0, entry, out _)) return held;
        }

        return from;
    }

    private bool Append(ReadOnlySpan<byte> leaf)
    {
        int tileLevels = Frontier.Append(leaf);
        for (int level = 0; level < tileLevels; level++)
        {
            _tiles.Put(level, Frontier.TileHashIndex(level), Frontier.TileHash(level));
        }

        if (Frontier.Size != checkpoint.Size) return true;
        Span<byte> root = stackalloc byte[AuditLimits.HashBytes];
        Frontier.Root(root);
        if (root.SequenceEqual(checkpoint.Root.Span)) return true;

        // Most often one entry was rewritten under a correct CRC; its tile, if that was left alone, names it.
        Damage = _tiles.Damage ?? FirstAgainstTiles() ?? new AuditDamage(AuditDamageKind.RootMismatch, -1,
            LogFolder.CheckpointFile, -1, "the entries do not add up to the signed root");
        return false;
    }

    private AuditDamage? FirstAgainstTiles()
    {
        _tiles.Finish();
        return _tiles.Damage;
    }
}
