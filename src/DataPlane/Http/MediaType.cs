using System.Text;

namespace Countersign.DataPlane.Http;

/// <summary>What a Content-Type says, as far as the gateway needs to know.</summary>
internal static class MediaType
{
    /// <summary>JSON, any <c>+json</c> type, NDJSON and JSON sequences of lines; in UTF-8, as JSON must be.</summary>
    internal static bool IsJson(ReadOnlySpan<byte> contentType)
    {
        ReadOnlySpan<byte> type = Essence(contentType, out ReadOnlySpan<byte> parameters);
        if (!IsUtf8(parameters)) return false;
        return Ascii.EqualsIgnoreCase(type, "application/json"u8) || IsRecordStream(contentType)
            || (type.Length > 5 && Ascii.EqualsIgnoreCase(type[^5..], "+json"u8));
    }

    /// <summary>A stream of JSON records, each of which is wanted as soon as it is there.</summary>
    internal static bool IsRecordStream(ReadOnlySpan<byte> contentType)
    {
        ReadOnlySpan<byte> type = Essence(contentType, out _);
        return Ascii.EqualsIgnoreCase(type, "application/x-ndjson"u8)
            || Ascii.EqualsIgnoreCase(type, "application/jsonl"u8)
            || Ascii.EqualsIgnoreCase(type, "application/ndjson"u8);
    }

    private static ReadOnlySpan<byte> Essence(ReadOnlySpan<byte> contentType, out ReadOnlySpan<byte> parameters)
    {
        int semicolon = contentType.IndexOf((byte)';');
        parameters = semicolon < 0 ? default : contentType[(semicolon + 1)..];
        return (semicolon < 0 ? contentType : contentType[..semicolon]).Trim(" \t"u8);
    }

    // Another charset would let bytes mean other characters to the client than they meant to the mask.
    private static bool IsUtf8(ReadOnlySpan<byte> parameters)
    {
        while (!parameters.IsEmpty)
        {
            int semicolon = parameters.IndexOf((byte)';');
            ReadOnlySpan<byte> one = (semicolon < 0 ? parameters : parameters[..semicolon]).Trim(" \t"u8);
            parameters = semicolon < 0 ? default : parameters[(semicolon + 1)..];
            if (one.Length < 8 || !Ascii.EqualsIgnoreCase(one[..8], "charset="u8)) continue;
            ReadOnlySpan<byte> charset = one[8..].Trim("\""u8);
            if (!Ascii.EqualsIgnoreCase(charset, "utf-8"u8) && !Ascii.EqualsIgnoreCase(charset, "us-ascii"u8))
            {
                return false;
            }
        }

        return true;
    }
}
