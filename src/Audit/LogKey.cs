using System.Security.Cryptography;
using System.Text;
using NSec.Cryptography;

namespace Countersign.Audit;

/// <summary>The log's signing key: the seed in a file only its owner may read, the public half beside it.</summary>
internal sealed class LogKey : IDisposable
{
    private const int SeedBytes = 32;
    private readonly Key _secret;

    private LogKey(string name, Key secret)
    {
        _secret = secret;
        Public = AuditKey.From(name, secret.PublicKey);
    }

    internal AuditKey Public { get; }

    internal AuditCheckpoint Sign(long size, ReadOnlySpan<byte> root) =>
        AuditCheckpoint.Sign(Public, _secret, size, root);

    /// <summary>Signs a text of another kind, which must not read as a checkpoint.</summary>
    internal void Sign(ReadOnlySpan<byte> text, Span<byte> signature) =>
        SignatureAlgorithm.Ed25519.Sign(_secret, text, signature);

    /// <summary>A line of a note over a text of another kind, likewise.</summary>
    internal string SignatureLine(string text) => AuditCheckpoint.SignatureLine(text, Public, _secret);

    /// <summary>The seed in a file that only its owner may read; made if there is none.</summary>
    internal static byte[] ReadOrCreate(string path) => File.Exists(path) ? File.ReadAllBytes(path) : Create(path);

    internal static LogKey? FromSeed(string name, ReadOnlySpan<byte> seed) =>
        seed.Length == SeedBytes
            ? new LogKey(name, Key.Import(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey))
            : null;

    /// <summary>
    /// The given seed, or the folder's own; made there unless the log was begun already. Null if unusable.
    /// </summary>
    internal static LogKey? Load(AuditLogOptions options, bool begun)
    {
        if (!options.KeySeed.IsEmpty) return FromSeed(options.Origin, options.KeySeed.Span);
        string path = Path.Combine(options.Folder, LogFolder.SeedFile);
        byte[] seed;
        if (File.Exists(path)) seed = File.ReadAllBytes(path);
        else if (begun) return null;
        else seed = Create(path);
        LogKey? key = FromSeed(options.Origin, seed);
        CryptographicOperations.ZeroMemory(seed);
        return key;
    }

    public void Dispose() => _secret.Dispose();

    private static byte[] Create(string path)
    {
        byte[] seed = RandomNumberGenerator.GetBytes(SeedBytes);
        FileStreamOptions onlyOwner = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) onlyOwner.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using FileStream file = new(path, onlyOwner);
        file.Write(seed);
        file.Flush(flushToDisk: true);
        return seed;
    }

    internal static byte[] PublicFile(AuditKey key) => Encoding.UTF8.GetBytes(key + "\n");
}
