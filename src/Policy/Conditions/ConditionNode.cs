namespace Countersign.Policy.Conditions;

/// <summary>One step of a compiled condition: immutable, shared by all threads.</summary>
/// <param name="offset">Where it stands in the text; an error that arises in it says so.</param>
internal abstract class ConditionNode(int offset)
{
    public int Offset { get; } = offset;

    /// <summary>What it works on, for the cost's estimate and to see what can be worked out beforehand.</summary>
    public virtual IReadOnlyList<ConditionNode> Children => [];

    /// <summary>Its value for the call, or an error; one step and what its children take.</summary>
    [HotPath]
    public ConditionValue Evaluate(Evaluation evaluation) => evaluation.TrySteps(1)
        ? Run(evaluation).At(Offset)
        : Evaluation.TooCostly.At(Offset);

    protected abstract ConditionValue Run(Evaluation evaluation);
}

/// <summary>A value that is known beforehand.</summary>
internal sealed class ConstantNode(int offset, ConditionValue value) : ConditionNode(offset)
{
    public ConditionValue Value { get; } = value;

    protected override ConditionValue Run(Evaluation evaluation) => Value;
}

/// <summary>What a condition may name: the call's facts.</summary>
internal enum FactKind : byte
{
    Args,
    Query,
    Headers,
    Caller,
    Now,
    Path,
}

/// <summary>One of the call's facts, whole.</summary>
internal sealed class FactNode(int offset, FactKind fact, PathInput[] path) : ConditionNode(offset)
{
    public FactKind Fact { get; } = fact;

    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation) => Fact switch
    {
        FactKind.Args => evaluation.Arguments(),
        FactKind.Query => evaluation.Query(),
        FactKind.Headers => evaluation.Headers(),
        FactKind.Caller => evaluation.Facts.Caller.Facts.Whole,
        FactKind.Now => evaluation.Now(),
        _ => PathNode.Whole(path, evaluation),
    };
}

/// <summary>One field of the caller.</summary>
internal sealed class CallerNode(int offset, CallerField field) : ConditionNode(offset)
{
    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation) => evaluation.Facts.Caller.Facts.Of(field);
}

/// <summary>The variable of a macro.</summary>
internal sealed class LocalNode(int offset, int slot) : ConditionNode(offset)
{
    public int Slot { get; } = slot;

    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation) => evaluation.Local(Slot);
}

/// <summary><c>operand.field</c>, and <c>has(operand.field)</c>.</summary>
internal sealed class SelectNode(int offset, ConditionNode operand, ConditionValue field, bool isTest)
    : ConditionNode(offset)
{
    public override IReadOnlyList<ConditionNode> Children => [operand];

    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation)
    {
        ConditionValue from = operand.Evaluate(evaluation);
        if (from.IsError) return from;
        if (from.Kind != ValueKind.Map) return ConditionValue.Failed(ConditionFault.NoOverload);
        ConditionValue found = from.Container.Find(from.Place, field, evaluation);
        if (isTest && !IsOutOfSteps(found)) return ConditionValue.Of(found.Kind != ValueKind.None);
        return found.Kind == ValueKind.None ? ConditionValue.Failed(ConditionFault.NoSuchKey) : found;
    }

    // What is there but cannot be read, such as a header that came twice, is there.
    private static bool IsOutOfSteps(in ConditionValue found) =>
        found.IsError && found.Fault is ConditionFault.TooCostly or ConditionFault.BadQuery
            or ConditionFault.TooManyFields;
}

/// <summary>An operator or function of one value.</summary>
internal sealed class UnaryNode(int offset, Operation operation, ConditionNode operand) : ConditionNode(offset)
{
    public Operation Operation => operation;

    public override IReadOnlyList<ConditionNode> Children => [operand];

    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation)
    {
        ConditionValue value = operand.Evaluate(evaluation);
        if (value.IsError) return value;
        switch (operation)
        {
            case Operation.Not:
                return value.Kind == ValueKind.Bool
                    ? ConditionValue.Of(value.IsFalse) : ConditionValue.Failed(ConditionFault.NoOverload);
            case Operation.Negate:
                return Arithmetic.Negate(value);
            case Operation.Size:
                return Converting.Size(value, evaluation);
            case Operation.TypeOf:
                return Converting.TypeOf(value);
            case >= Operation.GetDate and <= Operation.GetSeconds:
                return TimeParts.Get(operation, value, TimeZoneInfo.Utc);
            default:
                return Converting.Convert(operation, value, evaluation);
        }
    }
}

