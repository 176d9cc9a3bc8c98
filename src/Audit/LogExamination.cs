namespace Countersign.Audit;

/// <summary>
/// One walk over entries and tiles. After the first bad entry it goes on over the tiles alone: if those still add up to
/// the signed root, every entry before the bad one is proven, and the bad one is known to be bad rather than its hash.
/// </summary>
internal sealed class LogExamination
{
    private const int ProgressEntries = 4_096;
    private static readonly AuditDamage Rewritten = new(AuditDamageKind.RootMismatch, -1, LogFolder.CheckpointFile, -1,
        "entries and tiles agree, but not with the signed root: both were rewritten");

    private readonly string _folder;
    private readonly LogHead _head;
    private readonly IProgress<long>? _progress;
    private readonly TileReader _tiles;
    private readonly MerkleFrontier _frontier = new();
    private readonly long _hashed;
    private int _knownMet;
    private bool _rootProven;
    private AuditDamage? _damage;
    private AuditDamage? _tileDamage;

    // The first entry that its leaf hash in the tiles contradicts, and what tells how: whoever of the two is wrong
    // shows only at the root.
    private AuditDamage? _suspect;
    private readonly byte[] _suspectLeaf = new byte[AuditLimits.HashBytes];
    private readonly byte[] _leafAfter = new byte[AuditLimits.HashBytes];
    private long _tornBytes;

    internal LogExamination(string folder, LogHead head, IProgress<long>? progress)
    {
        _folder = folder;
        _head = head;
        _progress = progress;
        _tiles = new TileReader(folder);

        // The writer appends the entry before its hash, so whatever is hashed by now must be in the segments.
        _hashed = TileReader.LeafCount(folder, head.Checkpoint.Size);
    }

    private long Covered => _head.Checkpoint.Size;

    internal AuditVerification Run()
    {
        if (_head.Known is [.., { } known] && known.Size > Covered)
        {
            return Conclude(new AuditDamage(AuditDamageKind.RolledBack, Covered, LogFolder.CheckpointFile, -1,
                $"the checkpoint covers {Covered} entries, the known one {known.Size}"), 0);
        }

        WalkEntries();
        if (_rootProven && _suspect is not null) return Conclude(TileOf(_suspect), Covered);
        if (_suspect is not null)
            return Conclude(WithKind(_suspect), HasTilesWithRoot() ? Math.Min(_suspect.Entry, Covered) : 0);
        if (_damage is null) return Conclude(null, Covered);
        if (_rootProven) return Conclude(_damage, Covered);
        long bad = _damage.Entry;
        bool namesEntry = bad >= 0 && bad == _frontier.Size;
        if (!namesEntry) return Conclude(_damage, 0);
        return Conclude(_damage, WalkTiles() ? Math.Min(bad, Covered) : 0);
    }

    private void WalkEntries()
    {
        if (!HoldsKnownRoots()) return;
        if (!TakeDropped()) return;
        using LogCursor cursor = new(_folder, _head.FirstHeld);
        Span<byte> leaf = stackalloc byte[AuditLimits.HashBytes];
        for (; ; )
        {
            (long at, string file, long offset) = (cursor.Index, cursor.File, cursor.Offset);
            FrameStatus status = cursor.Next(out ReadOnlySpan<byte> payload);
            if (status != FrameStatus.Ok)
            {
                EndAt(status, cursor);
                return;
            }

            // The frame may stand in the segment after the one the cursor was in.
            if (cursor.File != file) (file, offset) = (cursor.File, 0);
            MerkleHash.Leaf(payload, leaf);
            CompareLeaf(at, leaf, file, offset);
            if (!Extend(leaf)) return;
            if (at % ProgressEntries == 0) _progress?.Report(at);
        }
    }

    // Entries that were dropped on purpose are known by their hashes alone, which the root must stand over.
    private bool TakeDropped()
    {
        for (long entry = 0; entry < _head.FirstHeld; entry++)
        {
            if (!_tiles.TryRead(0, entry, out ReadOnlySpan<byte> leaf))
            {
                _damage = new AuditDamage(
                    AuditDamageKind.Missing, entry, LogFolder.TileName(0, entry / AuditLimits.TileHashes), -1,
                    "the hash of an entry that was dropped is not in its tile");
                return false;
            }

            if (!Extend(leaf)) return false;
        }

        return true;
    }

    private void EndAt(FrameStatus status, LogCursor cursor)
    {
        bool promised = cursor.Index < Math.Max(Covered, _hashed);
        long behind = cursor.BytesBehind;
        if (status == FrameStatus.End && behind > 0) status = FrameStatus.LengthInvalid;
        if (status == FrameStatus.End && !promised) return;
        bool torn = !promised && status != FrameStatus.Missing && !cursor.HasLaterSegment();
        if (torn) _tornBytes = behind;
        else _damage = FrameDamage.Describe(status, cursor);
    }

    private void CompareLeaf(long entry, ReadOnlySpan<byte> leaf, string file, long offset)
    {
        if (entry >= Math.Max(Covered, _hashed)) return;
        if (_suspect is not null)
        {
            if (entry == _suspect.Entry + 1) leaf.CopyTo(_leafAfter);
            return;
        }

        if (!_tiles.TryRead(0, entry, out ReadOnlySpan<byte> hash))
        {
            string tile = LogFolder.TileName(0, entry / AuditLimits.TileHashes);
            _tileDamage ??= new AuditDamage(
                AuditDamageKind.Missing, entry, tile, -1, "a leaf hash is not in its tile");
            return;
        }

        if (leaf.SequenceEqual(hash)) return;
        leaf.CopyTo(_suspectLeaf);
        _suspect = new AuditDamage(AuditDamageKind.HashMismatch, entry, file, offset,
            "the entry does not match its leaf hash");
    }

