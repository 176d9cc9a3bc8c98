using System.Numerics;

namespace Countersign.Masking;

/// <summary>The kinds of the open containers, innermost in the lowest bit: two words for <see
/// cref="MaskLimits.DepthMax"/>.</summary>
internal struct OpenContainers
{
    private ulong _inner;
    private ulong _outer;

    /// <summary>How many are open.</summary>
    public int Depth { get; private set; }

    /// <summary>True if the innermost is an array.</summary>
    public readonly bool IsArray => (_inner & 1) != 0;

    /// <summary>The kinds, if there are fewer than 64: above the outermost a 1.</summary>
    public readonly ulong Kinds => _inner & ((1UL << Depth) - 1) | 1UL << Depth;

    /// <summary>Sets all to what <see cref="Kinds"/> says.</summary>
    public static OpenContainers From(ulong kinds)
    {
        int depth = BitOperations.Log2(kinds);
        return new OpenContainers { _inner = kinds ^ 1UL << depth, Depth = depth };
    }

    /// <summary>Opens one; false if that would be too deep.</summary>
    public bool TryOpen(bool isArray)
    {
        if (Depth == MaskLimits.DepthMax) return false;
        _outer = (_outer << 1) | (_inner >> 63);
        _inner = (_inner << 1) | (isArray ? 1UL : 0);
        Depth++;
        return true;
    }

    /// <summary>Closes the innermost.</summary>
    public void Close()
    {
        _inner = (_inner >> 1) | (_outer << 63);
        _outer >>= 1;
        Depth--;
    }
}
