namespace Countersign.Masking;

/// <summary>What the scanner met. Zero is an error.</summary>
internal enum JsonEvent : byte
{
    /// <summary>Not JSON; <see cref="JsonScanner.Refusal"/> says why, the position is the first bad
    /// byte.</summary>
    Refused = 0,

    /// <summary>The input ended.</summary>
    NeedMore,

    /// <summary>A piece of a decoded key, string or number: <see cref="JsonScanner.TextStart"/> to TextEnd of this
    /// input.</summary>
    Text,

    /// <summary>An escape in a decoded key or string: <see cref="JsonScanner.Unit"/>.</summary>
    Unit,

    /// <summary>A key ended, with a last piece of text.</summary>
    Key,

    /// <summary>The first byte of a value was passed.</summary>
    ValueOpens,

    /// <summary>The quote of a member's name was passed; only where members are reported.</summary>
    MemberBegins,

    /// <summary>A comma was passed; only where members are reported.</summary>
    Comma,

    /// <summary>The last byte of a value was passed; of a decoded string or number there is a last piece of
    /// text.</summary>
    ValueEnds,
}

/// <summary>What a value is.</summary>
internal enum JsonKind : byte
{
    Object = 0,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

/// <summary>What holds a value.</summary>
internal enum JsonRole : byte
{
    Root = 0,
    Member,
    Element,
}
