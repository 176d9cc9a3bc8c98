using System.Buffers.Text;
using System.Text;

namespace Countersign.DataPlane.Http;

/// <summary>
/// Field lines and framing (RFC 9112 sections 5 and 6), as strict for responses as for requests: whatever two parsers
/// could read differently is refused.
/// </summary>
internal static class FieldParser
{
    // 18 digits always fit a long, so a longer length needs no overflow check to be refused.
    private const int ContentLengthDigitsMax = 18;

    // Longer than any name that the gateway acts on, but for its own prefix.
    private const int LookAlikeBytesMax = 64;

    /// <summary>Parses every field line from <paramref name="at"/> to the empty line.</summary>
    [HotPath]
    internal static HttpFault ParseFields(MessageHead head, int at, int fieldsMax)
    {
        ReadOnlySpan<byte> bytes = head.Bytes;
        while (bytes[at] != '\r' || at + 2 != bytes.Length)
        {
            int length = bytes[at..].IndexOf((byte)'\n') - 1;
            if (!TryParseLine(bytes.Slice(at, length), at, out FieldSlice field)) return HttpFault.Malformed;
            if (!head.TryAdd(field, fieldsMax)) return HttpFault.HeadTooLarge;
            at += length + 2;
        }

        return HttpFault.None;
    }

    /// <summary>
    /// Works out Content-Length, Transfer-Encoding and Connection; false where they can be read two ways.
    /// </summary>
    [HotPath]
    internal static bool TryFrame(MessageHead head)
    {
        bool hasLength = false, hasCoding = false;
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            switch (field.Id)
            {
                case FieldId.ContentLength:
                    if (hasLength || !TryParseLength(head.Value(field), out long length)) return false;
                    hasLength = true;
                    head.ContentLength = length;
                    head.Framing = BodyFraming.Length;
                    break;
                case FieldId.TransferEncoding:
                    if (hasCoding || head.MinorVersion == 0) return false;
                    // The coding's name has no case, but not every reader knows that.
                    if (!head.Value(field).SequenceEqual("chunked"u8)) return false;
                    hasCoding = true;
                    head.Framing = BodyFraming.Chunked;
                    break;
                case FieldId.Connection:
                    if (!TryParseConnection(head, head.Value(field))) return false;
                    break;
            }
        }

        return !(hasLength && hasCoding);
    }

    /// <summary>
    /// True if a name would be one that the gateway acts on once its underscores are hyphens, as CGI and what came
    /// after it read them: the upstream would take the caller's field for the gateway's.
    /// </summary>
    [HotPath]
    internal static bool HasLookAlike(MessageHead head)
    {
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (field.Id != FieldId.Other || field.NameBytes > LookAlikeBytesMax) continue;
            ReadOnlySpan<byte> name = head.Name(field);
            if (name.Contains((byte)'_') && LooksAlike(name)) return true;
        }

        return false;
    }

    private static bool LooksAlike(ReadOnlySpan<byte> name)
    {
        Span<byte> folded = stackalloc byte[LookAlikeBytesMax];
        name.Replace(folded, (byte)'_', (byte)'-');
        return FieldIds.Of(folded[..name.Length]) != FieldId.Other;
    }

    /// <summary>1*DIGIT of at most 18 digits; no sign, no space, no list.</summary>
    internal static bool TryParseLength(ReadOnlySpan<byte> value, out long length)
    {
        length = 0;
        if (value.Length is 0 or > ContentLengthDigitsMax || value.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            return false;
        }

        return Utf8Parser.TryParse(value, out length, out int used) && used == value.Length;
    }

    private static bool TryParseLine(ReadOnlySpan<byte> line, int at, out FieldSlice field)
    {
        field = default;
        int colon = line.IndexOf((byte)':');
        if (colon <= 0) return false;
        ReadOnlySpan<byte> name = line[..colon];
        if (!HttpChars.All(name, HttpChars.Token)) return false;
        int start = colon + 1, end = line.Length;
        while (start < end && line[start] is (byte)' ' or (byte)'\t') start++;
        while (end > start && line[end - 1] is (byte)' ' or (byte)'\t') end--;
        if (!HttpChars.All(line[start..end], HttpChars.FieldValue)) return false;
        field = new FieldSlice(FieldIds.Of(name), false, at, name.Length, at + start, end - start);
        return true;
    }

    private static bool TryParseConnection(MessageHead head, ReadOnlySpan<byte> list)
    {
        while (!list.IsEmpty)
        {
            int comma = list.IndexOf((byte)',');
            ReadOnlySpan<byte> option = (comma < 0 ? list : list[..comma]).Trim(" \t"u8);
            list = comma < 0 ? default : list[(comma + 1)..];
            if (option.IsEmpty) continue;
            if (!HttpChars.All(option, HttpChars.Token)) return false;
            if (Ascii.EqualsIgnoreCase(option, "close"u8)) head.ConnectionClose = true;
            else if (Ascii.EqualsIgnoreCase(option, "keep-alive"u8)) head.ConnectionKeepAlive = true;
            else if (FieldIds.IsEndToEnd(FieldIds.Of(option))) return false;
            else head.MarkConnectionOption(option);
        }

        return true;
    }
}
