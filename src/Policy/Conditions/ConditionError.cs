namespace Countersign.Policy.Conditions;

/// <summary>One thing that is wrong with a condition's text.</summary>
/// <param name="Offset">Where it begins, in UTF-16 code units from 0.</param>
/// <param name="Message">What is wrong, for the policy's writer.</param>
internal readonly record struct ConditionError(int Offset, string Message);

/// <summary>
/// Ends the reading of a condition at its first fault. Caught by <see cref="ConditionCompiler"/>, never seen beyond it:
/// a recursive reader would otherwise carry a status through every line.
/// </summary>
internal sealed class ConditionSyntaxException(int offset, string message) : Exception(message)
{
    public ConditionError Error { get; } = new(offset, message);
}

/// <summary>Every bound of a condition (STYLE rule 10). What is beyond one is refused, or denies.</summary>
internal static class ConditionLimits
{
    /// <summary>Of a condition's text, in UTF-16 code units.</summary>
    public const int CharactersMax = 4_096;

    /// <summary>How deep an expression nests: reading and evaluating recurse.</summary>
    public const int DepthMax = 200;

    /// <summary>Macros within macros.</summary>
    public const int LoopsNestedMax = 16;

    /// <summary>Steps of one call's conditions together, and of one condition at its worst (<see
    /// cref="ConditionCost"/>). About 20 ms.</summary>
    public const int StepsMax = 1_000_000;

    /// <summary>Values in a call's arguments, names included.</summary>
    public const int ArgumentValuesMax = 65_536;

    /// <summary>Query parameters and header fields that a condition goes through.</summary>
    public const int ListedFieldsMax = 256;

    /// <summary>Text that one call's conditions may make: joined, decoded, converted.</summary>
    public const int ScratchBytesMax = 1_048_576;

    /// <summary>Items of the lists and maps that one call's conditions may make.</summary>
    public const int MadeItemsMax = 65_536;

    /// <summary>Of a pattern for <c>matches</c>.</summary>
    public const int PatternCharactersMax = 512;

    /// <summary>How often a pattern may repeat something, nested repetitions multiplied; RE2's own bound.</summary>
    public const int PatternRepeatsMax = 1_000;

    /// <summary>Rules with conditions, each counted once for every function that it covers.</summary>
    public const int PairsMax = 200_000;

    /// <summary>Rules with conditions that cover one function: those that hold are told apart by the bits of a
    /// word.</summary>
    public const int PerFunctionMax = 64;

    /// <summary>Bytes that are compared or copied in one step.</summary>
    public const int BytesPerStep = 64;
}
