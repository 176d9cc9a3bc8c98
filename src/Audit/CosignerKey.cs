using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NSec.Cryptography;

namespace Countersign.Audit;

/// <summary>
/// A witness's public key in the verifier form of signed notes, <c>name+id+base64(0x04 || key)</c>: Ed25519
/// cosignatures with a time (C2SP tlog-cosignature).
/// </summary>
public sealed class CosignerKey
{
    internal const int TimeBytes = sizeof(ulong);
    internal const int SignatureBytes = 64;
    private const byte CosignatureType = 0x04;
    private const int KeyBytes = 32;
    private const string SignatureLead = "\u2014 ";
    private readonly PublicKey _key;

    private CosignerKey(string name, PublicKey key)
    {
        Name = name;
        _key = key;
        byte[] input = [.. Encoding.UTF8.GetBytes(name), (byte)'\n', .. TypedKey()];
        Id = BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(input));
    }

    /// <summary>The witness's name.</summary>
    public string Name { get; }

    /// <summary>The first four bytes, big-endian, of SHA-256(name, newline, type, key): a label, no proof.</summary>
    public uint Id { get; }

    /// <summary>Reads the verifier form; false if malformed, or if the id is not of that name and key.</summary>
    public static bool TryParse(string text, out CosignerKey? key)
    {
        ArgumentNullException.ThrowIfNull(text);
        key = null;
        string[] parts = text.Trim().Split('+', 3);
        if (parts.Length != 3 || !AuditKey.IsName(parts[0])) return false;
        Span<byte> typed = stackalloc byte[1 + KeyBytes];
        if (!StrictBase64.TryDecode(parts[2], typed) || typed[0] != CosignatureType) return false;
        if (!PublicKey.TryImport(SignatureAlgorithm.Ed25519, typed[1..], KeyBlobFormat.RawPublicKey, out var read))
            return false;
        CosignerKey candidate = new(parts[0], read!);
        if (parts[1] != candidate.Id.ToString("x8", CultureInfo.InvariantCulture)) return false;
        key = candidate;
        return true;
    }

    /// <summary>
    /// True if a note carries this witness's cosignature over its text; <paramref name="at"/> is the time that it
    /// states. Says nothing of the log's own signature.
    /// </summary>
    public bool HasSigned(ReadOnlySpan<byte> note, out DateTimeOffset at)
    {
        at = default;
        if (!AuditCheckpoint.NoteText.TrySplit(note, out string text, out string[] lines)) return false;
        foreach (string line in lines)
        {
            if (TryVerify(text, line, out at)) return true;
        }

        return false;
    }

    /// <summary>The verifier form.</summary>
    public override string ToString() => Name + "+" + Id.ToString("x8", CultureInfo.InvariantCulture) + "+"
        + Convert.ToBase64String(TypedKey());

    internal static CosignerKey From(string name, PublicKey key) => new(name, key);

    /// <summary>The line that a witness gives: its name, and in base64 key id, time and signature.</summary>
    internal string Line(Key secret, string text, long seconds)
    {
        byte[] signed = new byte[sizeof(uint) + TimeBytes + SignatureBytes];
        BinaryPrimitives.WriteUInt32BigEndian(signed, Id);
        BinaryPrimitives.WriteInt64BigEndian(signed.AsSpan(sizeof(uint)), seconds);
        SignatureAlgorithm.Ed25519.Sign(secret, Message(text, seconds), signed.AsSpan(sizeof(uint) + TimeBytes));
        return SignatureLead + Name + " " + Convert.ToBase64String(signed) + "\n";
    }

    internal bool TryVerify(string text, string line, out DateTimeOffset at)
    {
        at = default;
        string lead = SignatureLead + Name + " ";
        byte[] signed = new byte[sizeof(uint) + TimeBytes + SignatureBytes];
        if (!line.StartsWith(lead, StringComparison.Ordinal)) return false;
        if (!StrictBase64.TryDecode(line.AsSpan(lead.Length), signed)) return false;
        long seconds = BinaryPrimitives.ReadInt64BigEndian(signed.AsSpan(sizeof(uint)));
        bool isTime = seconds > 0 && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds();
        if (!isTime || BinaryPrimitives.ReadUInt32BigEndian(signed) != Id) return false;
        at = DateTimeOffset.FromUnixTimeSeconds(seconds);
        return SignatureAlgorithm.Ed25519.Verify(
            _key, Message(text, seconds), signed.AsSpan(sizeof(uint) + TimeBytes));
    }

    private byte[] TypedKey() => [CosignatureType, .. _key.Export(KeyBlobFormat.RawPublicKey)];

    private static byte[] Message(string text, long seconds) => Encoding.UTF8.GetBytes(
        "cosignature/v1\ntime " + seconds.ToString(CultureInfo.InvariantCulture) + "\n" + text);
}
