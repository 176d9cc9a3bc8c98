namespace Countersign.Policy.Conditions;

/// <summary>Which types an operator takes together.</summary>
internal static class TypeRelations
{
    /// <summary>Numbers of any types may be compared; else both are of one type.</summary>
    public static bool AreComparable(ConditionType left, ConditionType right)
    {
        if (left.IsOpen || right.IsOpen || (left.IsNumeric && right.IsNumeric)) return true;
        if (left.Kind == TypeKind.List && right.Kind == TypeKind.List) return AreComparable(left.Item!, right.Item!);
        return left.Takes(right) || right.Takes(left);
    }

    /// <summary>True if one may be less than the other.</summary>
    public static bool AreOrdered(ConditionType left, ConditionType right)
    {
        if (left.IsNumeric && right.IsNumeric) return true;
        if (left.IsOpen) return right.IsOpen || AreOrdered(right, right);
        return (right.IsOpen || left.Kind == right.Kind) && (left.IsNumeric || left.Kind is TypeKind.Bool
            or TypeKind.String or TypeKind.Bytes or TypeKind.Timestamp or TypeKind.Duration);
    }

    /// <summary>True if <c>in</c> has a meaning.</summary>
    public static bool MayContain(ConditionType container, ConditionType item) => container.Kind switch
    {
        TypeKind.List => AreComparable(container.Item!, item),
        TypeKind.Map or TypeKind.Object => AreComparable(container.Key!, item),
        _ => container.IsOpen,
    };
}
