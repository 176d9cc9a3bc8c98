namespace Countersign.Masking;

/// <summary>Which children a path step selects. Zero selects all: masking too much is the safe mistake.</summary>
internal enum PathStepKind : byte
{
    Wildcard = 0,
    Name,
    Index,
}

/// <summary>One segment of a path.</summary>
/// <param name="Kind">Which children it selects.</param>
/// <param name="Descends">True for <c>..</c>: children of the node and of all its descendants.</param>
/// <param name="Name">The decoded name, for <see cref="PathStepKind.Name"/>.</param>
/// <param name="Index">The index from 0, for <see cref="PathStepKind.Index"/>.</param>
internal readonly record struct PathStep(PathStepKind Kind, bool Descends, string Name, long Index);
