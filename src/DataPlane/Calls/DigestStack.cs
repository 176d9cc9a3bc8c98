using System.Security.Cryptography;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// SHA-256 states for answers under way, kept per thread, last in first out: one is native memory and a finalizer, too
/// much for every idle connection to have its own.
/// </summary>
internal static class DigestStack
{
    // As many answers as one thread has under way at once, at most.
    private const int KeptMax = 256;

    [ThreadStatic]
    private static Stack<IncrementalHash>? t_kept;

    /// <summary>A state with nothing in it.</summary>
    internal static IncrementalHash Rent() => t_kept is { Count: > 0 } kept
        ? kept.Pop()
        : IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Takes a state back that was reset.</summary>
    internal static void Return(IncrementalHash digest)
    {
        Stack<IncrementalHash> kept = t_kept ??= new Stack<IncrementalHash>(KeptMax);
        if (kept.Count < KeptMax) kept.Push(digest);
        else digest.Dispose();
    }
}
