namespace Countersign.Masking;

/// <summary>What a rule does to the values it hits.</summary>
/// <param name="Action">What happens to them.</param>
/// <param name="Key">What tokens are made with; null unless tokens are made.</param>
/// <param name="Class">What goes into a token before the value: the field class, and a zero byte.</param>
/// <param name="Rule">The rule's place in the list that was compiled.</param>
internal sealed record MaskEffect(MaskAction Action, TokenKey? Key, byte[] Class, int Rule)
{
    /// <summary>Its action's place among them: the smaller leaves less of a value.</summary>
    public int Strictness { get; } = StrictnessOf(Action);

    /// <summary>Places actions by what they leave of a value: the smaller leaves less.</summary>
    public static int StrictnessOf(MaskAction action) => action switch
    {
        MaskAction.Drop => 0,
        MaskAction.Null => 1,
        MaskAction.Tokenize => 3,
        MaskAction.KeepLast4 => 4,
        _ => 2,
    };
}
