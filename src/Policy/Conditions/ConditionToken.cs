namespace Countersign.Policy.Conditions;

internal enum TokenKind : byte
{
    End = 0,
    Name,

    /// <summary>The name of a field, between backquotes.</summary>
    QuotedName,
    Literal,

    /// <summary>A number without its sign, so that <c>-9223372036854775808</c> can be read.</summary>
    Number,
    Mark,
}

/// <summary>One token of a condition.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Offset">Where it begins.</param>
/// <param name="Text">As written; of an operator its sign.</param>
/// <param name="Value">A literal's value.</param>
internal readonly record struct ConditionToken(TokenKind Kind, int Offset, string Text, ConditionValue Value)
{
    public bool Is(string mark) => Kind == TokenKind.Mark && string.Equals(Text, mark, StringComparison.Ordinal);
}
