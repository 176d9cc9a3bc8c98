namespace Countersign.Masking.Content;

/// <summary>Limits of bodies that are not JSON, and of what bodies are wrapped in.</summary>
internal static class ContentLimits
{
    /// <summary>Times its size that a body may decode to, as Envoy has it for its decompressors: JSON of real services
    /// seldom passes 30, and a bomb begins where it pays.</summary>
    public const int RatioMax = 100;

    /// <summary>Decoded bytes for which the ratio is not looked at: a short answer of one repeated character is no
    /// bomb.</summary>
    public const int RatioFreeBytes = 65_536;

    /// <summary>Codings that may be applied one over another: RFC 9110 section 8.4 allows any number, and two are
    /// already rare.</summary>
    public const int CodingsMax = 2;

    /// <summary>log2 of the window of Zstandard frames, as RFC 9659 fixes it for HTTP: 8 MiB.</summary>
    public const int ZstdWindowLogMax = 23;

    /// <summary>Bytes of one gzip member's head, name and comment included.</summary>
    public const int GzipHeadBytesMax = 65_536;

    /// <summary>Bytes within which it must show what a text is: more white space than this hides something.</summary>
    public const int OpeningBytesMax = 4_096;

    /// <summary>Raw bytes of one name or value of a form, which is held whole while it is looked at.</summary>
    public const int FormTextBytesMax = 65_536;

    /// <summary>Bytes of a boundary (RFC 2046 section 5.1.1).</summary>
    public const int BoundaryBytesMax = 70;

    /// <summary>Bytes of one part's head.</summary>
    public const int PartHeadBytesMax = 8_192;

    /// <summary>Parts of one body.</summary>
    public const int PartsMax = 1_000;

    /// <summary>Bytes of a content type that are read.</summary>
    public const int ContentTypeBytesMax = 1_024;
}
