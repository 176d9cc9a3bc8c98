namespace Countersign.DataPlane.Calls;

/// <summary>
/// SHA-256 states for answers under way, kept per thread, last in first out: too much for every idle
/// connection to have its own.
/// </summary>
internal static class DigestStack
{
    // As many answers as one thread has under way at once, at most.
    private const int KeptMax = 256;

    [ThreadStatic]
    private static Stack<Sha256State>? t_kept;

    /// <summary>A state with nothing in it.</summary>
    internal static Sha256State Rent() => t_kept is { Count: > 0 } kept
        ? kept.Pop()
        : new Sha256State();

    /// <summary>Takes a state back that was reset.</summary>
    internal static void Return(Sha256State digest)
    {
        Stack<Sha256State> kept = t_kept ??= new Stack<Sha256State>(KeptMax);
        if (kept.Count < KeptMax) kept.Push(digest);
        else digest.Dispose();
    }
}
