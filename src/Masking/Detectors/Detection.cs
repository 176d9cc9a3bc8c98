namespace Countersign.Masking.Detectors;

/// <summary>Sensitive text in a value: where it begins, how many bytes it has, and which detector says so.</summary>
internal readonly record struct Detection(int Start, int Length, DetectorSet Detector)
{
    /// <summary>What no detection is worse than: it starts after every value.</summary>
    public static readonly Detection None = new(int.MaxValue, 0, DetectorSet.None);

    /// <summary>The first byte after it.</summary>
    public int End => Start + Length;

    /// <summary>The leftmost of the two; of those that start together the longest; then the lowest detector.</summary>
    public static Detection Better(Detection one, Detection other)
    {
        if (one.Start != other.Start) return one.Start < other.Start ? one : other;
        if (one.Length != other.Length) return one.Length > other.Length ? one : other;
        return one.Detector <= other.Detector ? one : other;
    }
}
