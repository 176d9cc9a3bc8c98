using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace Countersign.Policy.Conditions;

/// <summary><c>text.matches(pattern)</c>: in time that grows with the text alone, whatever the pattern.</summary>
internal sealed class MatchNode(int offset, ConditionNode text, Regex pattern) : ConditionNode(offset)
{
    private const int StackCharacters = 256;
    private const int BytesPerStep = 4;

    public override IReadOnlyList<ConditionNode> Children => [text];

    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation)
    {
        ConditionValue value = text.Evaluate(evaluation);
        if (value.IsError) return value;
        if (value.Kind != ValueKind.String) return ConditionValue.Failed(ConditionFault.NoOverload);
        ReadOnlySpan<byte> utf8 = value.Text;
        if (!evaluation.TrySteps(utf8.Length / BytesPerStep)) return Evaluation.TooCostly;
        char[]? rented = utf8.Length > StackCharacters ? ArrayPool<char>.Shared.Rent(utf8.Length) : null;
        Span<char> utf16 = rented ?? stackalloc char[StackCharacters];
        utf16 = utf16[..Encoding.UTF8.GetChars(utf8, utf16)];
        bool isMatch = pattern.IsMatch(utf16);
        utf16.Clear();
        if (rented is not null) ArrayPool<char>.Shared.Return(rented);
        return ConditionValue.Of(isMatch);
    }
}

/// <summary>A number of the arguments that a schema calls a number: a double, whichever way it was written.</summary>
internal sealed class NumberNode(int offset, ConditionNode number) : ConditionNode(offset)
{
    private const long WholeDoubleMax = 1L << 53;

    public ConditionNode Number => number;

    public override IReadOnlyList<ConditionNode> Children => [number];

    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation)
    {
        ConditionValue value = number.Evaluate(evaluation);
        if (value.Kind != ValueKind.Int) return value;
        return value.Int is >= -WholeDoubleMax and <= WholeDoubleMax
            ? ConditionValue.Of((double)value.Int) : ConditionValue.Failed(ConditionFault.InexactNumber);
    }
}
