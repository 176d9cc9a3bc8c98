using System.Runtime.CompilerServices;

namespace Countersign.Masking;

/// <summary>What is known of a window's blocks, a word for each in each row and a bit for each byte: the lowest is the
/// first byte's. Masks of one kind stand behind one another, so that a vector holds those of eight blocks.</summary>
internal sealed class BlockMasks
{
    /// <summary>The first byte of each token: a bracket, colon or comma, a string's opening quote, a number's or
    /// literal's first.</summary>
    public BlockWords Tokens;

    /// <summary>Where a rule may have a say: quotes that close what may be a name that is looked for, quotes that open
    /// what may be JSON, and what detectors must look at.</summary>
    public BlockWords Events;

    /// <summary>Those of them that close what may be a name that is looked for.</summary>
    public BlockWords Names;

    /// <summary>Those that close a string in which something may be detected.</summary>
    public BlockWords Detected;

    /// <summary>Those that close what may be a name that tells of a secret.</summary>
    public BlockWords Telling;

    /// <summary>Bytes at which something that is detected may be given away.</summary>
    public BlockWords Triggers;

    /// <summary>Bytes of numbers and literals.</summary>
    public BlockWords Scalars;

    /// <summary>Quotes that close a string in which something is escaped.</summary>
    public BlockWords Escaped;

    /// <summary>Quotes that open or close a string, behind a word for the block before the first: none are around
    /// the window.</summary>
    public BlockWords Quotes;

    /// <summary>How many tokens of the window begin before each block.</summary>
    public BlockCounts Before;
}

/// <summary>A word for each block. Eight are written at once, so that what is behind the last one means nothing, and of
/// quotes one more is read on either side.</summary>
[InlineArray(BlockWindow.BlocksMax + 10)]
internal struct BlockWords
{
    private ulong _first;
}

/// <summary>A number for each block.</summary>
[InlineArray(BlockWindow.BlocksMax)]
internal struct BlockCounts
{
    private int _first;
}

/// <summary>What is known of a window's tokens, a word for each 64 of them in each row and a bit for each
/// token.</summary>
internal sealed class TokenMasks
{
    /// <summary>Strings that are members' names.</summary>
    public BlockWords Keys;

    /// <summary>Values that are elements of arrays.</summary>
    public BlockWords Elements;

    /// <summary>Brackets that open.</summary>
    public BlockWords Opens;

    /// <summary>Brackets that close.</summary>
    public BlockWords Closes;

    /// <summary>Brackets of arrays.</summary>
    public BlockWords Squares;

    /// <summary>Names that may be looked for.</summary>
    public BlockWords Named;

    /// <summary>Kinds of the containers that are open before the first of the 64.</summary>
    public BlockWords KindsBefore;

    /// <summary>What, from each bracket on, is in an array.</summary>
    public BlockWords InArrays;

    /// <summary>Brackets that leave no container open.</summary>
    public BlockWords Tops;
}
