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
