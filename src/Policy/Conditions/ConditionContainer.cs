namespace Countersign.Policy.Conditions;

/// <summary>
/// Holds lists and maps: those of a policy, those that a condition makes, and views of the call. One container may hold
/// many, told apart by a place, so that a view of the arguments needs no object for each.
/// </summary>
internal abstract class ConditionContainer
{
    /// <summary>Items of a list, or entries of a map.</summary>
    public abstract ConditionValue Count(int place);

    /// <summary>
    /// The next item of a list, or the next key of a map; <see cref="ValueKind.None"/> at the end. The cursor begins at
    /// zero and is the container's own.
    /// </summary>
    public abstract ConditionValue Next(int place, ref int cursor);

    /// <summary>A map's value for a key; <see cref="ValueKind.None"/> where it has none.</summary>
    public abstract ConditionValue Find(int place, in ConditionValue key, Evaluation evaluation);

    /// <summary>A list's item; an error beyond its ends.</summary>
    public abstract ConditionValue At(int place, long index, Evaluation evaluation);
}

/// <summary>One list, written in the policy or made by a condition.</summary>
internal sealed class MadeList(ConditionValue[] items) : ConditionContainer
{
    public override ConditionValue Count(int place) => ConditionValue.Of((long)items.Length);

    public override ConditionValue Next(int place, ref int cursor) =>
        cursor < items.Length ? items[cursor++] : default;

    public override ConditionValue Find(int place, in ConditionValue key, Evaluation evaluation) =>
        ConditionValue.Failed(ConditionFault.NoOverload);

    public override ConditionValue At(int place, long index, Evaluation evaluation) =>
        (ulong)index < (ulong)items.Length ? items[index] : ConditionValue.Failed(ConditionFault.OutOfList);
}

/// <summary>One map, written in the policy or made by a condition.</summary>
internal sealed class MadeMap : ConditionContainer
{
    private readonly Dictionary<ConditionValue, ConditionValue> _values = new(KeyComparer.Instance);
    private readonly List<ConditionValue> _keys = [];

    /// <summary>False if the key is there already.</summary>
    public bool TryAdd(in ConditionValue key, in ConditionValue value)
    {
        if (!_values.TryAdd(key, value)) return false;
        _keys.Add(key);
        return true;
    }

    public override ConditionValue Count(int place) => ConditionValue.Of((long)_keys.Count);

    public override ConditionValue Next(int place, ref int cursor) =>
        cursor < _keys.Count ? _keys[cursor++] : default;

    public override ConditionValue Find(int place, in ConditionValue key, Evaluation evaluation) =>
        _values.TryGetValue(key, out ConditionValue value) ? value : default;

    public override ConditionValue At(int place, long index, Evaluation evaluation) =>
        ConditionValue.Failed(ConditionFault.NoOverload);

    /// <summary>Keys are equal as values are: 1, 1u and 1.0 are one key.</summary>
    private sealed class KeyComparer : IEqualityComparer<ConditionValue>
    {
        public static readonly KeyComparer Instance = new();

        public bool Equals(ConditionValue left, ConditionValue right) => Comparing.AreEqualScalars(left, right);

        public int GetHashCode(ConditionValue key)
        {
            switch (key.Kind)
            {
                case ValueKind.String:
                    HashCode hash = default;
                    hash.AddBytes(key.Text);
                    return hash.ToHashCode();
                case ValueKind.Uint when key.Uint > long.MaxValue:
                    return ((double)key.Uint).GetHashCode();
                case ValueKind.Double:
                    double value = key.Double;
                    bool isInt = value is >= long.MinValue and < long.MaxValue && Math.Floor(value) == value;
                    return isInt ? ((long)value).GetHashCode() : value.GetHashCode();
                default:
                    return key.Int.GetHashCode();
            }
        }
    }
}
