namespace Countersign.ControlPlane.Console.Text;

/// <summary>What a piece of somebody else's text is. Zero is shown as its code: nothing is plain by accident.</summary>
public enum TextPartKind : byte
{
    /// <summary>A character that has no place in text: shown as its code.</summary>
    Strange = 0,

    /// <summary>Shown as it is.</summary>
    Plain,

    /// <summary>Cannot be seen, or takes another character's place: shown as its code.</summary>
    Hidden,

    /// <summary>Turns the direction of what follows: shown as its code.</summary>
    Direction,

    /// <summary>A space, tab or line end that is not the usual space: shown as a sign.</summary>
    Space,

    /// <summary>Looks like another character: shown, marked, with the one it looks like.</summary>
    LookAlike,

    /// <summary>Letters that run from right to left beside others: shown, marked, and apart from what is around
    /// them.</summary>
    Turned,
}

/// <summary>A piece of somebody else's text, as it is shown.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">What is shown: the text itself, or the code in its place.</param>
/// <param name="Note">What the mark says; empty for plain text.</param>
public sealed record TextPart(TextPartKind Kind, string Text, string Note);
