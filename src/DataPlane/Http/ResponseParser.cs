namespace Countersign.DataPlane.Http;

/// <summary>A whole response head, bytes to struct (RFC 9112 sections 4 and 6), as strict as requests.</summary>
internal static class ResponseParser
{
    /// <summary>
    /// Parses the head that <paramref name="head"/> was loaded with; false if it may not be believed.
    /// </summary>
    /// <param name="head">The loaded head.</param>
    /// <param name="answersHead">The request was HEAD, so no body follows.</param>
    /// <param name="fieldsMax">The most fields.</param>
    [HotPath]
    internal static bool TryParse(ResponseHead head, bool answersHead, int fieldsMax)
    {
        ReadOnlySpan<byte> bytes = head.Bytes;
        int lineBytes = bytes.IndexOf((byte)'\n') - 1;
        if (!TryParseLine(head, bytes[..lineBytes])) return false;
        if (FieldParser.ParseFields(head, lineBytes + 2, fieldsMax) != HttpFault.None) return false;
        if (!FieldParser.TryFrame(head)) return false;
        bool bodyless = answersHead || head.Status is 204 or 304 or < 200;
        // A body that must not be there would be read as the next response by a reader that believes its length.
        if (head.Status is 204 or < 200 && head.Framing != BodyFraming.None)
        {
            bool isEmpty = head.Framing == BodyFraming.Length && head.ContentLength == 0;
            head.Framing = BodyFraming.None;
            return isEmpty;
        }

        if (bodyless) head.Framing = BodyFraming.None;
        else if (head.Framing == BodyFraming.None) head.Framing = BodyFraming.UntilClose;
        return true;
    }

    private static bool TryParseLine(ResponseHead head, ReadOnlySpan<byte> line)
    {
        // "HTTP/1.1 200" and then either nothing or a space and a reason.
        if (line.Length < 12 || !line.StartsWith("HTTP/1."u8) || line[8] != ' ') return false;
        head.MinorVersion = line[7] - '0';
        if (head.MinorVersion is not (0 or 1)) return false;
        if (line[9..12].ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        head.Status = ((line[9] - '0') * 100) + ((line[10] - '0') * 10) + line[11] - '0';
        if (head.Status is < 100 or > 599) return false;
        if (line.Length == 12) return true;
        if (line[12] != ' ' || !HttpChars.All(line[13..], HttpChars.FieldValue)) return false;
        head.SetReason(13, line.Length - 13);
        return true;
    }
}
