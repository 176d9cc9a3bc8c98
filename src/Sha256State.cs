using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Countersign;

/// <summary>
/// SHA-256 (FIPS 180-4) of one run of bytes after another, to be used again after each digest. Where the process has
/// OpenSSL 3 it calls the block functions themselves: the framework's way to the same code costs 240 ns more a digest
/// (bench/results/sha256.md), which is most of what hashing an audit record costs. Elsewhere it is the framework's.
/// </summary>
internal sealed class Sha256State : IDisposable
{
    // Below this many bytes a digest takes less than a microsecond: a collection may wait for that.
    private const int BriefBytes = 512;

    [ThreadStatic]
    private static Sha256State? t_state;

    private readonly IncrementalHash? _framework;
    private Block _block;

    internal Sha256State()
    {
        if (IsNative) Check(SHA256_Init(ref _block));
        else _framework = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    }

    /// <summary>True where OpenSSL 3 is at hand and gave the standard's example its digest.</summary>
    internal static bool IsNative { get; } = TryNative();

    /// <summary>This thread's own, with nothing in it: to be finished before anything else may want it.</summary>
    internal static Sha256State OfThread => t_state ??= new Sha256State();

    /// <summary>The digest of <paramref name="input"/>, 32 bytes, which may lie over it.</summary>
    [HotPath]
    internal static void Hash(ReadOnlySpan<byte> input, Span<byte> digest)
    {
        digest = digest[..SHA256.HashSizeInBytes]; // before the thread's state has taken anything
        Sha256State state = OfThread;
        state.Append(input);
        state.Finish(digest);
    }

    /// <summary>Takes the next run of bytes.</summary>
    [HotPath]
    internal void Append(ReadOnlySpan<byte> run)
    {
        if (run.IsEmpty) return;
        if (_framework is { } framework) framework.AppendData(run);
        else if (run.Length <= BriefBytes) Check(UpdateBriefly(ref _block, in run[0], run.Length));
        else Check(SHA256_Update(ref _block, in run[0], run.Length));
    }

    /// <summary>Writes the digest of all runs, 32 bytes, and begins anew.</summary>
    [HotPath]
    internal void Finish(Span<byte> digest)
    {
        digest = digest[..SHA256.HashSizeInBytes];
        if (_framework is { } framework)
        {
            framework.GetHashAndReset(digest);
            return;
        }
        Check(SHA256_Final(ref digest[0], ref _block));
        Check(SHA256_Init(ref _block));
    }

    /// <summary>Forgets what was taken.</summary>
    public void Dispose()
    {
        _framework?.Dispose();
        _block = default;
    }

    private static void Check(int isTaken)
    {
        if (isTaken != 1) throw new CryptographicException("OpenSSL refused to hash.");
    }

    private static bool TryNative()
    {
        // The layout below is OpenSSL's own on every 64-bit system; on others, and without it, the framework serves.
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess) return false;
        try
        {
            Block block = default;
            Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
            ReadOnlySpan<byte> example = "abc"u8;
            bool isTaken = SHA256_Init(ref block) == 1
                && SHA256_Update(ref block, in example[0], example.Length) == 1
                && SHA256_Final(ref digest[0], ref block) == 1;
            return isTaken && digest.SequenceEqual(SHA256.HashData(example));
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

#pragma warning disable SYSLIB1054 // The generated marshalling would need raw pointers; blittable arguments need none.
#pragma warning disable CA5392     // The library is the one that the framework's own hashes have loaded already.
    private const string Crypto = "libcrypto.so.3";

    [DllImport(Crypto), SuppressGCTransition]
    private static extern int SHA256_Init(ref Block block);

    [DllImport(Crypto)]
    private static extern int SHA256_Update(ref Block block, in byte run, nint length);

    [DllImport(Crypto, EntryPoint = nameof(SHA256_Update)), SuppressGCTransition]
    private static extern int UpdateBriefly(ref Block block, in byte run, nint length);

    [DllImport(Crypto), SuppressGCTransition]
    private static extern int SHA256_Final(ref byte digest, ref Block block);
#pragma warning restore CA5392, SYSLIB1054

    // SHA256_CTX: eight words of state, the length in bits in two, a block of 64 bytes, and two counts.
    [InlineArray(28)]
    private struct Block
    {
        private uint _word;
    }
}
