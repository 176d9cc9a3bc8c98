using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <summary>Hears what is masked and why, for people who ask. Never a value.</summary>
public interface IMaskListener
{
    /// <summary>A value was masked, in the order of the body.</summary>
    void Masked(MaskFinding finding);
}

/// <summary>One masked value.</summary>
/// <param name="Path">Where it stood: a normalized path (RFC 9535 section 2.7), and for JSON inside a string the
/// string's path, <c>~</c> and the path in there.</param>
/// <param name="Action">What happened to it.</param>
/// <param name="Rule">The place, from 0, of the rule in the list that was compiled; -1 for a string that was hidden
/// because it is JSON that cannot be read to its end, or lies too deep.</param>
/// <param name="Detector">What found it; none for a field.</param>
public readonly record struct MaskFinding(string Path, MaskAction Action, int Rule, DetectorSet Detector);
