using System.Security.Cryptography;
using System.Text;

namespace Countersign.Policy.Approvals;

/// <summary>
/// Seals bytes that wait in the store under a key that is not in the store: AES-256-GCM with a random 96-bit nonce,
/// bound to the name they wait under, so that one sealed payload cannot be put in the place of another. Safe for
/// concurrent use.
/// </summary>
public sealed class PayloadSeal : IDisposable
{
    /// <summary>What the payloads of approvals are sealed under.</summary>
    public const string PayloadLabel = "countersign sealing v1";

    /// <summary>What secrets that gateways share, such as signing keys, are sealed under.</summary>
    public const string SecretLabel = "countersign secrets v1";

    /// <summary>What sessions at the console are sealed under.</summary>
    public const string SessionLabel = "countersign sessions v1";

    /// <summary>What the keys of audit witnesses are sealed under.</summary>
    public const string WitnessLabel = "countersign witnesses v1";

    /// <summary>The least a key file may hold, in bytes.</summary>
    public const int KeyFileBytesMin = 16;

    private const byte Format = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int OverheadBytes = 1 + NonceBytes + TagBytes;

    private readonly byte[] _key = GC.AllocateUninitializedArray<byte>(SHA256.HashSizeInBytes, pinned: true);
    private bool _disposed;

    /// <summary>Derives the key: SHA-256 over <paramref name="label"/> and the key file's bytes.</summary>
    /// <param name="keyFile">The key file, at least <see cref="KeyFileBytesMin"/> bytes.</param>
    /// <param name="label">What is sealed; another label gives an unrelated key.</param>
    public PayloadSeal(ReadOnlySpan<byte> keyFile, string label = PayloadLabel)
    {
        ArgumentException.ThrowIfNullOrEmpty(label);
        ArgumentOutOfRangeException.ThrowIfLessThan(keyFile.Length, KeyFileBytesMin, nameof(keyFile));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(label));
        hash.AppendData(keyFile);
        hash.GetHashAndReset(_key);
    }

    /// <summary>Seals <paramref name="payload"/> for <paramref name="id"/>.</summary>
    public byte[] Seal(string id, ReadOnlySpan<byte> payload)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ObjectDisposedException.ThrowIf(_disposed, this);
        var box = new byte[OverheadBytes + payload.Length];
        box[0] = Format;
        Span<byte> nonce = box.AsSpan(1, NonceBytes);
        RandomNumberGenerator.Fill(nonce);

        // One cipher per use: AesGcm is not documented as safe for concurrent use, and it costs a microsecond.
        using var cipher = new AesGcm(_key, TagBytes);
        cipher.Encrypt(
            nonce, payload, box.AsSpan(1 + NonceBytes, payload.Length), box.AsSpan(box.Length - TagBytes),
            Encoding.UTF8.GetBytes(id));
        return box;
    }

    /// <summary>
    /// Opens what was sealed for <paramref name="id"/>; false for anything else, whatever is wrong with it.
    /// </summary>
    public bool TryOpen(string id, ReadOnlySpan<byte> box, out byte[] payload)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ObjectDisposedException.ThrowIf(_disposed, this);
        payload = [];
        if (box.Length < OverheadBytes || box[0] != Format) return false;
        var opened = new byte[box.Length - OverheadBytes];
        using var cipher = new AesGcm(_key, TagBytes);
        try
        {
            cipher.Decrypt(
                box.Slice(1, NonceBytes), box[(1 + NonceBytes)..^TagBytes], box[^TagBytes..], opened,
                Encoding.UTF8.GetBytes(id));
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        payload = opened;
        return true;
    }

    /// <summary>Wipes the key.</summary>
    public void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_key);
    }
}
