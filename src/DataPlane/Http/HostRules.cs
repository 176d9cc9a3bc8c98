namespace Countersign.DataPlane.Http;

/// <summary>
/// What may stand in Host and in the authority of a target (RFC 9110 section 4.2): a name, an address or a bracketed
/// IPv6 literal, and at most one port. No user information, no list, nothing that a second parser would cut elsewhere.
/// </summary>
internal static class HostRules
{
    // 65535.
    private const int PortDigitsMax = 5;

    /// <summary>True if there is one way to read it.</summary>
    [HotPath]
    internal static bool IsSound(ReadOnlySpan<byte> host)
    {
        if (host.IsEmpty || !HttpChars.All(host, HttpChars.Host)) return false;
        int end;
        if (host[0] == '[')
        {
            end = host.IndexOf((byte)']') + 1;
            if (end < 4 || !HttpChars.All(host[1..(end - 1)], HttpChars.IPv6)) return false;
        }
        else
        {
            end = host.IndexOfAny((byte)':', (byte)'[', (byte)']');
            if (end == 0) return false;
            if (end < 0) return true;
        }

        ReadOnlySpan<byte> port = host[end..];
        if (port.IsEmpty) return true;
        return port[0] == ':' && port.Length <= PortDigitsMax + 1
            && !port[1..].ContainsAnyExceptInRange((byte)'0', (byte)'9');
    }
}