/// <summary>A getter of timestamps in a time zone that is known beforehand.</summary>
internal sealed class ZonedNode(int offset, Operation part, ConditionNode operand, TimeZoneInfo zone)
    : ConditionNode(offset)
{
    public override IReadOnlyList<ConditionNode> Children => [operand];

    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation)
    {
        ConditionValue value = operand.Evaluate(evaluation);
        if (value.IsError) return value;
        return value.Kind == ValueKind.Timestamp
            ? TimeParts.Get(part, value, zone) : ConditionValue.Failed(ConditionFault.NoOverload);
    }
}

/// <summary>An operator or function of two values.</summary>
internal sealed class BinaryNode(int offset, Operation operation, ConditionNode left, ConditionNode right)
    : ConditionNode(offset)
{
    public bool IsIndex => operation == Operation.Index;

    public override IReadOnlyList<ConditionNode> Children => [left, right];

    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation)
    {
        ConditionValue first = left.Evaluate(evaluation);
        if (first.IsError) return first;
        ConditionValue second = right.Evaluate(evaluation);
        if (second.IsError) return second;
        switch (operation)
        {
            case Operation.Equal:
                return Comparing.Equal(first, second, evaluation);
            case Operation.NotEqual:
                ConditionValue isEqual = Comparing.Equal(first, second, evaluation);
                return isEqual.IsError ? isEqual : ConditionValue.Of(isEqual.IsFalse);
            case >= Operation.Less and <= Operation.GreaterOrEqual:
                return Comparing.Ordered(operation, first, second, evaluation);
            case Operation.In:
                return Comparing.Contains(second, first, evaluation);
            case Operation.Index:
                return Indexing.Get(first, second, evaluation);
            case Operation.StartsWith or Operation.EndsWith or Operation.Contains:
                return Indexing.Search(operation, first, second, evaluation);
            default:
                return Arithmetic.Apply(operation, first, second, evaluation);
        }
    }
}

/// <summary><c>a[b]</c>, and the searches in text.</summary>
internal static class Indexing
{
    [HotPath]
    public static ConditionValue Get(in ConditionValue container, in ConditionValue key, Evaluation evaluation)
    {
        if (container.Kind == ValueKind.Map)
        {
            ConditionValue found = container.Container.Find(container.Place, key, evaluation);
            return found.Kind == ValueKind.None ? ConditionValue.Failed(ConditionFault.NoSuchKey) : found;
        }

        if (container.Kind != ValueKind.List) return ConditionValue.Failed(ConditionFault.NoOverload);
        long index = key.Int;
        bool isIndex = key.Kind switch
        {
            ValueKind.Int => true,
            ValueKind.Uint => key.Uint <= long.MaxValue,
            ValueKind.Double => IsWhole(key.Double, out index),
            _ => false,
        };
        return isIndex
            ? container.Container.At(container.Place, index, evaluation)
            : ConditionValue.Failed(key.IsNumber ? ConditionFault.OutOfList : ConditionFault.NoOverload);
    }

    [HotPath]
    public static ConditionValue Search(
        Operation operation, in ConditionValue text, in ConditionValue sought, Evaluation evaluation)
    {
        if (text.Kind != ValueKind.String || sought.Kind != ValueKind.String)
        {
            return ConditionValue.Failed(ConditionFault.NoOverload);
        }

        // A search may look at all that is sought from every place of the text.
        long blocks = 1 + (sought.Text.Length / ConditionLimits.BytesPerStep);
        if (operation == Operation.Contains) blocks *= 1 + (text.Text.Length / ConditionLimits.BytesPerStep);
        if (!evaluation.TrySteps((int)Math.Min(int.MaxValue, blocks))) return Evaluation.TooCostly;
        return ConditionValue.Of(operation switch
        {
            Operation.StartsWith => text.Text.StartsWith(sought.Text),
            Operation.EndsWith => text.Text.EndsWith(sought.Text),
            _ => text.Text.IndexOf(sought.Text) >= 0,
        });
    }

    private static bool IsWhole(double value, out long index)
    {
        index = value is > -1e15 and < 1e15 ? (long)value : 0;
        return index == value;
    }
}
