using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Countersign.Policy.Conditions;

/// <summary>The functions named after types (cel-spec, Types and Conversions).</summary>
internal static class Converting
{
    private const int NumberCharactersMax = 32;
    private const int TextCharactersMax = NumberCharactersMax + NumberText.RoomMore;

    private static ConditionValue NoOverload => ConditionValue.Failed(ConditionFault.NoOverload);

    private static ConditionValue NotConverted => ConditionValue.Failed(ConditionFault.NotConverted);

    private static ConditionValue Overflow => ConditionValue.Failed(ConditionFault.Overflow);

    public static ConditionValue Convert(Operation operation, in ConditionValue value, Evaluation evaluation) =>
        operation switch
        {
            Operation.ToBool => ToBool(value),
            Operation.ToBytes => value.Kind is ValueKind.String or ValueKind.Bytes
                ? ConditionValue.OfBytes(value.TextMemory) : NoOverload,
            Operation.ToDouble => ToDouble(value),
            Operation.ToDuration => value.Kind == ValueKind.Duration ? value
                : value.Kind == ValueKind.String ? TimeText.ReadDuration(value.Text) : NoOverload,
            Operation.ToDyn => value,
            Operation.ToInt => ToInt(value),
            Operation.ToText => ToText(value, evaluation),
            Operation.ToTimestamp => ToTimestamp(value),
            Operation.ToUint => ToUint(value),
            _ => NoOverload,
        };

    /// <summary>The type of a value, as a value.</summary>
    public static ConditionValue TypeOf(in ConditionValue value) => ConditionTypes.NameOf(value.Kind);

    /// <summary>How long text is in code points, bytes in bytes, lists and maps in entries.</summary>
    [HotPath]
    public static ConditionValue Size(in ConditionValue value, Evaluation evaluation)
    {
        switch (value.Kind)
        {
            case ValueKind.List or ValueKind.Map:
                return value.Container.Count(value.Place);
            case ValueKind.Bytes:
                return ConditionValue.Of((long)value.Text.Length);
            case ValueKind.String:
                ReadOnlySpan<byte> text = value.Text;
                if (!evaluation.TrySteps(text.Length / ConditionLimits.BytesPerStep)) return Evaluation.TooCostly;
                return ConditionValue.Of(CodePoints(text));
            default:
                return NoOverload;
        }
    }

    [HotPath]
    public static long CodePoints(ReadOnlySpan<byte> text)
    {
        long points = 0;
        foreach (byte one in text)
        {
            // Bytes that continue a code point do not begin one.
            if ((one & 0xC0) != 0x80) points++;
        }

        return points;
    }

    private static ConditionValue ToBool(in ConditionValue value)
    {
        if (value.Kind == ValueKind.Bool) return value;
        if (value.Kind != ValueKind.String) return NoOverload;
        ReadOnlySpan<byte> text = value.Text;
        bool isTrue = text.SequenceEqual("true"u8) || text.SequenceEqual("TRUE"u8) || text.SequenceEqual("True"u8)
            || text.SequenceEqual("t"u8) || text.SequenceEqual("1"u8);
        bool isFalse = text.SequenceEqual("false"u8) || text.SequenceEqual("FALSE"u8)
            || text.SequenceEqual("False"u8) || text.SequenceEqual("f"u8) || text.SequenceEqual("0"u8);
        return isTrue || isFalse ? ConditionValue.Of(isTrue) : NotConverted;
    }

    private static ConditionValue ToDouble(in ConditionValue value)
    {
        switch (value.Kind)
        {
            case ValueKind.Double:
                return value;
            case ValueKind.Int:
                return ConditionValue.Of((double)value.Int);
            case ValueKind.Uint:
                return ConditionValue.Of((double)value.Uint);
            case ValueKind.String:
                const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint
                    | NumberStyles.AllowExponent;
                return double.TryParse(value.Text, style, CultureInfo.InvariantCulture, out double number)
                    && (double.IsFinite(number) || !value.Text.ContainsAnyInRange((byte)'0', (byte)'9'))
                    ? ConditionValue.Of(number) : NotConverted;
            default:
                return NoOverload;
        }
    }

