using Countersign.DataPlane.Sockets;

namespace Countersign.DataPlane.Upstream;

/// <summary>
/// Random numbers for balancing, from a seed that is passed in (STYLE rule 14): splitmix64, one sequence per lane, so
/// that lanes share no cache line. Not for secrets.
/// </summary>
internal sealed class Chance
{
    private const int Stride = 16;
    private const ulong Golden = 0x9E37_79B9_7F4A_7C15;

    private readonly ulong[] _states = new ulong[(Lane.Count + 1) * Stride];

    internal Chance(ulong seed)
    {
        for (int lane = 0; lane < Lane.Count; lane++) _states[(lane + 1) * Stride] = Mix(seed + (ulong)lane);
    }

    /// <summary>The next number of the current thread's lane.</summary>
    [HotPath]
    internal uint Next() => (uint)(Mix(Interlocked.Add(ref _states[(Lane.Current + 1) * Stride], Golden)) >> 32);

    private static ulong Mix(ulong state)
    {
        state = (state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9;
        state = (state ^ (state >> 27)) * 0x94D0_49BB_1331_11EB;
        return state ^ (state >> 31);
    }
}
