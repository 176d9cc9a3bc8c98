using System.Buffers.Binary;
using System.Globalization;

namespace Countersign.Audit;

/// <summary>
/// Writes a log as the static directory of C2SP tlog-tiles: checkpoint, tiles of all levels, entry bundles, and the
/// partial ones of the newest head, so that tools of others read and verify it from any web server or file system.
/// What an earlier export wrote is kept, and only what is new is added. Works beside a live writer.
/// </summary>
public static class TileExport
{
    private const string BundleFolder = "tile/entries/";
    private const string PartialEnding = ".p";

    /// <summary>
    /// Exports the log in <paramref name="folder"/> up to its newest signed head. Entries are held to the hashes in the
    /// tiles, those to the signed root, and the head to the one that <paramref name="output"/> may hold already; the
    /// new checkpoint is written last.
    /// </summary>
    /// <param name="folder">The log's folder.</param>
    /// <param name="output">The directory; made if absent.</param>
    /// <exception cref="IOException">The disk failed; a later export goes on from there.</exception>
    public static TileExported Run(string folder, string output)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(output);
        if (!AuditKeyChain.TryRead(folder, out AuditKeyChain? keys)
            || !AuditVerifier.TryReadCheckpoint(folder, out AuditCheckpoint? head))
        {
            return Refused(AuditDamageKind.CheckpointSignature, LogFolder.CheckpointFile,
                "there is no log with a checkpoint that its key signed");
        }

        TileReader tiles = new(folder);
        if (!HasRoot(tiles, head!))
        {
            return Refused(AuditDamageKind.RootMismatch, "tile",
                "the tiles do not add up to the signed root: verify the log");
        }

        string checkpoint = Path.Combine(output, LogFolder.CheckpointFile);
        if (File.Exists(checkpoint) && !Continues(keys!, tiles, File.ReadAllBytes(checkpoint), head!.Size))
        {
            return Refused(AuditDamageKind.ForkedFromKnown, checkpoint,
                "the directory holds a checkpoint that this log does not contain");
        }