    private static ConditionValue ToInt(in ConditionValue value)
    {
        switch (value.Kind)
        {
            case ValueKind.Int:
                return value;
            case ValueKind.Uint:
                return value.Uint <= long.MaxValue ? ConditionValue.Of((long)value.Uint) : Overflow;
            case ValueKind.Double:
                // Neither end is certain to have been meant (cel-spec, Overflow).
                return value.Double is > long.MinValue and < long.MaxValue
                    ? ConditionValue.Of((long)value.Double) : Overflow;
            case ValueKind.Timestamp:
                return ConditionValue.Of(value.Seconds);
            case ValueKind.Duration:
                return ConditionValue.Of(value.Ticks / Arithmetic.NanosPerSecond);
            case ValueKind.String:
                return long.TryParse(
                    value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
                    ? ConditionValue.Of(number) : NotConverted;
            default:
                return NoOverload;
        }
    }

    private static ConditionValue ToUint(in ConditionValue value)
    {
        switch (value.Kind)
        {
            case ValueKind.Uint:
                return value;
            case ValueKind.Int:
                return value.Int >= 0 ? ConditionValue.Of((ulong)value.Int) : Overflow;
            case ValueKind.Double:
                return value.Double is >= 0 and < ulong.MaxValue
                    ? ConditionValue.Of((ulong)value.Double) : Overflow;
            case ValueKind.String:
                return ulong.TryParse(value.Text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
                    ? ConditionValue.Of(number) : NotConverted;
            default:
                return NoOverload;
        }
    }

    private static ConditionValue ToTimestamp(in ConditionValue value) => value.Kind switch
    {
        ValueKind.Timestamp => value,
        ValueKind.Int => value.Int is >= Arithmetic.SecondsMin and <= Arithmetic.SecondsMax
            ? ConditionValue.OfTimestamp(value.Int, 0) : Overflow,
        ValueKind.String => TimeText.ReadTimestamp(value.Text),
        _ => NoOverload,
    };

    private static ConditionValue ToText(in ConditionValue value, Evaluation evaluation)
    {
        Span<byte> written = stackalloc byte[TextCharactersMax];
        int length = 0;
        bool isWritten = true;
        switch (value.Kind)
        {
            case ValueKind.String:
                return value;
            case ValueKind.Bytes:
                return Utf8.IsValid(value.Text) ? ConditionValue.OfText(value.TextMemory) : NotConverted;
            case ValueKind.Bool:
                return ConditionValue.OfText(value.IsTrue ? ConditionTypes.TrueText : ConditionTypes.FalseText);
            case ValueKind.Int:
                isWritten = Utf8Formatter.TryFormat(value.Int, written, out length);
                break;
            case ValueKind.Uint:
                isWritten = Utf8Formatter.TryFormat(value.Uint, written, out length);
                break;
            case ValueKind.Double:
                length = WriteDouble(value.Double, written);
                break;
            case ValueKind.Timestamp:
                length = TimeText.WriteTimestamp(value, written);
                break;
            case ValueKind.Duration:
                length = TimeText.WriteDuration(value.Ticks, written);
                break;
            default:
                return NoOverload;
        }

        if (!isWritten || !evaluation.TryTake(length, out Memory<byte> room)) return Evaluation.TooCostly;
        written[..length].CopyTo(room.Span);
        return ConditionValue.OfText(room);
    }

    /// <summary>As an int of the same value is written: what is joined from it must not differ by the type.</summary>
    private static int WriteDouble(double value, Span<byte> written)
    {
        Span<byte> shortest = stackalloc byte[NumberCharactersMax];
        value.TryFormat(shortest, out int length, default, CultureInfo.InvariantCulture);
        int named = NumberText.Write(shortest[..length], written);
        if (named >= 0) return named;

        // Infinities, and what is no number.
        shortest[..length].CopyTo(written);
        return length;
    }
}
