using System.Globalization;

namespace Countersign.Policy;

/// <summary>
/// A host that a function is served under: a name or an address, or <c>*.</c> and a name for every name below it; with
/// a port, or without one for every port. Case does not count (RFC 9110 section 4.2.3).
/// </summary>
/// <param name="Name">Lower case; without the <c>*.</c> of a wildcard.</param>
/// <param name="IsWildcard">True if it stands for the names below, of any depth, and not for the name itself.</param>
/// <param name="Port">0 stands for every port.</param>
internal readonly record struct HostPattern(string Name, bool IsWildcard, int Port)
{
    private const int NameCharactersMax = 253;

    /// <summary>Reads a host as policy writes it, or says in <paramref name="error"/> what is wrong with it.</summary>
    public static bool TryParse(string text, out HostPattern pattern, out string error)
    {
        pattern = default;
        string host = text;
        int port = 0;
        int colon = text.LastIndexOf(':');
        if (colon > text.LastIndexOf(']'))
        {
            host = text[..colon];
            bool isPort = text.Length - colon - 1 is > 0 and <= 5
                && !text.AsSpan(colon + 1).ContainsAnyExceptInRange('0', '9');
            port = isPort ? int.Parse(text.AsSpan(colon + 1), CultureInfo.InvariantCulture) : 0;
            error = $"'{text}': a port is 1 to 65535";
            if (port is 0 or > 65_535) return false;
        }

        bool isWildcard = host.StartsWith("*.", StringComparison.Ordinal);
        if (isWildcard) host = host[2..];
        bool isHost = host.Length <= NameCharactersMax && Uri.CheckHostName(host) switch
        {
            UriHostNameType.Dns => IsAsciiName(host),
            UriHostNameType.IPv4 => !isWildcard,
            UriHostNameType.IPv6 => !isWildcard && host[0] == '[',
            _ => false,
        };
        pattern = new HostPattern(host.ToLowerInvariant(), isWildcard, port);
        error = isHost ? "" : $"'{text}' is not a host: a name, '*.' and a name, or an address, and a port if need be";
        return isHost;
    }

    private static bool IsAsciiName(string host) =>
        host[^1] != '.' && host.All(one => char.IsAsciiLetterOrDigit(one) || one is '-' or '.' or '_');
}
