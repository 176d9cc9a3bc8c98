using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using NSec.Cryptography;

namespace Countersign.Audit;

/// <summary>Whether bytes are a checkpoint to believe. Zero is no.</summary>
public enum AuditCheckpointStatus : byte
{
    /// <summary>Not a signed note, or its text is not a checkpoint.</summary>
    Malformed = 0,

    /// <summary>Signed by the key, well formed, and the origin is the key's name.</summary>
    Ok,

    /// <summary>No line is signed by the key.</summary>
    Unsigned,

    /// <summary>A line in the key's name does not verify, or verifies over a text of another origin.</summary>
    SignatureInvalid,

    /// <summary>Signed by a key that was retired before the log held so much.</summary>
    KeyRetired,
}

/// <summary>A signed tree head: so many entries, with this root (C2SP tlog-checkpoint). Immutable.</summary>
public sealed class AuditCheckpoint
{
    private const string SignatureLead = "\u2014 ";
    private const int SignatureBytes = 64;
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private AuditCheckpoint(string origin, long size, ReadOnlyMemory<byte> root, ReadOnlyMemory<byte> note)
    {
        Origin = origin;
        Size = size;
        Root = root;
        Note = note;
    }

    /// <summary>The log's name.</summary>
    public string Origin { get; }

    /// <summary>Entries under the root.</summary>
    public long Size { get; }

    /// <summary>RFC 6962 root, 32 bytes.</summary>
    public ReadOnlyMemory<byte> Root { get; }

    /// <summary>The signed note, byte for byte as published.</summary>
    public ReadOnlyMemory<byte> Note { get; }

    /// <summary>
    /// Reads a note and believes it only if <paramref name="key"/> signed it. Lines by other keys (cosigners) are
    /// passed
    /// over, as signed-note asks. <paramref name="checkpoint"/> is set only for <see cref="AuditCheckpointStatus.Ok"/>.
    /// </summary>
    public static AuditCheckpointStatus Parse(ReadOnlySpan<byte> note, AuditKey key, out AuditCheckpoint? checkpoint)
    {
        ArgumentNullException.ThrowIfNull(key);
        checkpoint = null;
        if (!NoteText.TrySplit(note, out string text, out string[] signatures)) return AuditCheckpointStatus.Malformed;
        AuditCheckpointStatus signed = CheckSignatures(text, signatures, key);
        if (signed != AuditCheckpointStatus.Ok) return signed;
        string[] lines = text.Split('\n');
        bool hasEmptyLine = Array.IndexOf(lines, "", 0, lines.Length - 1) >= 0;
        if (lines.Length < 4 || hasEmptyLine) return AuditCheckpointStatus.Malformed;
        if (!long.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out long size)
            || lines[1] != size.ToString(CultureInfo.InvariantCulture)) return AuditCheckpointStatus.Malformed;
        byte[] root = new byte[AuditLimits.HashBytes];
        if (!StrictBase64.TryDecode(lines[2], root)) return AuditCheckpointStatus.Malformed;
        if (lines[0] != key.Name) return AuditCheckpointStatus.SignatureInvalid;
        checkpoint = new AuditCheckpoint(lines[0], size, root, note.ToArray());
        return AuditCheckpointStatus.Ok;
    }

    internal static AuditCheckpoint Sign(AuditKey key, Key secret, long size, ReadOnlySpan<byte> root)
    {
        string text = Text(key.Name, size, root);
        string note = text + "\n" + SignatureLine(text, key, secret);
        return new AuditCheckpoint(key.Name, size, root.ToArray(), StrictUtf8.GetBytes(note));
    }

    internal static string Text(string origin, long size, ReadOnlySpan<byte> root) =>
        origin + "\n" + size.ToString(CultureInfo.InvariantCulture) + "\n" + Convert.ToBase64String(root) + "\n";

    internal static string SignatureLine(string text, AuditKey key, Key secret)
    {
        byte[] signed = new byte[sizeof(uint) + SignatureBytes];
        BinaryPrimitives.WriteUInt32BigEndian(signed, key.Id);
        SignatureAlgorithm.Ed25519.Sign(secret, StrictUtf8.GetBytes(text), signed.AsSpan(sizeof(uint)));
        return SignatureLead + key.Name + " " + Convert.ToBase64String(signed) + "\n";
    }

    internal static AuditCheckpointStatus CheckSignatures(string text, string[] lines, AuditKey key)
    {
        byte[] message = StrictUtf8.GetBytes(text);
        byte[] signed = new byte[sizeof(uint) + SignatureBytes];
        bool verified = false;
        foreach (string line in lines)
        {
            if (!line.StartsWith(SignatureLead, StringComparison.Ordinal)) return AuditCheckpointStatus.Malformed;
            string[] parts = line[SignatureLead.Length..].Split(' ');
            if (parts.Length != 2 || !AuditKey.IsName(parts[0])) return AuditCheckpointStatus.Malformed;
            if (parts[0] != key.Name) continue;
            if (!StrictBase64.TryDecode(parts[1], signed)) continue;
            if (BinaryPrimitives.ReadUInt32BigEndian(signed) != key.Id) continue;
            if (!key.Verifies(message, signed.AsSpan(sizeof(uint)))) return AuditCheckpointStatus.SignatureInvalid;
            verified = true;
        }

        return verified ? AuditCheckpointStatus.Ok : AuditCheckpointStatus.Unsigned;
    }

    /// <summary>The shape of a signed note: text, one empty line, signature lines.</summary>
    internal static class NoteText
    {
        internal static bool TrySplit(ReadOnlySpan<byte> note, out string text, out string[] signatures)
        {
            (text, signatures) = ("", []);
            if (note.Length is 0 or > AuditLimits.NoteBytesMax || note[^1] != (byte)'\n') return false;
            if (!System.Text.Unicode.Utf8.IsValid(note)) return false;
            foreach (byte one in note)
            {
                if (one < 0x20 && one != (byte)'\n') return false;
            }

            int empty = note.LastIndexOf("\n\n"u8);
            if (empty < 0 || empty + 2 == note.Length) return false;
            text = StrictUtf8.GetString(note[..(empty + 1)]);
            signatures = StrictUtf8.GetString(note[(empty + 2)..^1]).Split('\n');
            return true;
        }
    }
}
