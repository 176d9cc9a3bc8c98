using System.Text;

namespace Countersign.Policy.Conditions;

/// <summary>What a value is. Zero is no value: a key that is not there, the end of a list.</summary>
internal enum ValueKind : byte
{
    None = 0,
    Error,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List,
    Map,
    Type,
}

/// <summary>
/// One value, or the error that stands in its place: a struct over slices of the call's own bytes, so that evaluating
/// scalars allocates nothing. Text is UTF-8. It lives no longer than the evaluation it came from.
/// </summary>
internal readonly struct ConditionValue
{
    private readonly ReadOnlyMemory<byte> _text;
    private readonly ConditionContainer? _container;
    private readonly long _bits;
    private readonly int _extra;

    private ConditionValue(
        ValueKind kind, long bits = 0, int extra = 0, ReadOnlyMemory<byte> text = default,
        ConditionContainer? container = null)
    {
        Kind = kind;
        _bits = bits;
        _extra = extra;
        _text = text;
        _container = container;
    }

    public static ConditionValue Null { get; } = new(ValueKind.Null);

    public ValueKind Kind { get; }

    public bool IsError => Kind == ValueKind.Error;

    public bool IsTrue => Kind == ValueKind.Bool && _bits != 0;

    public bool IsFalse => Kind == ValueKind.Bool && _bits == 0;

    public bool IsNumber => Kind is ValueKind.Int or ValueKind.Uint or ValueKind.Double;

    public long Int => _bits;

    public ulong Uint => unchecked((ulong)_bits);

    public double Double => BitConverter.Int64BitsToDouble(_bits);

    /// <summary>A string's UTF-8, or bytes, or a type's name.</summary>
    public ReadOnlySpan<byte> Text => _text.Span;

    public ReadOnlyMemory<byte> TextMemory => _text;

    /// <summary>A timestamp's seconds since 1970.</summary>
    public long Seconds => _bits;

    /// <summary>A timestamp's nanoseconds beyond its seconds, 0 to 999,999,999.</summary>
    public int Nanos => _extra;

    /// <summary>A duration's nanoseconds.</summary>
    public long Ticks => _bits;

    public ConditionFault Fault => (ConditionFault)_bits;

    /// <summary>Where an error arose, in UTF-16 code units of the condition; -1 while nobody said.</summary>
    public int FaultOffset => _extra;

    /// <summary>What a list's or map's values are held by.</summary>
    public ConditionContainer Container => _container!;

    /// <summary>Which of the container's lists or maps this is.</summary>
    public int Place => (int)_bits;

    public static ConditionValue Of(bool value) => new(ValueKind.Bool, value ? 1 : 0);

    public static ConditionValue Of(long value) => new(ValueKind.Int, value);

    public static ConditionValue Of(ulong value) => new(ValueKind.Uint, unchecked((long)value));

    public static ConditionValue Of(double value) => new(ValueKind.Double, BitConverter.DoubleToInt64Bits(value));

    public static ConditionValue OfText(ReadOnlyMemory<byte> utf8) => new(ValueKind.String, text: utf8);

    public static ConditionValue OfText(string text) => OfText(Encoding.UTF8.GetBytes(text));

    public static ConditionValue OfBytes(ReadOnlyMemory<byte> bytes) => new(ValueKind.Bytes, text: bytes);

    public static ConditionValue OfTimestamp(long seconds, int nanos) => new(ValueKind.Timestamp, seconds, nanos);

    public static ConditionValue OfDuration(long nanos) => new(ValueKind.Duration, nanos);

    public static ConditionValue OfType(ReadOnlyMemory<byte> name) => new(ValueKind.Type, text: name);

    public static ConditionValue OfList(ConditionContainer container, int place = 0) =>
        new(ValueKind.List, place, container: container);

    public static ConditionValue OfMap(ConditionContainer container, int place = 0) =>
        new(ValueKind.Map, place, container: container);

    public static ConditionValue Failed(ConditionFault fault) => new(ValueKind.Error, (long)fault, -1);

    /// <summary>The same error with the place where it arose, unless it has one.</summary>
    public ConditionValue At(int offset) =>
        Kind == ValueKind.Error && _extra < 0 ? new ConditionValue(ValueKind.Error, _bits, offset) : this;
}
