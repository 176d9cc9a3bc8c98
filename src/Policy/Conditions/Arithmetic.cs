namespace Countersign.Policy.Conditions;

/// <summary>The operators on numbers, times and text; beyond a type's range is an error (cel-spec, Overflow).</summary>
internal static class Arithmetic
{
    /// <summary>0001-01-01 and the last second of 9999, in seconds since 1970.</summary>
    public const long SecondsMin = -62_135_596_800;
    public const long SecondsMax = 253_402_300_799;
    public const int NanosPerSecond = 1_000_000_000;

    private static ConditionValue NoOverload => ConditionValue.Failed(ConditionFault.NoOverload);

    private static ConditionValue Overflow => ConditionValue.Failed(ConditionFault.Overflow);

    public static ConditionValue Negate(in ConditionValue value) => value.Kind switch
    {
        ValueKind.Int => value.Int == long.MinValue ? Overflow : ConditionValue.Of(-value.Int),
        ValueKind.Double => ConditionValue.Of(-value.Double),
        _ => NoOverload,
    };

    [HotPath]
    public static ConditionValue Apply(
        Operation operation, in ConditionValue left, in ConditionValue right, Evaluation evaluation)
    {
        if (left.Kind != right.Kind) return ApplyToTimes(operation, left, right);
        return left.Kind switch
        {
            ValueKind.Int => OnInts(operation, left.Int, right.Int),
            ValueKind.Uint => OnUints(operation, left.Uint, right.Uint),
            ValueKind.Double => OnDoubles(operation, left.Double, right.Double),
            ValueKind.Duration or ValueKind.Timestamp => ApplyToTimes(operation, left, right),
            ValueKind.String or ValueKind.Bytes or ValueKind.List when operation == Operation.Add =>
                evaluation.Join(left, right),
            _ => NoOverload,
        };
    }

    [HotPath]
    private static ConditionValue OnInts(Operation operation, long left, long right)
    {
        long result = 0;
        bool isWithin = true;
        switch (operation)
        {
            case Operation.Add:
                result = unchecked(left + right);
                isWithin = ((left ^ result) & (right ^ result)) >= 0;
                break;
            case Operation.Subtract:
                result = unchecked(left - right);
                isWithin = ((left ^ right) & (left ^ result)) >= 0;
                break;
            case Operation.Multiply:
                isWithin = Math.BigMul(left, right, out result) == result >> 63;
                break;
            case Operation.Divide or Operation.Modulo when right == 0:
                return ConditionValue.Failed(ConditionFault.DividedByZero);
            case Operation.Divide or Operation.Modulo when right == -1 && left == long.MinValue:
                return Overflow;
            case Operation.Divide:
                result = left / right;
                break;
            case Operation.Modulo:
                result = left % right;
                break;
            default:
                return NoOverload;
        }

        return isWithin ? ConditionValue.Of(result) : Overflow;
    }

    [HotPath]
    private static ConditionValue OnUints(Operation operation, ulong left, ulong right)
    {
        switch (operation)
        {
            case Operation.Add:
                ulong sum = unchecked(left + right);
                return sum >= left ? ConditionValue.Of(sum) : Overflow;
            case Operation.Subtract:
                return left >= right ? ConditionValue.Of(left - right) : Overflow;
            case Operation.Multiply:
                return Math.BigMul(left, right, out ulong product) == 0 ? ConditionValue.Of(product) : Overflow;
            case Operation.Divide or Operation.Modulo when right == 0:
                return ConditionValue.Failed(ConditionFault.DividedByZero);
            case Operation.Divide:
                return ConditionValue.Of(left / right);
            case Operation.Modulo:
                return ConditionValue.Of(left % right);
            default:
                return NoOverload;
        }
    }

    [HotPath]
    private static ConditionValue OnDoubles(Operation operation, double left, double right) => operation switch
    {
        Operation.Add => ConditionValue.Of(left + right),
        Operation.Subtract => ConditionValue.Of(left - right),
        Operation.Multiply => ConditionValue.Of(left * right),
        Operation.Divide => ConditionValue.Of(left / right),
        _ => NoOverload,
    };

    private static ConditionValue ApplyToTimes(Operation operation, in ConditionValue left, in ConditionValue right)
    {
        switch (operation, left.Kind, right.Kind)
        {
            case (Operation.Add, ValueKind.Duration, ValueKind.Duration):
            case (Operation.Subtract, ValueKind.Duration, ValueKind.Duration):
                ConditionValue nanos = OnInts(operation, left.Ticks, right.Ticks);
                return nanos.IsError ? nanos : ConditionValue.OfDuration(nanos.Int);
            case (Operation.Add, ValueKind.Timestamp, ValueKind.Duration):
                return Timestamp(left, right.Ticks);
            case (Operation.Add, ValueKind.Duration, ValueKind.Timestamp):
                return Timestamp(right, left.Ticks);
            case (Operation.Subtract, ValueKind.Timestamp, ValueKind.Duration):
                return Timestamp(left, -(Int128)right.Ticks);
            case (Operation.Subtract, ValueKind.Timestamp, ValueKind.Timestamp):
                Int128 between = NanosOf(left) - NanosOf(right);
                return between >= long.MinValue && between <= long.MaxValue
                    ? ConditionValue.OfDuration((long)between) : Overflow;
            default:
                return NoOverload;
        }
    }

    private static Int128 NanosOf(in ConditionValue timestamp) =>
        ((Int128)timestamp.Seconds * NanosPerSecond) + timestamp.Nanos;

    private static ConditionValue Timestamp(in ConditionValue from, Int128 nanos)
    {
        Int128 sum = NanosOf(from) + nanos;
        Int128 seconds = sum / NanosPerSecond;
        Int128 rest = sum % NanosPerSecond;
        if (rest < 0)
        {
            seconds--;
            rest += NanosPerSecond;
        }

        return seconds >= SecondsMin && seconds <= SecondsMax
            ? ConditionValue.OfTimestamp((long)seconds, (int)rest) : Overflow;
    }
}
