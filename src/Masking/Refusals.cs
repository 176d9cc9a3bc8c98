namespace Countersign.Masking;

/// <summary>What a refusal is called. Constant texts: none holds a byte of the body.</summary>
internal static class Refusals
{
    private static readonly string[] Texts =
    [
        "",
        "no program was set",
        "input after the end",
        "a byte order mark before JSON",
        "a value was expected",
        "a member name was expected",
        "a colon was expected",
        "a comma or the end of the array or object was expected",
        "two values with nothing between them",
        "not true, false or null",
        "not a number of JSON",
        "not an escape of JSON",
        "a string is not UTF-8",
        "a control character in a string",
        "arrays and objects are nested too deep",
        "the body ends inside a value",
        "a member name is too long to be compared",
        "a value that must be seen whole is too long",
        "a number is too long",
        "too much stands between two members",
        "an event stream has no such field",
        "a field of an event stream is too long",
    ];

    /// <summary>The text for <paramref name="refusal"/>.</summary>
    public static string TextOf(MaskRefusal refusal) => Texts[(int)refusal];
}
