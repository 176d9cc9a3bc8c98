using System.Text;

namespace Countersign.Policy.Conditions;

/// <summary>
/// Conversions of what is written out that can never succeed, such as <c>duration('30d')</c>: each would deny every
/// call that comes to it.
/// </summary>
internal static class LiteralFaults
{
    /// <summary>All of them, each once, at the value that is converted.</summary>
    /// <param name="root">A checked expression: what could be worked out is a constant already.</param>
    public static IReadOnlyList<ConditionError> Find(ConditionNode root)
    {
        List<ConditionError> faults = [];
        Collect(root, faults);
        return [.. faults.Distinct()];
    }

    private static void Collect(ConditionNode node, List<ConditionError> faults)
    {
        bool isConversion = node is UnaryNode { Operation: >= Operation.ToBool and <= Operation.ToUint };
        if (isConversion && node.Children[0] is ConstantNode constant)
        {
            faults.Add(new ConditionError(constant.Offset, Describe(((UnaryNode)node).Operation, constant.Value)));
        }

        foreach (ConditionNode child in node.Children) Collect(child, faults);
    }

    private static string Describe(Operation conversion, in ConditionValue value)
    {
        ConditionValue text = Converting.Convert(Operation.ToText, value, new Evaluation());
        string written = text.Kind == ValueKind.String ? Encoding.UTF8.GetString(text.Text) : "this";
        if (value.Kind == ValueKind.String) written = $"'{written}'";
        return conversion switch
        {
            Operation.ToDuration => $"{written} is no duration: write hours, minutes and seconds, such as "
                + "'720h' or '1h30m'",
            Operation.ToTimestamp => $"{written} is no time: write a date, a time and an offset, such as "
                + "'2026-12-31T00:00:00Z'",
            Operation.ToInt => $"{written} is no int",
            Operation.ToUint => $"{written} is no uint: whole, and not below 0",
            Operation.ToDouble => $"{written} is no double",
            Operation.ToBool => $"{written} is no bool",
            _ => $"{written} cannot be converted",
        };
    }
}
