namespace Countersign.Masking;

/// <summary>Where in a text the scanner is. Zero refuses: a scanner that was never reset takes nothing.</summary>
internal enum JsonPlace : byte
{
    Refused = 0,
    Top,
    BehindScalar,
    FirstKey,
    Key,
    Colon,
    Value,
    FirstElement,
    Element,
    Comma,
    KeyText,
    StringText,
    Number,
    Literal,
}
