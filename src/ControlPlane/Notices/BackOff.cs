namespace Countersign.ControlPlane.Notices;

/// <summary>When to try again: 5 s, 20 s, 80 s and so on, up to 6 h, each up to a fifth more or less.</summary>
internal static class BackOff
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Most = TimeSpan.FromHours(6);

    /// <summary>The wait after a failed attempt.</summary>
    /// <param name="attempt">Which attempt failed, from 1.</param>
    /// <param name="chance">From 0 up to 1: spreads what failed together.</param>
    /// <param name="asked">What the receiver asked for, or null; heeded where it is longer, up to 6 h.</param>
    public static TimeSpan After(int attempt, double chance, TimeSpan? asked = null)
    {
        TimeSpan steady = First * Math.Pow(4, Math.Clamp(attempt - 1, 0, 10));
        if (steady > Most) steady = Most;
        TimeSpan spread = steady * (0.8 + (0.4 * chance));
        if (asked is not { } wanted || wanted <= spread) return spread;
        return wanted < Most ? wanted : Most;
    }
}
