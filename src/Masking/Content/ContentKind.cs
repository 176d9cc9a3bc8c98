namespace Countersign.Masking.Content;

/// <summary>What a body is made of. Zero cannot be read, and so not be masked.</summary>
internal enum ContentKind : byte
{
    /// <summary>Nothing that is known, or a content type that is not well-formed.</summary>
    Unknown = 0,

    /// <summary>One JSON text, or several.</summary>
    Json,

    /// <summary>A JSON text on each line.</summary>
    JsonLines,

    /// <summary>Server-sent events.</summary>
    EventStream,

    /// <summary><c>application/x-www-form-urlencoded</c>.</summary>
    Form,

    /// <summary>Text in which detectors alone find something.</summary>
    Text,

    /// <summary><c>multipart/mixed</c> or <c>multipart/form-data</c>.</summary>
    Multipart,

    /// <summary>Whatever it is: it passes as it is, with secrets taken out.</summary>
    Plain,
}
