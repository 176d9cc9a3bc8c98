using System.Buffers;

namespace Countersign.DataPlane.Http;

/// <summary>
/// What a proxy in front says of the client (RFC 7239), judged before anything is appended to it: a quote left open
/// would swallow what the gateway says itself.
/// </summary>
internal static class ForwardedField
{
    private static readonly SearchValues<byte> Addresses =
        SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.:_-[], \t"u8);

    /// <summary>True for a list of elements, each of pairs, as <c>for=192.0.2.1;proto=https, for="[::1]"</c>.</summary>
    internal static bool IsSound(ReadOnlySpan<byte> list)
    {
        int at = 0;
        while (at < list.Length)
        {
            if (list[at] is (byte)',' or (byte)';' or (byte)' ' or (byte)'\t')
            {
                at++;
                continue;
            }

            if (!TrySkipPair(list, ref at)) return false;
            while (at < list.Length && list[at] is (byte)' ' or (byte)'\t') at++;
            if (at < list.Length && list[at] is not ((byte)',' or (byte)';')) return false;
        }

        return true;
    }

    /// <summary>True for the addresses of X-Forwarded-For, with or without ports.</summary>
    internal static bool AreAddresses(ReadOnlySpan<byte> list) => HttpChars.All(list, Addresses);

    private static bool TrySkipPair(ReadOnlySpan<byte> list, ref int at)
    {
        int name = list[at..].IndexOfAnyExcept(HttpChars.Token);
        if (name <= 0 || list[at + name] != '=') return false;
        at += name + 1;
        if (at >= list.Length) return false;
        if (list[at] == '"') return TrySkipQuoted(list, ref at);
        int value = list[at..].IndexOfAnyExcept(HttpChars.Token);
        if (value == 0) return false;
        at = value < 0 ? list.Length : at + value;
        return true;
    }

    private static bool TrySkipQuoted(ReadOnlySpan<byte> list, ref int at)
    {
        for (at++; at < list.Length; at++)
        {
            if (list[at] == '\\') at++;
            else if (list[at] == '"')
            {
                at++;
                return true;
            }
        }

        return false;
    }
}
