using System.Collections.ObjectModel;
using System.Text;

namespace Countersign.Policy.Conditions;

/// <summary>What the checker knows of a value before there is one.</summary>
internal enum TypeKind : byte
{
    /// <summary>Anything; left to the evaluation.</summary>
    Dyn = 0,
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

    /// <summary>A JSON number: an int or a double.</summary>
    Number,

    /// <summary>A map of which some keys are known.</summary>
    Object,

    /// <summary>The items of a list or map that has none, and so fits any.</summary>
    Free,
}

/// <summary>The type of an expression.</summary>
internal sealed class ConditionType
{
    public static readonly ConditionType Dyn = new(TypeKind.Dyn);
    public static readonly ConditionType Null = new(TypeKind.Null);
    public static readonly ConditionType Bool = new(TypeKind.Bool);
    public static readonly ConditionType Int = new(TypeKind.Int);
    public static readonly ConditionType Uint = new(TypeKind.Uint);
    public static readonly ConditionType Double = new(TypeKind.Double);
    public static readonly ConditionType String = new(TypeKind.String);
    public static readonly ConditionType Bytes = new(TypeKind.Bytes);
    public static readonly ConditionType Timestamp = new(TypeKind.Timestamp);
    public static readonly ConditionType Duration = new(TypeKind.Duration);
    public static readonly ConditionType Number = new(TypeKind.Number);
    public static readonly ConditionType Free = new(TypeKind.Free);
    public static readonly ConditionType Type = new(TypeKind.Type);

    private static readonly ReadOnlyDictionary<string, ConditionType> NoFields =
        new(new Dictionary<string, ConditionType>());

    private ConditionType(
        TypeKind kind, ConditionType? key = null, ConditionType? item = null,
        IReadOnlyDictionary<string, ConditionType>? fields = null, bool isClosed = false, int itemsMax = -1)
    {
        Kind = kind;
        Key = key;
        Item = item;
        Fields = fields ?? NoFields;
        IsClosed = isClosed;
        ItemsMax = itemsMax;
    }

    public TypeKind Kind { get; }

    /// <summary>A map's keys.</summary>
    public ConditionType? Key { get; }

    /// <summary>A list's items, or a map's values; of an object what it has beside its fields.</summary>
    public ConditionType? Item { get; }

    public IReadOnlyDictionary<string, ConditionType> Fields { get; }

    /// <summary>True if an object has no other fields than those that are known.</summary>
    public bool IsClosed { get; }

    /// <summary>How many items a list has at most; -1 where that is not known.</summary>
    public int ItemsMax { get; }

    public bool IsNumeric => Kind is TypeKind.Int or TypeKind.Uint or TypeKind.Double or TypeKind.Number;

    public bool IsOpen => Kind is TypeKind.Dyn or TypeKind.Free;

    public static ConditionType ListOf(ConditionType item, int itemsMax = -1) =>
        new(TypeKind.List, item: item, itemsMax: itemsMax);

    public static ConditionType MapOf(ConditionType key, ConditionType value) => new(TypeKind.Map, key, value);

    public static ConditionType ObjectOf(
        IReadOnlyDictionary<string, ConditionType> fields, ConditionType others, bool isClosed) =>
        new(TypeKind.Object, String, others, fields, isClosed);

    /// <summary>True if a value of <paramref name="other"/> may stand where this type is wanted.</summary>
    public bool Takes(ConditionType other)
    {
        if (IsOpen || other.IsOpen) return true;
        if (other.Kind == TypeKind.Number) return Kind is TypeKind.Number or TypeKind.Int or TypeKind.Double;
        if (Kind == TypeKind.Number) return other.IsNumeric;
        bool areMaps = Kind is TypeKind.Map or TypeKind.Object && other.Kind is TypeKind.Map or TypeKind.Object;
        if (Kind != other.Kind && !areMaps) return false;
        if (Key is not null && other.Key is not null && !Key.Takes(other.Key)) return false;
        if (Kind == TypeKind.Object || other.Kind == TypeKind.Object) return true;
        return Item is null || other.Item is null || Item.Takes(other.Item);
    }

    /// <summary>The type of a value that is of either; <see cref="Dyn"/> where they differ.</summary>
    public static ConditionType Join(ConditionType left, ConditionType right)
    {
        if (ReferenceEquals(left, right) || right.Kind == TypeKind.Free) return left;
        if (left.Kind == TypeKind.Free) return right;
        if (left.Kind != right.Kind) return Dyn;
        return left.Kind switch
        {
            TypeKind.List => ListOf(Join(left.Item!, right.Item!)),
            TypeKind.Map => MapOf(Join(left.Key!, right.Key!), Join(left.Item!, right.Item!)),
            TypeKind.Object => MapOf(String, Dyn),
            _ => left,
        };
    }

    /// <summary>As the specification writes it.</summary>
    public override string ToString() => Kind switch
    {
        TypeKind.Free => "dyn",
        TypeKind.Null => "null_type",
        TypeKind.Timestamp => "google.protobuf.Timestamp",
        TypeKind.Duration => "google.protobuf.Duration",
        TypeKind.List => $"list({Item})",
        TypeKind.Map => $"map({Key}, {Item})",
        TypeKind.Object => "map(string, dyn)",
        _ => Kind.ToString().ToLowerInvariant(),
    };
}

/// <summary>Types as values: what <c>type()</c> gives, and what the names of types stand for.</summary>
internal static class ConditionTypes
{
    public static readonly ReadOnlyMemory<byte> TrueText = "true"u8.ToArray();
    public static readonly ReadOnlyMemory<byte> FalseText = "false"u8.ToArray();

    private static readonly string[] Names =
    [
        "", "", "null_type", "bool", "int", "uint", "double", "string", "bytes", "google.protobuf.Timestamp",
        "google.protobuf.Duration", "list", "map", "type",
    ];

    private static readonly ConditionValue[] Values =
        [.. Names.Select(name => ConditionValue.OfType(Encoding.UTF8.GetBytes(name)))];

    [HotPath]
    public static ConditionValue NameOf(ValueKind kind) => Values[(int)kind];

    /// <summary>The type of this name, as a value; <see cref="ValueKind.None"/> if there is none.</summary>
    public static ConditionValue Find(string name)
    {
        int index = Array.IndexOf(Names, name);
        return index > 1 ? Values[index] : default;
    }
}
