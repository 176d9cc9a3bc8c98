namespace Countersign.Policy.Conditions;

/// <summary>
/// <c>&amp;&amp;</c> and <c>||</c>: where one side decides alone, the other may be anything, an error too (cel-spec,
/// Logical Operators).
/// </summary>
internal sealed class LogicNode(int offset, bool decisive, ConditionNode left, ConditionNode right)
    : ConditionNode(offset)
{
    public override IReadOnlyList<ConditionNode> Children => [left, right];

    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation)
    {
        ConditionValue first = left.Evaluate(evaluation);
        if (Decides(first)) return first;
        ConditionValue second = right.Evaluate(evaluation);
        if (Decides(second)) return second;
        if (first.IsError) return first;
        if (second.IsError) return second;
        return first.Kind == ValueKind.Bool && second.Kind == ValueKind.Bool
            ? ConditionValue.Of(!decisive) : ConditionValue.Failed(ConditionFault.NoOverload);
    }

    private bool Decides(in ConditionValue value) => decisive ? value.IsTrue : value.IsFalse;
}

/// <summary><c>condition ? then : otherwise</c>; only one of the two is evaluated.</summary>
internal sealed class ChoiceNode(int offset, ConditionNode condition, ConditionNode then, ConditionNode otherwise)
    : ConditionNode(offset)
{
    public override IReadOnlyList<ConditionNode> Children => [condition, then, otherwise];

    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation)
    {
        ConditionValue chosen = condition.Evaluate(evaluation);
        if (chosen.IsTrue) return then.Evaluate(evaluation);
        if (chosen.IsFalse) return otherwise.Evaluate(evaluation);
        return chosen.IsError ? chosen : ConditionValue.Failed(ConditionFault.NoOverload);
    }
}

/// <summary>A list written out, of items that are not all known beforehand.</summary>
internal sealed class ListNode(int offset, ConditionNode[] items) : ConditionNode(offset)
{
    public override IReadOnlyList<ConditionNode> Children => items;

    protected override ConditionValue Run(Evaluation evaluation)
    {
        if (!evaluation.TryMake(items.Length)) return Evaluation.TooCostly;
        ConditionValue[] made = new ConditionValue[items.Length];
        for (int index = 0; index < items.Length; index++)
        {
            made[index] = items[index].Evaluate(evaluation);
            if (made[index].IsError) return made[index];
        }

        return ConditionValue.OfList(new MadeList(made));
    }
}

/// <summary>A map written out.</summary>
internal sealed class MapNode(int offset, ConditionNode[] keys, ConditionNode[] values) : ConditionNode(offset)
{
    public override IReadOnlyList<ConditionNode> Children => [.. keys, .. values];

    protected override ConditionValue Run(Evaluation evaluation)
    {
        if (!evaluation.TryMake(keys.Length)) return Evaluation.TooCostly;
        MadeMap map = new();
        for (int index = 0; index < keys.Length; index++)
        {
            ConditionValue key = keys[index].Evaluate(evaluation);
            if (key.IsError) return key;
            ConditionValue value = values[index].Evaluate(evaluation);
            if (value.IsError) return value;
            bool isKey = key.Kind is ValueKind.Bool or ValueKind.Int or ValueKind.Uint or ValueKind.String;
            if (!isKey) return ConditionValue.Failed(ConditionFault.BadKey);
            if (!map.TryAdd(key, value)) return ConditionValue.Failed(ConditionFault.RepeatedKey);
        }

        return ConditionValue.OfMap(map);
    }
}