        long held = Math.Min(Retention.FirstHeld(folder, keys!.Current), head!.Size);
        Writing writing = new(folder, output, head.Size);
        if (writing.Bundles(tiles, held) is { } damage)
            return new TileExported { Damage = damage, EntriesDropped = held };
        writing.Tiles();
        writing.Put(LogFolder.CheckpointFile, head.Note.Span);
        writing.DropPartials();
        return new TileExported
        {
            Checkpoint = head,
            EntriesDropped = held,
            BundlesMissing = writing.BundlesMissing,
            FilesWritten = writing.Written,
        };
    }

    private static TileExported Refused(AuditDamageKind kind, string file, string message) =>
        new() { Damage = new AuditDamage(kind, -1, file, -1, message) };

    private static bool HasRoot(TileReader tiles, AuditCheckpoint head)
    {
        Span<byte> root = stackalloc byte[AuditLimits.HashBytes];
        if (head.Size == 0) MerkleHash.Empty(root);
        else if (!AuditProof.TryHash(tiles, 0, head.Size, root)) return false;
        return root.SequenceEqual(head.Root.Span);
    }

    private static bool Continues(AuditKeyChain keys, TileReader tiles, byte[] note, long size) =>
        keys.Parse(note, out AuditCheckpoint? before) == AuditCheckpointStatus.Ok
        && before!.Size <= size && HasRoot(tiles, before);

    /// <summary>One export.</summary>
    private sealed class Writing(string folder, string output, long size)
    {
        private readonly HashSet<string> _partials = [];

        internal int Written { get; private set; }

        internal long BundlesMissing { get; private set; }

        // A bundle is whole or not there: of one that retention cut, the hashes alone are left.
        internal AuditDamage? Bundles(TileReader tiles, long held)
        {
            long firstWhole = (held + AuditLimits.TileHashes - 1) / AuditLimits.TileHashes;
            long bundles = (size + AuditLimits.TileHashes - 1) / AuditLimits.TileHashes;
            LogCursor? cursor = null;
            try
            {
                for (long bundle = 0; bundle < bundles; bundle++)
                {
                    string name = NameOf(BundleFolder + LogFolder.IndexPath(bundle), bundle, size);
                    bool isFull = !name.Contains(PartialEnding, StringComparison.Ordinal);
                    if (isFull && File.Exists(Path.Combine(output, name))) continue;
                    if (bundle < firstWhole)
                    {
                        BundlesMissing++;
                        continue;
                    }

                    long first = bundle * AuditLimits.TileHashes;
                    if (cursor is null || cursor.Index != first)
                    {
                        cursor?.Dispose();
                        cursor = new LogCursor(folder, first);
                    }

                    if (Bundle(cursor, tiles, name, Math.Min(first + AuditLimits.TileHashes, size)) is { } damage)
                        return damage;
                }

                return null;
            }
            finally
            {
                cursor?.Dispose();
            }
        }

        internal void Tiles()
        {
            byte[] hashes = new byte[AuditLimits.TileBytes];
            for (int level = 0; level < AuditLimits.TileLevels && size >> (8 * level) > 0; level++)
            {
                long count = size >> (8 * level);
                for (long tile = 0; tile * AuditLimits.TileHashes < count; tile++)
                {
                    string source = LogFolder.TileName(level, tile), name = NameOf(source, tile, count);
                    if (name == source && File.Exists(Path.Combine(output, name))) continue;
                    TileReader.Load(Path.Combine(folder, source), hashes);
                    Put(name, hashes.AsSpan(0, WidthOf(tile, count) * AuditLimits.HashBytes));
                }
            }
        }

        internal void Put(string name, ReadOnlySpan<byte> bytes)
        {
            string path = Path.Combine(output, name), next = path + ".next";
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(next, bytes);
            File.Move(next, path, overwrite: true);
            Written++;
        }

        // Those of older heads: who follows such a head takes the full tile, as tlog-tiles asks of clients.
        internal void DropPartials()
        {
            string tiles = Path.Combine(output, "tile");
            if (!Directory.Exists(tiles)) return;
            foreach (string partials in Directory.GetDirectories(
                tiles, "*" + PartialEnding, SearchOption.AllDirectories))
            {
                foreach (string file in Directory.GetFiles(partials))
                {
                    if (!_partials.Contains(Path.GetFullPath(file))) File.Delete(file);
                }

                if (Directory.GetFiles(partials).Length == 0) Directory.Delete(partials);
            }
        }

        private AuditDamage? Bundle(LogCursor cursor, TileReader tiles, string name, long end)
        {
            using MemoryStream bundle = new();
            Span<byte> length = stackalloc byte[sizeof(ushort)];
            Span<byte> leaf = stackalloc byte[AuditLimits.HashBytes];
            while (cursor.Index < end)
            {
                (long entry, string file) = (cursor.Index, cursor.File);
                FrameStatus status = cursor.Next(out ReadOnlySpan<byte> payload);
                if (status != FrameStatus.Ok) return FrameDamage.Describe(status, cursor);
                MerkleHash.Leaf(payload, leaf);
                if (!tiles.TryRead(0, entry, out ReadOnlySpan<byte> hash) || !hash.SequenceEqual(leaf))
                {
                    return new AuditDamage(
                        AuditDamageKind.HashMismatch, entry, file, -1,
                        "the entry and its hash in the tiles disagree: verify the log");
                }

                BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)payload.Length);
                bundle.Write(length);
                bundle.Write(payload);
            }

            Put(name, bundle.GetBuffer().AsSpan(0, (int)bundle.Length));
            return null;
        }

        private string NameOf(string full, long tile, long count)
        {
            int width = WidthOf(tile, count);
            if (width == AuditLimits.TileHashes) return full;
            string name = full + PartialEnding + "/" + width.ToString(CultureInfo.InvariantCulture);
            _partials.Add(Path.GetFullPath(Path.Combine(output, name)));
            return name;
        }

        private static int WidthOf(long tile, long count) =>
            (int)Math.Min(count - (tile * AuditLimits.TileHashes), AuditLimits.TileHashes);
    }
}
