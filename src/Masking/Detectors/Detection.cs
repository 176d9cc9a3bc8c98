namespace Countersign.Masking.Detectors;

/// <summary>Something found in a value.</summary>
/// <param name="Start">Where it begins, in bytes of the decoded value.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="Detector">What it is: one flag.</param>
internal readonly record struct Detection(int Start, int Length, DetectorSet Detector);
