namespace Countersign.DataPlane.Http;

/// <summary>Why bytes are not a message we may act on. Zero is malformed: a forgotten check refuses.</summary>
internal enum HttpFault : byte
{
    /// <summary>Two parsers could read these bytes differently, or they are no HTTP/1.1 at all.</summary>
    Malformed = 0,

    /// <summary>Sound.</summary>
    None,

    /// <summary>The path can be read as two different paths.</summary>
    AmbiguousPath,

    /// <summary>The request target is longer than the limit.</summary>
    TargetTooLong,

    /// <summary>The head, or the count of its fields, is beyond the limit.</summary>
    HeadTooLarge,

    /// <summary>An expectation other than 100-continue.</summary>
    UnknownExpectation,

    /// <summary>Sound, but a tunnel or a loop-back, which the gateway does not do.</summary>
    NotImplemented,

    /// <summary>A field of the gateway's own that has one value was sent twice.</summary>
    Repeated,
}

/// <summary>How far a parser came. Zero is a refusal.</summary>
internal enum ParseStatus : byte
{
    /// <summary>Cannot become valid, whatever follows.</summary>
    Invalid = 0,

    /// <summary>Valid so far; more bytes are needed.</summary>
    NeedMore,

    /// <summary>Whole.</summary>
    Complete,
}

/// <summary>How a message's body is delimited (RFC 9112 section 6). Zero is none.</summary>
internal enum BodyFraming : byte
{
    /// <summary>No body.</summary>
    None = 0,

    /// <summary>As many bytes as Content-Length says.</summary>
    Length,

    /// <summary>Chunked transfer coding.</summary>
    Chunked,

    /// <summary>Until the peer closes; responses only.</summary>
    UntilClose,
}
