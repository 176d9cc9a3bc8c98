using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <summary>What happens to a value that a rule hits. Zero redacts. Where several rules hit one value, the one that
/// leaves least of it wins: drop, null, redact, tokenize, keep-last-4.</summary>
public enum MaskAction : byte
{
    /// <summary>The whole value becomes <c>"***"</c>.</summary>
    Redact = 0,

    /// <summary>Of a string or number with at least <see cref="MaskLimits.KeepCharsMin"/> characters the last four
    /// stay and the others become stars; anything else is redacted.</summary>
    KeepLast4,

    /// <summary>A string or number becomes a token (<see cref="TokenKey"/>): the same value, of the same class under
    /// the same key, gives the same token everywhere. Anything else is redacted.</summary>
    Tokenize,

    /// <summary>The whole value becomes <c>null</c>.</summary>
    Null,

    /// <summary>The member or element goes, and with it one comma. A whole body's value becomes <c>null</c>.</summary>
    Drop,
}

/// <summary>How a rule's names are compared with keys. Zero is what each notation usually means.</summary>
public enum MaskNames : byte
{
    /// <summary>A bare name without regard to ASCII case, the names of a path exactly.</summary>
    Usual = 0,

    /// <summary>Byte by byte, after decoding.</summary>
    Exact,

    /// <summary>Without regard to ASCII case.</summary>
    FoldCase,

    /// <summary>Without regard to ASCII case nor to <c>_</c>, <c>-</c>, <c>.</c> and space: <c>credit_card</c> is
    /// <c>creditCard</c> and <c>Credit-Card</c>.</summary>
    FoldSeparators,
}

/// <summary>One selection of values and what happens to them.</summary>
/// <param name="Field">
/// A member name, matched at any depth against the decoded key; or a path that begins with <c>$</c>, in the subset of
/// RFC 9535 that <see cref="MaskField"/> names. Empty if <see cref="Detect"/> selects.
/// </param>
/// <param name="Action">What happens to a value; <c>null</c> is left as it is by every action but drop.</param>
public sealed record MaskRule(string Field, MaskAction Action)
{
    /// <summary>How names are compared.</summary>
    public MaskNames Names { get; init; }

    /// <summary>
    /// Selects by what values are, wherever they stand, in place of <see cref="Field"/>. In a string only what was
    /// found is masked and the rest stays, except by null and drop; a number is masked whole.
    /// </summary>
    public DetectorSet Detect { get; init; }

    /// <summary>What tokens are made with; <see cref="MaskAction.Tokenize"/> needs it.</summary>
    public TokenKey? Key { get; init; }

    /// <summary>The field class that tokens belong to; values of different classes have different tokens. Null for
    /// <see cref="Field"/>, or the detector's name.</summary>
    public string? Class { get; init; }
}
