using System.Security.Cryptography;
using Countersign.DataPlane.Http;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// The first bytes of one body as it passed by, in clear and wiped afterwards, and the digest of all of it.
/// </summary>
internal sealed class BodyCopy
{
    private readonly byte[] _digest = new byte[SHA256.HashSizeInBytes];
    private readonly LeasedBuffer _kept = new();
    private Sha256State? _hash;

    /// <summary>What was kept.</summary>
    internal ReadOnlySpan<byte> Kept => _kept.Written;

    /// <summary>Bytes of the whole body so far.</summary>
    internal long Bytes { get; private set; }

    /// <summary>True if more passed by than was kept.</summary>
    internal bool IsCut => Bytes > _kept.Count;

    /// <summary>SHA-256 of the whole body, ended by this; empty where there was none.</summary>
    internal ReadOnlySpan<byte> EndDigest()
    {
        if (_hash is not { } hash) return default;
        hash.Finish(_digest);
        DigestStack.Return(hash);
        _hash = null;
        return _digest;
    }

    /// <summary>Takes the next run of the body.</summary>
    internal void Append(ReadOnlySpan<byte> run, int keptMax, bool isHashed)
    {
        Bytes += run.Length;
        if (isHashed) (_hash ??= DigestStack.Rent()).Append(run);
        int kept = Math.Min(run.Length, keptMax - _kept.Count);
        if (kept <= 0) return;
        run[..kept].CopyTo(_kept.GetSpan(kept));
        _kept.Advance(kept);
    }

    /// <summary>Forgets the body.</summary>
    internal void Clear()
    {
        EndDigest();
        _kept.Return();
        Bytes = 0;
    }
}
