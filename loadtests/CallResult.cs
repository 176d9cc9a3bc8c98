namespace Countersign.LoadTests;

/// <summary>How one call went.</summary>
/// <param name="Kind">What was sent.</param>
/// <param name="Call">The id it was answered with; empty if there was no sound answer.</param>
/// <param name="LatencyMilliseconds">From the moment it was due to the last byte of its answer.</param>
/// <param name="Violation">What is wrong; null if nothing is.</param>
internal readonly record struct CallResult(CallKind Kind, Guid Call, double LatencyMilliseconds, string? Violation);
