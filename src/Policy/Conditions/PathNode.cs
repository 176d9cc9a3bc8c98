using System.Buffers.Text;

namespace Countersign.Policy.Conditions;

/// <summary>One parameter of a function's path.</summary>
/// <param name="Name">As the template names it.</param>
/// <param name="Segment">Which segment of the path it is, from 0.</param>
/// <param name="IsInt">True if the template says that it is a whole number.</param>
internal sealed record PathInput(string Name, int Segment, bool IsInt);

/// <summary>A parameter of the path: its segment, decoded.</summary>
internal sealed class PathNode(int offset, PathInput input) : ConditionNode(offset)
{
    /// <summary>All parameters as a map; only for conditions that ask for no one of them by name.</summary>
    public static ConditionValue Whole(PathInput[] inputs, Evaluation evaluation)
    {
        if (!evaluation.TryMake(inputs.Length)) return Evaluation.TooCostly;
        MadeMap map = new();
        foreach (PathInput input in inputs)
        {
            ConditionValue value = Read(input, evaluation);
            if (value.IsError) return value;
            map.TryAdd(ConditionValue.OfText(input.Name), value);
        }

        return ConditionValue.OfMap(map);
    }

    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation) => Read(input, evaluation);

    [HotPath]
    private static ConditionValue Read(PathInput input, Evaluation evaluation)
    {
        ReadOnlyMemory<byte> rest = evaluation.Facts.Path;
        if (rest.IsEmpty || rest.Span[0] != (byte)'/') return ConditionValue.Failed(ConditionFault.NoSuchField);
        for (int passed = 0; ; passed++)
        {
            rest = rest[1..];
            int slash = rest.Span.IndexOf((byte)'/');
            if (passed == input.Segment)
            {
                return ReadSegment(slash < 0 ? rest : rest[..slash], input.IsInt, evaluation);
            }

            if (slash < 0) return ConditionValue.Failed(ConditionFault.NoSuchField);
            rest = rest[slash..];
        }
    }

    [HotPath]
    private static ConditionValue ReadSegment(ReadOnlyMemory<byte> segment, bool isInt, Evaluation evaluation)
    {
        if (!PercentText.TryDecode(segment, plusIsSpace: false, evaluation, out ReadOnlyMemory<byte> text))
        {
            return ConditionValue.Failed(ConditionFault.NotUtf8);
        }

        if (!isInt) return ConditionValue.OfText(text);
        return Utf8Parser.TryParse(text.Span, out long number, out int read) && read == text.Length
            ? ConditionValue.Of(number) : ConditionValue.Failed(ConditionFault.NotConverted);
    }
}
