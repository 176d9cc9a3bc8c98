namespace Countersign.Masking;

/// <summary>What happens to a value that a rule hits. Zero is the strictest.</summary>
public enum MaskAction : byte
{
    /// <summary>The whole value becomes <c>"***"</c>.</summary>
    Redact = 0,

    /// <summary>Of a string or number with at least <see cref="MaskLimits.KeepCharsMin"/> characters the last four
    /// stay and the others become stars; anything else is redacted.</summary>
    KeepLast4,
}

/// <summary>One selection of values and what happens to them.</summary>
/// <param name="Field">
/// A member name, matched at any depth against the decoded key without regard to ASCII case; or a path that begins with
/// <c>$</c>, in the subset of RFC 9535 that <see cref="MaskField"/> names, whose names are matched exactly.
/// </param>
/// <param name="Action">What happens to a value; <c>null</c> is left as it is by either action.</param>
public sealed record MaskRule(string Field, MaskAction Action);
