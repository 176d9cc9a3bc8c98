namespace Countersign.Policy.Conditions;

/// <summary>
/// How many steps a condition may take at its worst, over the largest arguments. Loops multiply, except a loop over a
/// part of what another goes through: all its rounds together see no more values than there are.
/// </summary>
internal sealed class ConditionCost
{
    private const int CallerItemsMax = 4_096;

    private readonly double[] _seen = new double[ConditionLimits.LoopsNestedMax];
    private double _total;

    public static double Of(ConditionNode root)
    {
        ConditionCost cost = new();
        cost.Walk(root, 1);
        return cost._total;
    }

    private void Walk(ConditionNode node, double times)
    {
        _total += times;
        if (node is not LoopNode loop)
        {
            foreach (ConditionNode child in node.Children) Walk(child, times);
            return;
        }

        Walk(loop.Range, times);
        ConditionNode root = RootOf(loop.Range);
        double items = loop.ItemsMax >= 0 ? loop.ItemsMax : ItemsOf(root);
        double rounds = times * items;
        double seen = root switch
        {
            LocalNode local => _seen[local.Slot],
            FactNode => times * ConditionLimits.ArgumentValuesMax,
            _ => double.PositiveInfinity,
        };
        _seen[loop.Slot] = seen;
        foreach (ConditionNode body in loop.Bodies) Walk(body, Math.Min(rounds, seen));
    }

    /// <summary>What a range is a part of; itself if it is made anew, and may hold one thing many times.</summary>
    private static ConditionNode RootOf(ConditionNode range)
    {
        while (true)
        {
            ConditionNode? whole = range switch
            {
                SelectNode select => select.Children[0],
                BinaryNode { IsIndex: true } index => index.Children[0],
                LoopNode { Kind: LoopKind.Filter } filter => filter.Range,
                _ => null,
            };
            if (whole is null) return range;
            range = whole;
        }
    }

    private static double ItemsOf(ConditionNode root) => root switch
    {
        ConstantNode { Value.Kind: ValueKind.List or ValueKind.Map } constant =>
            constant.Value.Container.Count(constant.Value.Place).Int,
        CallerNode or FactNode { Fact: FactKind.Caller } => CallerItemsMax,
        FactNode { Fact: FactKind.Query or FactKind.Headers } => ConditionLimits.ListedFieldsMax,
        _ => ConditionLimits.ArgumentValuesMax,
    };
}
