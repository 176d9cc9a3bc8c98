namespace Countersign.Masking;

/// <summary>What is known of 64 bytes, a bit for each: the lowest is the first byte's.</summary>
internal struct BlockMasks
{
    /// <summary>The first byte of each token: a bracket, colon or comma, a string's opening quote, a number's or
    /// literal's first.</summary>
    public ulong Tokens;

    /// <summary>Where a rule may have a say: quotes that close what may be a name that is looked for, quotes that open
    /// what may be JSON, and what detectors must look at.</summary>
    public ulong Events;

    /// <summary>Those of them that close what may be a name that is looked for.</summary>
    public ulong Names;

    /// <summary>Those that close a string in which something may be detected.</summary>
    public ulong Detected;

    /// <summary>Those that close what may be a name that tells of a secret.</summary>
    public ulong Telling;

    /// <summary>Bytes at which something that is detected may be given away.</summary>
    public ulong Triggers;

    /// <summary>Bytes of numbers and literals.</summary>
    public ulong Scalars;

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

    /// <summary>Brackets of arrays.</summary>
    public ulong Squares;

    /// <summary>Names that may be looked for.</summary>
    public ulong Named;

    /// <summary>Kinds of the containers that are open before the first.</summary>
    public ulong KindsBefore;
}
