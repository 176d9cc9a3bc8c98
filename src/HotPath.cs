namespace Countersign;

/// <summary>
/// Marks a method that runs on every call. Its body holds no LINQ, capturing lambda, boxing or interpolated string,
/// and it has a row in <c>bench/baseline.json</c>; the architecture tests check both (STYLE rule 9).
/// </summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Constructor, Inherited = false)]
internal sealed class HotPathAttribute : Attribute;
