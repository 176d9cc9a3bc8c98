namespace Countersign.Policy;

/// <content>Which limits count a call.</content>
public sealed partial class PolicySnapshot
{
    private readonly RateLimit[][] _limitsByFunction;

    /// <summary>In document order.</summary>
    public IReadOnlyList<RateLimit> Limits { get; }

    /// <summary>
    /// The limits that count calls of the function, in document order; none while the whole policy is in observe, which
    /// refuses nothing. The function is one of this snapshot's.
    /// </summary>
    [HotPath]
    public ReadOnlySpan<RateLimit> LimitsOf(Function function) => _limitsByFunction[function.Index];

    private RateLimit[][] IndexLimits() => Mode == PolicyMode.Observe
        ? [.. _functions.Select(_ => Array.Empty<RateLimit>())]
        : [.. IndexByFunction([.. Limits.Select(limit => limit.Functions)]).Select(
            numbers => numbers.Select(number => Limits[number]).ToArray())];
}
