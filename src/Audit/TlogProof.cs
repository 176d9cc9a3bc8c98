using System.Globalization;
using System.Text;

namespace Countersign.Audit;

/// <summary>
/// A proof that one record is in a log, which verifies offline by the log's key alone: C2SP tlog-proof, with the record
/// itself as the extra data. Immutable.
/// </summary>
public sealed class TlogProof
{
    private const string FirstLine = "c2sp.org/tlog-proof@v1";
    private const string ExtraLead = "extra ";
    private const string IndexLead = "index ";

    // 2^63 entries have paths of 63 hashes.
    private const int PathMax = 63;

    private TlogProof(
        long index, ReadOnlyMemory<byte> entry, IReadOnlyList<ReadOnlyMemory<byte>> path, ReadOnlyMemory<byte> note)
    {
        (Index, Entry, Path, Note) = (index, entry, path, note);
    }

    /// <summary>The entry's number, from 0.</summary>
    public long Index { get; }

    /// <summary>The record; empty where the proof does not carry it.</summary>
    public ReadOnlyMemory<byte> Entry { get; }

    /// <summary>The hashes from the leaf's sibling to the root's child.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Path { get; }

    /// <summary>The signed checkpoint, byte for byte.</summary>
    public ReadOnlyMemory<byte> Note { get; }

    /// <summary>
    /// Proves an entry of a log's folder under a checkpoint of it; null where the checkpoint does not cover it yet, or
    /// the folder does not hold what it should.
    /// </summary>
    public static TlogProof? Of(string folder, in AuditEntry entry, AuditCheckpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        return AuditProof.TryInclude(folder, entry.Index, checkpoint.Size, out var path)
            && AuditProof.Verifies(entry.Payload.Span, entry.Index, checkpoint, path)
            ? new TlogProof(entry.Index, entry.Payload, path, checkpoint.Note)
            : null;
    }

    /// <summary>Reads one; false if it is not exactly of the form.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out TlogProof? proof)
    {
        proof = null;
        int end = text.IndexOf("\n\n"u8);
        if (end < 0 || text.Length > 2 * AuditLimits.NoteBytesMax + (2 * AuditLimits.EntryBytesMax)) return false;
        if (!Ascii.IsValid(text[..end])) return false;
        string[] lines = Encoding.ASCII.GetString(text[..end]).Split('\n');
        int at = 1;
        if (lines[0] != FirstLine || lines.Length < 2) return false;
        byte[] entry = [];
        if (lines[at].StartsWith(ExtraLead, StringComparison.Ordinal)
            && !TryBase64(lines[at++][ExtraLead.Length..], out entry)) return false;
        if (at == lines.Length || !TryIndex(lines[at++], out long index) || lines.Length - at > PathMax) return false;
        List<ReadOnlyMemory<byte>> path = [];
        for (; at < lines.Length; at++)
        {
            byte[] hash = new byte[AuditLimits.HashBytes];
            if (!StrictBase64.TryDecode(lines[at], hash)) return false;
            path.Add(hash);
        }

        proof = new TlogProof(index, entry, path, text[(end + 2)..].ToArray());
        return true;
    }

    /// <summary>
    /// True if the record that the proof carries is in the log of <paramref name="key"/>, under the checkpoint that the
    /// proof carries and that key signed. <paramref name="checkpoint"/> is set only then.
    /// </summary>
    public bool Verifies(AuditKey key, out AuditCheckpoint? checkpoint)
    {
        bool isSigned = AuditCheckpoint.Parse(Note.Span, key, out checkpoint) == AuditCheckpointStatus.Ok;
        if (isSigned && !Entry.IsEmpty && AuditProof.Verifies(Entry.Span, Index, checkpoint!, Path)) return true;
        checkpoint = null;
        return false;
    }

    /// <summary>The proof as text.</summary>
    public override string ToString()
    {
        StringBuilder text = new(FirstLine + "\n");
        if (!Entry.IsEmpty) text.Append(ExtraLead).Append(Convert.ToBase64String(Entry.Span)).Append('\n');
        text.Append(IndexLead).Append(Index.ToString(CultureInfo.InvariantCulture)).Append('\n');
        foreach (ReadOnlyMemory<byte> hash in Path) text.Append(Convert.ToBase64String(hash.Span)).Append('\n');
        return text.Append('\n').Append(Encoding.UTF8.GetString(Note.Span)).ToString();
    }

    private static bool TryIndex(string line, out long index)
    {
        index = 0;
        return line.StartsWith(IndexLead, StringComparison.Ordinal)
            && long.TryParse(line[IndexLead.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out index)
            && line[IndexLead.Length..] == index.ToString(CultureInfo.InvariantCulture);
    }

    private static bool TryBase64(string text, out byte[] bytes)
    {
        bytes = new byte[text.Length / 4 * 3];
        if (!Convert.TryFromBase64String(text, bytes, out int count)) return false;
        bytes = bytes[..count];
        return count > 0 && Convert.ToBase64String(bytes) == text;
    }
}