    private static AuditDamage TileOf(AuditDamage suspect) => new(
        AuditDamageKind.HashMismatch, -1, LogFolder.TileName(0, suspect.Entry / AuditLimits.TileHashes),
        suspect.Entry % AuditLimits.TileHashes * AuditLimits.HashBytes,
        $"the tile is damaged, no entry is: its hash of entry {suspect.Entry} is not that of the entry");

    // From its neighbours: what stands here, and what comes after it.
    private AuditDamage WithKind(AuditDamage suspect)
    {
        bool isNextHere = Holds(suspect.Entry + 1, _suspectLeaf), isThisAfter = Holds(suspect.Entry, _leafAfter);
        string how = isNextHere && isThisAfter ? "it stands behind the one that followed it: they were exchanged"
            : isNextHere ? "the entry that followed it stands here: it was taken out"
            : isThisAfter ? "it stands one further on: another was put in before it"
            : Holds(suspect.Entry + 1, _leafAfter) ? "the one that follows is as it was: this one was changed"
            : "";
        return how.Length == 0 ? suspect : suspect with { Message = suspect.Message + "; " + how };
    }

    private bool Holds(long entry, ReadOnlySpan<byte> leaf) =>
        _tiles.TryRead(0, entry, out ReadOnlySpan<byte> hash) && hash.SequenceEqual(leaf);

    // All before the suspect agreed with their hashes, so these stand for them.
    private bool HasTilesWithRoot()
    {
        MerkleFrontier frontier = new();
        while (frontier.Size < Covered)
        {
            if (!_tiles.TryRead(0, frontier.Size, out ReadOnlySpan<byte> hash)) return false;
            frontier.Append(hash);
        }

        Span<byte> root = stackalloc byte[AuditLimits.HashBytes];
        frontier.Root(root);
        return root.SequenceEqual(_head.Checkpoint.Root.Span);
    }

    private bool Extend(ReadOnlySpan<byte> leaf)
    {
        int levels = _frontier.Append(leaf);
        for (int level = 1; level < levels; level++) CompareHigher(level);
        if (!HoldsKnownRoots()) return false;
        return true;
    }

    private void CompareHigher(int level)
    {
        long index = _frontier.TileHashIndex(level);
        if (_tileDamage is not null || index >= Covered >> (8 * level)) return;
        bool found = _tiles.TryRead(level, index, out ReadOnlySpan<byte> hash);
        if (found && hash.SequenceEqual(_frontier.TileHash(level))) return;
        (long first, long last) = (index << (8 * level), ((index + 1) << (8 * level)) - 1);
        _tileDamage = new AuditDamage(found ? AuditDamageKind.HashMismatch : AuditDamageKind.Missing,
            first, LogFolder.TileName(level, index / AuditLimits.TileHashes),
            index % AuditLimits.TileHashes * AuditLimits.HashBytes,
            $"the hash over entries {first} to {last} does not match them");
    }

    private bool HoldsKnownRoots()
    {
        for (; _knownMet < _head.Known.Count && _head.Known[_knownMet].Size == _frontier.Size; _knownMet++)
        {
            AuditCheckpoint known = _head.Known[_knownMet];
            if (IsRoot(known) || _suspect is not null) continue;
            _damage = new AuditDamage(AuditDamageKind.ForkedFromKnown, -1, LogFolder.CheckpointFile, -1,
                $"the first {known.Size} entries are not those of the known checkpoint");
            return false;
        }

        if (Covered != _frontier.Size) return true;
        _rootProven = IsRoot(_head.Checkpoint);

        // With the root proven, a bad tile is damage of that tile alone; else it narrows down where the entries
        // changed.
        if (_rootProven) _damage = _tileDamage is null ? null : _tileDamage with { Entry = -1 };
        else _damage = _tileDamage ?? Rewritten;
        return _damage is null;
    }

    private bool IsRoot(AuditCheckpoint checkpoint)
    {
        Span<byte> root = stackalloc byte[AuditLimits.HashBytes];
        _frontier.Root(root);
        return root.SequenceEqual(checkpoint.Root.Span);
    }

    private bool WalkTiles()
    {
        while (_frontier.Size < Covered)
        {
            if (!_tiles.TryRead(0, _frontier.Size, out ReadOnlySpan<byte> hash)) return false;
            _frontier.Append(hash);
        }

        return _frontier.Size > Covered || IsRoot(_head.Checkpoint);
    }

    private AuditVerification Conclude(AuditDamage? damage, long proven) => new()
    {
        Kind = damage?.Kind ?? AuditDamageKind.None,
        FirstBadEntry = damage?.Entry ?? -1,
        File = damage?.File ?? "",
        ByteOffset = damage?.ByteOffset ?? -1,
        Message = damage is null
            ? _head.FirstHeld == 0
                ? $"{Covered} entries are whole and signed"
                : $"{Covered} entries are signed; the first {_head.FirstHeld} were dropped, their hashes are whole"
            : $"{damage.Message}; proven by the signed root: the first {proven} entries",
        Checkpoint = _head.Checkpoint,
        EntriesCovered = Covered,
        EntriesDropped = _head.FirstHeld,
        EntriesProven = proven,
        TailEntries = damage is null ? _frontier.Size - Covered : 0,
        TailTornBytes = _tornBytes,
    };
}
