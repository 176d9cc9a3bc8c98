namespace Countersign.Audit;

/// <summary>
/// Proves some entries alone: their hashes are made from the entries, those of all others are taken from the tiles, and
/// together they must give the signed root. A tile that lies cannot make a changed entry pass.
/// </summary>
internal sealed class RangeExamination(string folder, LogHead head, long from, long to, IProgress<long>? progress)
    : IDisposable
{
    private const int ProgressEntries = 4_096;

    private readonly TileReader _tiles = new(folder);
    private readonly TileReader _leaves = new(folder);
    private readonly LogCursor _cursor = new(folder, Math.Max(from, head.FirstHeld));

    // What retention dropped is proven by its hashes, as all others are.
    private readonly long _from = Math.Min(Math.Max(from, head.FirstHeld), to);
    private AuditDamage? _damage;
    private AuditDamage? _suspect;

    internal AuditVerification Run()
    {
        long covered = head.Checkpoint.Size;
        if (to > covered)
        {
            _damage = new AuditDamage(AuditDamageKind.RolledBack, covered, LogFolder.CheckpointFile, -1,
                $"the checkpoint covers {covered} entries");
            return Conclude();
        }

        Span<byte> root = stackalloc byte[AuditLimits.HashBytes];
        if (TryHash(0, covered, root) && !root.SequenceEqual(head.Checkpoint.Root.Span))
        {
            _damage = _suspect ?? new AuditDamage(AuditDamageKind.RootMismatch, -1, LogFolder.CheckpointFile, -1,
                "these entries and the other tiles do not add up to the signed root");
        }

        return Conclude();
    }

    public void Dispose() => _cursor.Dispose();

    private bool TryHash(long first, long end, Span<byte> hash)
    {
        if (end <= from || first >= to) return TryOther(first, end, hash);
        if (end - first == 1) return first < _from ? TryOther(first, end, hash) : TryEntry(first, hash);
        long middle = first + AuditProof.Half(end - first);
        Span<byte> right = stackalloc byte[AuditLimits.HashBytes];
        if (!TryHash(first, middle, hash) || !TryHash(middle, end, right)) return false;
        MerkleHash.Node(hash, right, hash);
        return true;
    }

    private bool TryOther(long first, long end, Span<byte> hash)
    {
        if (AuditProof.TryHash(_tiles, first, end, hash)) return true;
        _damage ??= new AuditDamage(AuditDamageKind.Missing, -1, "tile", -1,
            $"the hashes of entries {first} to {end - 1} are not in the tiles");
        return false;
    }

    private bool TryEntry(long entry, Span<byte> hash)
    {
        FrameStatus status = _cursor.Next(out ReadOnlySpan<byte> payload);
        if (status != FrameStatus.Ok)
        {
            _damage = FrameDamage.Describe(status, _cursor);
            return false;
        }

        MerkleHash.Leaf(payload, hash);
        if (_leaves.TryRead(0, entry, out ReadOnlySpan<byte> held) && !held.SequenceEqual(hash))
        {
            _suspect ??= new AuditDamage(AuditDamageKind.HashMismatch, entry, _cursor.File, -1,
                "the entry does not match its leaf hash");
        }

        if (entry % ProgressEntries == 0) progress?.Report(entry - from);
        return true;
    }

    private AuditVerification Conclude() => new()
    {
        Kind = _damage?.Kind ?? AuditDamageKind.None,
        FirstBadEntry = _damage?.Entry ?? -1,
        File = _damage?.File ?? "",
        ByteOffset = _damage?.ByteOffset ?? -1,
        Message = _damage is null
            ? _from == from
                ? $"entries {from} to {to - 1} are whole and signed"
                : $"entries {from} to {to - 1} are signed; those before {_from} were dropped, their hashes are whole"
            : _damage.Message + "; nothing of the range is proven",
        Checkpoint = head.Checkpoint,
        EntriesCovered = to - from,
        EntriesDropped = _damage is null ? _from - from : 0,
        EntriesProven = _damage is null ? to - from : 0,
    };
}
