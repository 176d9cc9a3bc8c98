using System.Globalization;

namespace Countersign.Policy;

/// <summary>Whose calls a limit counts together. Zero is not a scope.</summary>
public enum RateScope : byte
{
    /// <summary>Not set; refused by the compiler.</summary>
    Unset = 0,

    /// <summary>Those of one caller.</summary>
    Caller,

    /// <summary>Everybody's, of one function.</summary>
    Function,

    /// <summary>Those of one person, through whatever agent or job: each person of a caller's human chain.</summary>
    Chain,
}

/// <summary>How often functions may be called: a bucket of cells that fills at a rate and holds so many.</summary>
public sealed class RateLimit
{
    // A node takes what a tenth of a second needs, and never more than a quarter of the bucket: the others want some.
    private const double LeaseSeconds = 0.1;
    private const int NodesFed = 4;

    /// <summary>Makes a limit; only the compiler does.</summary>
    internal RateLimit(
        string id, IReadOnlyList<string> functions, RateScope per, int count, TimeSpan period, int burst)
    {
        Id = id;
        Functions = functions;
        Per = per;
        Count = count;
        Period = period;
        Burst = burst;
        IntervalMicroseconds = period.TotalMicroseconds / count;
        double leased = 1_000_000 * LeaseSeconds / IntervalMicroseconds;
        LeaseCells = (int)Math.Clamp(leased, 1, Math.Max(1, burst / NodesFed));
        PolicyItem = string.Create(
            CultureInfo.InvariantCulture, $"\"{id}\";q={count};w={Math.Max(1, (long)period.TotalSeconds)}");
    }

    /// <summary>Its name.</summary>
    public string Id { get; }

    /// <summary>Function ids and patterns, as written.</summary>
    public IReadOnlyList<string> Functions { get; }

    /// <summary>Whose calls are counted together.</summary>
    public RateScope Per { get; }

    /// <summary>How many calls in <see cref="Period"/>, in the long run.</summary>
    public int Count { get; }

    /// <summary>One second, minute, hour or day.</summary>
    public TimeSpan Period { get; }

    /// <summary>How many calls at once, after a pause.</summary>
    public int Burst { get; }

    /// <summary>The time in which one cell comes back.</summary>
    public double IntervalMicroseconds { get; }

    /// <summary>How many cells a node takes at a time, so that most calls need not ask the store.</summary>
    public int LeaseCells { get; }

    /// <summary>What <c>RateLimit-Policy</c> says of it.</summary>
    public string PolicyItem { get; }
}
