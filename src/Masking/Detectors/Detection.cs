namespace Countersign.Masking.Detectors;

/// <summary>
/// Sensitive text in a value: where it begins, how many bytes it has, and which detector says so. Where several overlap
/// it is all of them together, and the detector is that of the leftmost, of those that begin together the longest.
/// </summary>
internal readonly record struct Detection(int Start, int Length, DetectorSet Detector)
{
    /// <summary>What no detection is worse than: it starts after every value.</summary>
    public static readonly Detection None = new(int.MaxValue, 0, DetectorSet.None);

    /// <summary>The first byte after it.</summary>
    public int End => Start + Length;

    /// <summary>Every detector that found something in it.</summary>
    public DetectorSet All { get; init; } = Detector;

    /// <summary>Where the last private key in it begins, if there is one.</summary>
    public int KeyStart { get; init; } = Start;

    /// <summary>Where that ends; 0 if there is none.</summary>
    public int KeyEnd { get; init; } = Detector == DetectorSet.PrivateKey ? Start + Length : 0;

    /// <summary>The leftmost of the two; of those that start together the longest; then the lowest detector.</summary>
    public static Detection Better(Detection one, Detection other)
    {
        if (one.Start != other.Start) return one.Start < other.Start ? one : other;
        bool isOther = one.Length != other.Length ? other.Length > one.Length : other.Detector < one.Detector;
        return isOther ? other.With(one) : one.With(other);
    }

    /// <summary>This and what lies in it of an address that goes on behind it, which is none.</summary>
    public Detection WithInside(Detection address) => this with { All = All | (address.All & ~DetectorSet.Email) };

    /// <summary>This and one that begins in it.</summary>
    public Detection With(Detection other) => this with
    {
        Length = Math.Max(End, other.End) - Start,
        All = All | other.All,
        KeyStart = other.KeyEnd > 0 ? other.KeyStart : KeyStart,
        KeyEnd = Math.Max(KeyEnd, other.KeyEnd),
    };
}
