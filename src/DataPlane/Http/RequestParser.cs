namespace Countersign.DataPlane.Http;

/// <summary>The bounds a request head is held to.</summary>
internal readonly record struct HeadBounds(int TargetBytesMax, int FieldsMax);

/// <summary>A whole request head, bytes to struct (RFC 9112 sections 3, 5 and 6).</summary>
internal static class RequestParser
{
    private const int MethodBytesMax = 32;

    // " HTTP/1.1\r\n" ends every request line that is not refused.
    private const int VersionBytes = 8;

    /// <summary>Parses the head that <paramref name="head"/> was loaded with.</summary>
    [HotPath]
    internal static HttpFault Parse(RequestHead head, in HeadBounds bounds)
    {
        ReadOnlySpan<byte> bytes = head.Bytes;
        int lineBytes = bytes.IndexOf((byte)'\n') - 1;
        HttpFault fault = ParseLine(
            head, bytes[..lineBytes], bounds, out bool isAbsolute, out int hostStart, out int hostBytes);
        if (fault != HttpFault.None) return fault;
        fault = FieldParser.ParseFields(head, lineBytes + 2, bounds.FieldsMax);
        if (fault != HttpFault.None) return fault;
        if (!FieldParser.TryFrame(head)) return HttpFault.Malformed;
        if (!HostIsSound(head, isAbsolute, bytes.Slice(hostStart, hostBytes))) return HttpFault.Malformed;
        if (!TryParseExpect(head)) return HttpFault.Malformed;
        return head.Target is [(byte)'/', ..] ? PathRules.Check(head.Path) : HttpFault.None;
    }

    private static HttpFault ParseLine(
        RequestHead head, ReadOnlySpan<byte> line, in HeadBounds bounds, out bool isAbsolute, out int hostStart,
        out int hostBytes)
    {
        isAbsolute = false;
        hostStart = hostBytes = 0;
        int methodBytes = line.IndexOf((byte)' ');
        if (methodBytes is <= 0 or > MethodBytesMax || !HttpChars.All(line[..methodBytes], HttpChars.Token))
        {
            return HttpFault.Malformed;
        }

        int targetStart = methodBytes + 1;
        int targetBytes = line[targetStart..].IndexOf((byte)' ');
        if (targetBytes > bounds.TargetBytesMax) return HttpFault.TargetTooLong;
        if (targetBytes <= 0 || !TryParseVersion(line[(targetStart + targetBytes + 1)..], head))
        {
            return HttpFault.Malformed;
        }

        ReadOnlySpan<byte> target = line.Slice(targetStart, targetBytes);
        bool isAsterisk = target.SequenceEqual("*"u8) && line[..methodBytes].SequenceEqual("OPTIONS"u8);
        if (target[0] != '/' && !isAsterisk)
        {
            int scheme = target.StartsWith("http://"u8) ? 7 : target.StartsWith("https://"u8) ? 8 : 0;
            int slash = target[scheme..].IndexOf((byte)'/');
            if (scheme == 0 || slash <= 0) return HttpFault.Malformed;
            isAbsolute = true;
            hostStart = targetStart + scheme;
            hostBytes = slash;
            targetStart += scheme + slash;
            targetBytes -= scheme + slash;
            target = line.Slice(targetStart, targetBytes);
        }

        head.SetLine(methodBytes, targetStart, targetBytes);
        return PathRules.CheckCharacters(target);
    }

    private static bool TryParseVersion(ReadOnlySpan<byte> version, RequestHead head)
    {
        if (version.Length != VersionBytes || !version.StartsWith("HTTP/1."u8)) return false;
        head.MinorVersion = version[7] - '0';
        return head.MinorVersion is 0 or 1;
    }

    // Exactly one Host for HTTP/1.1, at most one for 1.0, and the same as the absolute form names (RFC 9112 section
    // 3.2).
    private static bool HostIsSound(RequestHead head, bool isAbsolute, ReadOnlySpan<byte> authority)
    {
        int count = head.Count(FieldId.Host);
        if (count > 1 || (count == 0 && head.MinorVersion == 1)) return false;
        ReadOnlySpan<byte> host = head.Value(FieldId.Host);
        if (!HttpChars.All(host, HttpChars.Host) || (host.IsEmpty && head.MinorVersion == 1)) return false;
        return !isAbsolute || count == 0 || System.Text.Ascii.EqualsIgnoreCase(host, authority);
    }

    private static bool TryParseExpect(RequestHead head)
    {
        if (!head.TryFind(FieldId.Expect, out FieldSlice expect)) return true;
        if (!System.Text.Ascii.EqualsIgnoreCase(head.Value(expect), "100-continue"u8)) return false;
        head.ExpectsContinue = head.MinorVersion == 1 && head.Framing != BodyFraming.None;
        return true;
    }
}
