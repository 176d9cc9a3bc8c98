using System.Text;
using NSec.Cryptography;

namespace Countersign.Audit;

/// <summary>
/// One key of a log handing over to the next: a checkpoint of the log (C2SP tlog-checkpoint) with the extension line
/// <c>countersign.handover/v1 old new</c>, signed by both, so that either key verifies it with any tool. Immutable.
/// </summary>
public sealed class KeyHandover
{
    private const string Lead = "countersign.handover/v1 ";

    private KeyHandover(AuditKey from, AuditKey to, AuditCheckpoint head)
    {
        (From, To, Head) = (from, to, head);
    }

    /// <summary>The key that signed until then, and is believed for nothing larger.</summary>
    public AuditKey From { get; }

    /// <summary>The key that signs from then on.</summary>
    public AuditKey To { get; }

    /// <summary>What the log held then; its note is the hand-over, byte for byte.</summary>
    public AuditCheckpoint Head { get; }

    /// <summary>Reads one; false if it is not of the form, or not signed by both keys.</summary>
    public static bool TryRead(ReadOnlySpan<byte> note, out KeyHandover? handover)
    {
        handover = null;
        if (!AuditCheckpoint.NoteText.TrySplit(note, out string text, out _)) return false;
        string[] told = text.Split('\n');
        if (told.Length != 5 || !told[3].StartsWith(Lead, StringComparison.Ordinal)) return false;
        string[] keys = told[3][Lead.Length..].Split(' ');
        if (keys.Length != 2 || keys[0] == keys[1]) return false;
        if (!TryKey(keys[0], out AuditKey? from) || !TryKey(keys[1], out AuditKey? to)) return false;
        if (AuditCheckpoint.Parse(note, from!, out AuditCheckpoint? head) != AuditCheckpointStatus.Ok) return false;
        if (AuditCheckpoint.Parse(note, to!, out _) != AuditCheckpointStatus.Ok) return false;
        handover = new KeyHandover(from!, to!, head!);
        return true;
    }

    /// <summary>Both keys sign what the log holds, and that the one follows the other.</summary>
    internal static KeyHandover Sign(LogKey from, LogKey to, long size, ReadOnlySpan<byte> root)
    {
        string text = AuditCheckpoint.Text(from.Public.Name, size, root) + Lead + from.Public + " " + to.Public + "\n";
        byte[] note = Encoding.UTF8.GetBytes(text + "\n" + from.SignatureLine(text) + to.SignatureLine(text));
        return TryRead(note, out KeyHandover? signed)
            ? signed!
            : throw new InvalidOperationException("the keys of a log must be two, under one name");
    }

    private static bool TryKey(string text, out AuditKey? key) =>
        AuditKey.TryParse(text, out key) && key!.ToString() == text;
}
