using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NSec.Cryptography;

namespace Countersign.Audit;

/// <summary>
/// A log's public key in the verifier form of signed notes, <c>name+id+base64(0x01 || key)</c>: Ed25519 under a name
/// (C2SP signed-note, signature type 0x01).
/// </summary>
public sealed class AuditKey
{
    private const byte Ed25519Type = 0x01;
    private const int KeyBytes = 32;
    private readonly PublicKey _key;

    private AuditKey(string name, PublicKey key)
    {
        Name = name;
        _key = key;
        Id = IdOf(name, TypedKey(key));
        NameBytes = Encoding.UTF8.GetBytes(name);
    }

    /// <summary>The key's name; for a log, its origin.</summary>
    public string Name { get; }

    /// <summary>The same in UTF-8.</summary>
    internal ReadOnlyMemory<byte> NameBytes { get; }

    /// <summary>The first four bytes, big-endian, of SHA-256(name, newline, type, key): a label, no proof.</summary>
    public uint Id { get; }

    /// <summary>
    /// Reads the verifier form. False if malformed, or if the id is not the one of that name and key.
    /// </summary>
    public static bool TryParse(string text, out AuditKey? key)
    {
        ArgumentNullException.ThrowIfNull(text);
        key = null;
        string[] parts = text.Trim().Split('+', 3);
        if (parts.Length != 3 || !IsName(parts[0]) || parts[1].Length != 8) return false;
        Span<byte> typed = stackalloc byte[1 + KeyBytes];
        if (!StrictBase64.TryDecode(parts[2], typed) || typed[0] != Ed25519Type) return false;
        if (!PublicKey.TryImport(
            SignatureAlgorithm.Ed25519, typed[1..], KeyBlobFormat.RawPublicKey, out PublicKey? read))
        {
            return false;
        }

        AuditKey candidate = new(parts[0], read!);
        if (parts[1] != candidate.Id.ToString("x8", CultureInfo.InvariantCulture)) return false;
        key = candidate;
        return true;
    }

    /// <summary>The verifier form.</summary>
    public override string ToString() =>
        Name + "+" + Id.ToString("x8", CultureInfo.InvariantCulture) + "+" + Convert.ToBase64String(TypedKey(_key));

    /// <summary>
    /// True if <paramref name="signature"/> (64 bytes) over <paramref name="text"/> is this key's (RFC 8032).
    /// </summary>
    internal bool Verifies(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature) =>
        SignatureAlgorithm.Ed25519.Verify(_key, text, signature);

    internal static AuditKey From(string name, PublicKey key) => new(name, key);

    /// <summary>signed-note: not empty, no Unicode space, no plus; and no control character.</summary>
    internal static bool IsName(string name)
    {
        foreach (char one in name)
        {
            if (one == '+' || char.IsWhiteSpace(one) || char.IsControl(one) || char.IsSurrogate(one)) return false;
        }

        return name.Length > 0;
    }

    private static byte[] TypedKey(PublicKey key) => [Ed25519Type, .. key.Export(KeyBlobFormat.RawPublicKey)];

    private static uint IdOf(string name, byte[] typedKey)
    {
        byte[] input = [.. Encoding.UTF8.GetBytes(name), (byte)'\n', .. typedKey];
        return BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(input));
    }
}
