namespace Countersign.Masking;

/// <summary>What is known of 64 bytes, a bit for each: the lowest is the first byte's. The first ten are what bytes
/// look like; the others are what they mean.</summary>
internal struct BlockMasks
{
    /// <summary>Quotes; once strings are known, those that open or close one.</summary>
    public ulong Quotes;

    /// <summary>Backslashes.</summary>
    public ulong Slashes;

    /// <summary>Brackets, colons and commas, and two control characters that look like them.</summary>
    public ulong Marks;

    /// <summary>White space.</summary>
    public ulong Blanks;

    /// <summary>Colons.</summary>
    public ulong Colons;

    /// <summary>Digits.</summary>
    public ulong Digits;

    /// <summary>Zeros.</summary>
    public ulong Zeros;

    /// <summary>Bytes below 0x20.</summary>
    public ulong Controls;

    /// <summary>Bytes that may close a name which is looked for, if they are quotes.</summary>
    public ulong Trails;

    /// <summary>Bytes from 0x80 on.</summary>
    public ulong High;

    /// <summary>The first byte of each token: a bracket, colon or comma, a string's opening quote, a number's or
    /// literal's first.</summary>
    public ulong Tokens;

    /// <summary>Where a rule may have a say: quotes that close what may be a name that is looked for, and quotes that
    /// open what may be JSON.</summary>
    public ulong Events;

    /// <summary>Quotes that close a string in which something is escaped.</summary>
    public ulong Escaped;

    /// <summary>How many tokens of the window begin before this block.</summary>
    public int Before;
}

/// <summary>What is known of 64 tokens in a row, a bit for each.</summary>
internal struct TokenMasks
{
    /// <summary>Strings that are members' names.</summary>
    public ulong Keys;

    /// <summary>Values that are elements of arrays.</summary>
    public ulong Elements;

    /// <summary>Brackets that open.</summary>
    public ulong Opens;

    /// <summary>Brackets that close.</summary>
    public ulong Closes;

    /// <summary>Names that may be looked for.</summary>
    public ulong Named;
}
