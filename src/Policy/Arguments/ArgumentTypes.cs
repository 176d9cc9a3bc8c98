namespace Countersign.Policy.Arguments;

/// <summary>The types of JSON Schema that a value may be of, as bits. Zero takes nothing.</summary>
[Flags]
internal enum ArgumentTypes : byte
{
    None = 0,
    Null = 1,
    Boolean = 2,

    /// <summary>Written as a whole number, and within 64 bits.</summary>
    Integer = 4,

    /// <summary>Any number, whole ones too.</summary>
    Number = 8,
    String = 16,
    Array = 32,
    Object = 64,

    /// <summary>Every value.</summary>
    Any = Null | Boolean | Integer | Number | String | Array | Object,
}
