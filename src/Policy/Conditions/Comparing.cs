namespace Countersign.Policy.Conditions;

/// <summary>
/// Equality and order (cel-spec, Equality and Ordering). Numbers lie on one line whatever their types, and are compared
/// exactly, never by rounding one to the other's type.
/// </summary>
internal static class Comparing
{
    /// <summary>What <see cref="Order"/> gives where there is no order: with a NaN.</summary>
    private const int Unordered = 2;

    /// <summary>Equal by value; an error where an item of a list or map is one.</summary>
    public static ConditionValue Equal(in ConditionValue left, in ConditionValue right, Evaluation evaluation)
    {
        if (left.IsError) return left;
        if (right.IsError) return right;
        if (left.Kind == ValueKind.List && right.Kind == ValueKind.List) return EqualLists(left, right, evaluation);
        if (left.Kind == ValueKind.Map && right.Kind == ValueKind.Map) return EqualMaps(left, right, evaluation);
        int bytes = Math.Min(left.Text.Length, right.Text.Length);
        if (!evaluation.TrySteps(1 + (bytes / ConditionLimits.BytesPerStep))) return Evaluation.TooCostly;
        return ConditionValue.Of(AreEqualScalars(left, right));
    }

    /// <summary>False for lists, maps and anything that is not of one kind or both numbers.</summary>
    [HotPath]
    public static bool AreEqualScalars(in ConditionValue left, in ConditionValue right)
    {
        if (left.IsNumber && right.IsNumber) return OrderNumbers(left, right) == 0;
        if (left.Kind != right.Kind) return false;
        return left.Kind switch
        {
            ValueKind.Null => true,
            ValueKind.Bool or ValueKind.Duration => left.Int == right.Int,
            ValueKind.Timestamp => left.Seconds == right.Seconds && left.Nanos == right.Nanos,
            ValueKind.String or ValueKind.Bytes or ValueKind.Type => left.Text.SequenceEqual(right.Text),
            _ => false,
        };
    }

    /// <summary>One of the four orderings; an error where the kinds have none.</summary>
    public static ConditionValue Ordered(
        Operation operation, in ConditionValue left, in ConditionValue right, Evaluation evaluation)
    {
        int order;
        if (left.IsNumber && right.IsNumber)
        {
            order = OrderNumbers(left, right);
        }
        else if (left.Kind != right.Kind)
        {
            return ConditionValue.Failed(ConditionFault.NoOverload);
        }
        else if (left.Kind is ValueKind.String or ValueKind.Bytes)
        {
            int bytes = Math.Min(left.Text.Length, right.Text.Length);
            if (!evaluation.TrySteps(bytes / ConditionLimits.BytesPerStep)) return Evaluation.TooCostly;
            order = Math.Sign(left.Text.SequenceCompareTo(right.Text));
        }
        else if (left.Kind is ValueKind.Bool or ValueKind.Duration or ValueKind.Timestamp)
        {
            order = left.Int.CompareTo(right.Int);
            if (order == 0 && left.Kind == ValueKind.Timestamp) order = left.Nanos.CompareTo(right.Nanos);
        }
        else
        {
            return ConditionValue.Failed(ConditionFault.NoOverload);
        }

        return ConditionValue.Of(operation switch
        {
            Operation.Less => order == -1,
            Operation.LessOrEqual => order is -1 or 0,
            Operation.Greater => order == 1,
            _ => order is 0 or 1,
        });
    }

    /// <summary>True if the item is in the list, or the key in the map.</summary>
    public static ConditionValue Contains(
        in ConditionValue container, in ConditionValue item, Evaluation evaluation)
    {
        if (container.Kind == ValueKind.Map)
        {
            ConditionValue found = container.Container.Find(container.Place, item, evaluation);
            return found.IsError ? found : ConditionValue.Of(found.Kind != ValueKind.None);
        }

        if (container.Kind != ValueKind.List) return ConditionValue.Failed(ConditionFault.NoOverload);
        int cursor = 0;
        ConditionValue error = default;
        while (true)
        {
            ConditionValue next = container.Container.Next(container.Place, ref cursor);
            if (next.Kind == ValueKind.None) break;
            ConditionValue isEqual = Equal(next, item, evaluation);
            if (isEqual.IsTrue) return isEqual;
            if (isEqual.IsError) error = isEqual;
        }

        return error.IsError ? error : ConditionValue.Of(false);
    }

