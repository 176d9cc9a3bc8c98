using System.Text;

namespace Countersign.Masking.Content;

/// <summary>What a content type says of a body.</summary>
/// <param name="Kind">What the body is made of.</param>
/// <param name="BoundaryStart">Where in the content type the boundary of a multipart begins.</param>
/// <param name="BoundaryLength">How many bytes it has.</param>
internal readonly record struct ContentShape(ContentKind Kind, int BoundaryStart, int BoundaryLength)
{
    /// <summary>
    /// Reads a Content-Type field (RFC 9110 section 8.3). What is not well-formed, repeats a parameter that matters, or
    /// names another charset than UTF-8 or US-ASCII is <see cref="ContentKind.Unknown"/>.
    /// </summary>
    public static ContentShape Of(ReadOnlySpan<byte> contentType)
    {
        if (contentType.Length > ContentLimits.ContentTypeBytesMax) return default;
        var parameters = new HeaderParameters(contentType);
        ContentKind kind = KindOf(parameters.First);
        bool hasCharset = false;
        ContentShape shape = new(kind, 0, 0);
        while (parameters.MoveNext())
        {
            if (Ascii.EqualsIgnoreCase(parameters.Name, "charset"u8))
            {
                if (hasCharset || !IsUnicode(parameters.Value)) return default;
                hasCharset = true;
            }
            else if (Ascii.EqualsIgnoreCase(parameters.Name, "boundary"u8))
            {
                if (shape.BoundaryLength > 0 || !IsBoundary(parameters.Value)) return default;
                shape = new(kind, parameters.ValueStart, parameters.Value.Length);
            }
        }

        if (parameters.IsMalformed || (kind == ContentKind.Multipart && shape.BoundaryLength == 0)) return default;
        return shape;
    }

    /// <summary>What a type without its parameters is made of.</summary>
    public static ContentKind KindOf(ReadOnlySpan<byte> type)
    {
        if (type.Length > 64) return ContentKind.Unknown;
        Span<byte> lower = stackalloc byte[type.Length];
        Ascii.ToLower(type, lower, out _);
        ReadOnlySpan<byte> name = lower;
        if (name.SequenceEqual("application/json"u8) || name.SequenceEqual("text/json"u8)) return ContentKind.Json;
        if (name.EndsWith("+json"u8) && name.Contains((byte)'/')) return ContentKind.Json;
        if (name.SequenceEqual("application/x-ndjson"u8) || name.SequenceEqual("application/ndjson"u8)
            || name.SequenceEqual("application/jsonl"u8) || name.SequenceEqual("application/x-jsonlines"u8)
            || name.SequenceEqual("application/jsonlines"u8))
        {
            return ContentKind.JsonLines;
        }

        if (name.SequenceEqual("text/event-stream"u8)) return ContentKind.EventStream;
        if (name.SequenceEqual("application/x-www-form-urlencoded"u8)) return ContentKind.Form;
        if (name.SequenceEqual("multipart/mixed"u8) || name.SequenceEqual("multipart/form-data"u8))
            return ContentKind.Multipart;
        return IsText(name) ? ContentKind.Text : ContentKind.Unknown;
    }

    // Markup is not among them: its character references write a secret in ways that no detector sees.
    private static bool IsText(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("text/plain"u8) || name.SequenceEqual("text/csv"u8)
        || name.SequenceEqual("text/tab-separated-values"u8) || name.SequenceEqual("text/markdown"u8);

    private static bool IsUnicode(ReadOnlySpan<byte> charset) =>
        Ascii.EqualsIgnoreCase(charset, "utf-8"u8) || Ascii.EqualsIgnoreCase(charset, "utf8"u8)
        || Ascii.EqualsIgnoreCase(charset, "us-ascii"u8);

    private static bool IsBoundary(ReadOnlySpan<byte> boundary)
    {
        if (boundary.Length is 0 or > ContentLimits.BoundaryBytesMax || boundary[^1] == ' ') return false;
        foreach (byte one in boundary)
        {
            if (!char.IsAsciiLetterOrDigit((char)one) && !"'()+_,-./:=? "u8.Contains(one)) return false;
        }

        return true;
    }
}
