using System.Text;

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
        if (!FieldParser.TryFrame(head) || FieldParser.HasLookAlike(head)) return HttpFault.Malformed;
        if (!HostIsSound(head, isAbsolute, bytes.Slice(hostStart, hostBytes))) return HttpFault.Malformed;
        fault = RequestDemands.Read(head);
        if (fault != HttpFault.None) return fault;
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
        if (target[0] == '/')
        {
            head.SetLine(methodBytes, targetStart, targetBytes);
            return PathRules.CheckCharacters(target);
        }

        return ParseOtherForm(
            head, methodBytes, targetStart, targetBytes, out isAbsolute, out hostStart, out hostBytes);
    }

    // The three forms besides the origin form (RFC 9112 section 3.2): authority for CONNECT alone, asterisk for OPTIONS
    // alone, absolute for all others.
    private static HttpFault ParseOtherForm(
        RequestHead head, int methodBytes, int targetStart, int targetBytes, out bool isAbsolute, out int hostStart,
        out int hostBytes)
    {
        isAbsolute = false;
        hostStart = hostBytes = 0;
        head.SetLine(methodBytes, targetStart, targetBytes);
        ReadOnlySpan<byte> target = head.Target;
        if (head.Method.SequenceEqual("CONNECT"u8))
        {
            return HostRules.IsSound(target) ? HttpFault.None : HttpFault.Malformed;
        }

        bool isOptions = head.Method.SequenceEqual("OPTIONS"u8);
        head.IsServerWide = isOptions && target.SequenceEqual("*"u8);
        if (head.IsServerWide) return HttpFault.None;
        int scheme = SchemeBytes(target);
        if (scheme == 0) return HttpFault.Malformed;
        int slash = target[scheme..].IndexOf((byte)'/');
        isAbsolute = true;
        hostStart = targetStart + scheme;
        hostBytes = slash < 0 ? targetBytes - scheme : slash;
        // Without a path the target is "/", and the one at the end of "http:/" is as good as any; for OPTIONS it is
        // the whole server.
        head.IsServerWide = slash < 0 && isOptions;
        int pathStart = slash < 0 ? scheme - 1 : scheme + slash;
        head.SetLine(methodBytes, targetStart + pathStart, slash < 0 ? 1 : targetBytes - pathStart);
        return PathRules.CheckCharacters(head.Target);
    }

    private static int SchemeBytes(ReadOnlySpan<byte> target)
    {
        if (target.Length > 7 && Ascii.EqualsIgnoreCase(target[..7], "http://"u8)) return 7;
        return target.Length > 8 && Ascii.EqualsIgnoreCase(target[..8], "https://"u8) ? 8 : 0;
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
        bool mayBeEmpty = head.MinorVersion == 0 && host.IsEmpty;
        if (!mayBeEmpty && !HostRules.IsSound(host)) return false;
        if (!isAbsolute) return true;
        return HostRules.IsSound(authority) && (count == 0 || Ascii.EqualsIgnoreCase(host, authority));
    }
}