    private static ConditionValue EqualLists(in ConditionValue left, in ConditionValue right, Evaluation evaluation)
    {
        ConditionValue counts = Equal(
            left.Container.Count(left.Place), right.Container.Count(right.Place), evaluation);
        if (!counts.IsTrue) return counts;
        int leftCursor = 0;
        int rightCursor = 0;
        while (true)
        {
            ConditionValue item = left.Container.Next(left.Place, ref leftCursor);
            if (item.Kind == ValueKind.None) return ConditionValue.Of(true);
            ConditionValue isEqual = Equal(item, right.Container.Next(right.Place, ref rightCursor), evaluation);
            if (!isEqual.IsTrue) return isEqual;
        }
    }

    private static ConditionValue EqualMaps(in ConditionValue left, in ConditionValue right, Evaluation evaluation)
    {
        ConditionValue counts = Equal(
            left.Container.Count(left.Place), right.Container.Count(right.Place), evaluation);
        if (!counts.IsTrue) return counts;
        int cursor = 0;
        while (true)
        {
            ConditionValue key = left.Container.Next(left.Place, ref cursor);
            if (key.Kind == ValueKind.None) return ConditionValue.Of(true);
            ConditionValue other = right.Container.Find(right.Place, key, evaluation);
            if (other.Kind == ValueKind.None) return ConditionValue.Of(false);
            ConditionValue isEqual = Equal(
                left.Container.Find(left.Place, key, evaluation), other, evaluation);
            if (!isEqual.IsTrue) return isEqual;
        }
    }

    /// <summary>-1, 0 or 1; 2 where one is a NaN.</summary>
    [HotPath]
    public static int OrderNumbers(in ConditionValue left, in ConditionValue right)
    {
        if (left.Kind == ValueKind.Double)
        {
            return right.Kind == ValueKind.Double
                ? Order(left.Double, right.Double) : Reversed(OrderToDouble(right, left.Double));
        }

        if (right.Kind == ValueKind.Double) return OrderToDouble(left, right.Double);
        bool isLeftSigned = left.Kind == ValueKind.Int;
        if (isLeftSigned == (right.Kind == ValueKind.Int))
        {
            return isLeftSigned ? left.Int.CompareTo(right.Int) : left.Uint.CompareTo(right.Uint);
        }

        if (isLeftSigned) return left.Int < 0 ? -1 : left.Uint.CompareTo(right.Uint);
        return right.Int < 0 ? 1 : left.Uint.CompareTo(right.Uint);
    }

    private static int Reversed(int order) => order == Unordered ? Unordered : -order;

    private static int Order(double left, double right) =>
        left < right ? -1 : left > right ? 1 : left == right ? 0 : Unordered;

    // By whole parts, then by what the double has beyond: a long turned into a double might be another number.
    [HotPath]
    private static int OrderToDouble(in ConditionValue whole, double right)
    {
        if (double.IsNaN(right)) return Unordered;
        double floor = Math.Floor(right);
        int order;
        if (whole.Kind == ValueKind.Int)
        {
            if (floor >= 9223372036854775808.0) return -1;
            if (floor < -9223372036854775808.0) return 1;
            order = whole.Int.CompareTo((long)floor);
        }
        else
        {
            if (floor >= 18446744073709551616.0) return -1;
            if (floor < 0) return 1;
            order = whole.Uint.CompareTo((ulong)floor);
        }

        return order != 0 ? order : floor < right ? -1 : 0;
    }
}
