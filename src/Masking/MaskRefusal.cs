namespace Countersign.Masking;

/// <summary>Why a body was refused.</summary>
public enum MaskRefusal : byte
{
    /// <summary>It was not.</summary>
    None = 0,

    /// <summary>The masker was given no program.</summary>
    NotReset,

    /// <summary>Input came after the end.</summary>
    AfterEnd,

    /// <summary>A byte order mark stands before JSON (RFC 8259 section 8.1).</summary>
    ByteOrderMark,

    /// <summary>Something else stands where a value must.</summary>
    NotAValue,

    /// <summary>Something else stands where a member's name must.</summary>
    NotAKey,

    /// <summary>Something else stands where a colon must.</summary>
    NotAColon,

    /// <summary>Something else stands where a comma or an end must.</summary>
    NotAComma,

    /// <summary>Two values with nothing between them.</summary>
    ValuesTouch,

    /// <summary>A word that is not true, false or null.</summary>
    BadLiteral,

    /// <summary>Not a number of RFC 8259 section 6.</summary>
    BadNumber,

    /// <summary>Not an escape of RFC 8259 section 7.</summary>
    BadEscape,

    /// <summary>A string is not UTF-8 (RFC 3629).</summary>
    NotUtf8,

    /// <summary>A control character in a string.</summary>
    ControlCharacter,

    /// <summary>More than <see cref="MaskLimits.DepthMax"/> arrays and objects inside one another.</summary>
    TooDeep,

    /// <summary>The body ends inside a value.</summary>
    CutShort,

    /// <summary>A name is longer than <see cref="MaskLimits.KeyBytesMax"/> and a rule could still mean it.</summary>
    KeyTooLong,

    /// <summary>A value that must be seen whole is longer than <see cref="MaskOptions.ValueBytesMax"/>.</summary>
    ValueTooLong,

    /// <summary>A number is longer than <see cref="MaskLimits.NumberBytesMax"/>.</summary>
    NumberTooLong,

    /// <summary>What stands between two members, and may have to go with one of them, is too long.</summary>
    GapTooLong,

    /// <summary>A line of an event stream is of no field that event streams have.</summary>
    UnknownEventField,

    /// <summary>A line of an event stream is longer than <see cref="MaskLimits.EventFieldBytesMax"/>.</summary>
    EventFieldTooLong,
}