/// <summary>A macro over a list, or over a map's keys (cel-spec, Macros).</summary>
internal sealed class LoopNode(
    int offset, LoopKind kind, ConditionNode range, int slot, ConditionNode? predicate, ConditionNode? transform,
    int itemsMax)
    : ConditionNode(offset)
{
    public LoopKind Kind => kind;

    /// <summary>How many items there are at most; -1 where that is not known.</summary>
    public int ItemsMax => itemsMax;

    public ConditionNode Range => range;

    public int Slot => slot;

    /// <summary>What is evaluated for each item.</summary>
    public IReadOnlyList<ConditionNode> Bodies { get; } =
        new[] { predicate, transform }.OfType<ConditionNode>().ToArray();

    public override IReadOnlyList<ConditionNode> Children => [range, .. Bodies];

    [HotPath]
    protected override ConditionValue Run(Evaluation evaluation)
    {
        ConditionValue through = range.Evaluate(evaluation);
        if (through.IsError) return through;
        if (through.Kind is not (ValueKind.List or ValueKind.Map))
        {
            return ConditionValue.Failed(ConditionFault.NoOverload);
        }

        return kind switch
        {
            LoopKind.All or LoopKind.Exists => Quantify(through, evaluation),
            LoopKind.ExistsOne => CountOne(through, evaluation),
            _ => Collect(through, evaluation),
        };
    }

    [HotPath]
    private ConditionValue Quantify(in ConditionValue through, Evaluation evaluation)
    {
        bool decisive = kind == LoopKind.Exists;
        ConditionValue error = default;
        int cursor = 0;
        while (true)
        {
            ConditionValue item = through.Container.Next(through.Place, ref cursor);
            if (item.Kind == ValueKind.None) break;
            ConditionValue answer = EvaluateFor(predicate!, item, evaluation);
            if (answer.Kind == ValueKind.Bool && answer.IsTrue == decisive) return answer;
            if (answer.IsError) error = answer;
            else if (answer.Kind != ValueKind.Bool) error = ConditionValue.Failed(ConditionFault.NoOverload);
        }

        return error.IsError ? error : ConditionValue.Of(!decisive);
    }

    [HotPath]
    private ConditionValue CountOne(in ConditionValue through, Evaluation evaluation)
    {
        int found = 0;
        int cursor = 0;
        while (true)
        {
            ConditionValue item = through.Container.Next(through.Place, ref cursor);
            if (item.Kind == ValueKind.None) return ConditionValue.Of(found == 1);
            ConditionValue answer = EvaluateFor(predicate!, item, evaluation);
            if (answer.IsError) return answer;
            if (answer.Kind != ValueKind.Bool) return ConditionValue.Failed(ConditionFault.NoOverload);
            if (answer.IsTrue) found++;
        }
    }

    private ConditionValue Collect(in ConditionValue through, Evaluation evaluation)
    {
        List<ConditionValue> made = [];
        int cursor = 0;
        while (true)
        {
            ConditionValue item = through.Container.Next(through.Place, ref cursor);
            if (item.Kind == ValueKind.None) return ConditionValue.OfList(new MadeList([.. made]));
            if (item.IsError) return item;
            if (predicate is not null)
            {
                ConditionValue answer = EvaluateFor(predicate, item, evaluation);
                if (answer.IsError) return answer;
                if (answer.Kind != ValueKind.Bool) return ConditionValue.Failed(ConditionFault.NoOverload);
                if (answer.IsFalse) continue;
            }

            ConditionValue result = transform is null ? item : EvaluateFor(transform, item, evaluation);
            if (result.IsError) return result;
            if (!evaluation.TryMake(1)) return Evaluation.TooCostly;
            made.Add(result);
        }
    }

    [HotPath]
    private ConditionValue EvaluateFor(ConditionNode body, in ConditionValue item, Evaluation evaluation)
    {
        evaluation.SetLocal(slot, item);
        return body.Evaluate(evaluation);
    }
}

/// <summary>A value that nobody bound; only the conformance cases have one.</summary>
internal sealed class UnboundNode(int offset) : ConditionNode(offset)
{
    protected override ConditionValue Run(Evaluation evaluation) => ConditionValue.Failed(ConditionFault.Unbound);
}
