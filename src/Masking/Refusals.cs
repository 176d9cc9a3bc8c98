namespace Countersign.Masking;

/// <summary>Why a body was refused. Constant texts: none holds a byte of the body.</summary>
internal static class Refusals
{
    public const string NotReset = "no program was set";
    public const string AfterEnd = "input after the end";
    public const string ByteOrderMark = "a byte order mark before JSON";
    public const string NotAValue = "a value was expected";
    public const string NotAKey = "a member name was expected";
    public const string NotAColon = "a colon was expected";
    public const string NotAComma = "a comma or the end of the array or object was expected";
    public const string ValuesTouch = "two values with nothing between them";
    public const string BadLiteral = "not true, false or null";
    public const string BadNumber = "not a number of JSON";
    public const string BadEscape = "not an escape of JSON";
    public const string NotUtf8 = "a string is not UTF-8";
    public const string ControlCharacter = "a control character in a string";
    public const string TooDeep = "arrays and objects are nested too deep";
    public const string CutShort = "the body ends inside a value";
}
