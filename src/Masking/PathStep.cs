namespace Countersign.Masking;

/// <summary>Which children a path step selects. Zero selects all: masking too much is the safe mistake.</summary>
internal enum PathStepKind : byte
{
    Wildcard = 0,
    Name,
    Slice,
}

/// <summary>One segment of a path.</summary>
/// <param name="Kind">Which children it selects.</param>
/// <param name="Descends">True for <c>..</c>: children of the node and of all its descendants.</param>
/// <param name="Name">The decoded name, for <see cref="PathStepKind.Name"/>.</param>
/// <param name="First">The first index, for <see cref="PathStepKind.Slice"/>; an index is a slice of one.</param>
/// <param name="End">The index that ends the slice and is not in it.</param>
/// <param name="Stride">From one index of the slice to the next, at least 1.</param>
internal readonly record struct PathStep(
    PathStepKind Kind, bool Descends, string Name, long First = 0, long End = 0, long Stride = 1)
{
    /// <summary>How the name is compared with keys.</summary>
    public MaskNames Names { get; init; }

    /// <summary>True if it selects the element at <paramref name="index"/>.</summary>
    public bool Selects(long index) => index >= First && index < End && (index - First) % Stride == 0;
}
