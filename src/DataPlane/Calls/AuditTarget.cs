using System.Buffers;
using System.Text;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// A target as the audit has it: without the values of parameters that hold tokens (RFC 6750 section 2.3). The gateway
/// takes none from there, but a client that believes so sends one all the same, and it may still be good.
/// </summary>
internal static class AuditTarget
{
    private static readonly string[] Names =
    [
        "access_token", "refresh_token", "id_token", "id_token_hint", "subject_token", "actor_token", "token",
        "client_secret", "client_assertion", "assertion",
    ];

    private static ReadOnlySpan<byte> Hidden => "***"u8;

    /// <summary>The target; the same bytes where nothing is hidden.</summary>
    [HotPath]
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> target)
    {
        int query = target.IndexOf((byte)'?') + 1;
        return query > 0 && HoldsToken(target[query..]) ? Hide(target, query) : target;
    }

    [HotPath]
    private static bool HoldsToken(ReadOnlySpan<byte> query)
    {
        while (!query.IsEmpty)
        {
            if (IsToken(Next(ref query), out _)) return true;
        }

        return false;
    }

    // The parameter before the next ampersand.
    [HotPath]
    private static ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> query)
    {
        int end = query.IndexOf((byte)'&');
        ReadOnlySpan<byte> parameter = end < 0 ? query : query[..end];
        query = end < 0 ? default : query[(end + 1)..];
        return parameter;
    }

    [HotPath]
    private static bool IsToken(ReadOnlySpan<byte> parameter, out int value)
    {
        value = parameter.IndexOf((byte)'=') + 1;
        if (value < 2 || value == parameter.Length) return false;
        ReadOnlySpan<byte> name = parameter[..(value - 1)];
        return name.Contains((byte)'%') ? IsTokenDecoded(name) : IsTokenName(name);
    }

    [HotPath]
    private static bool IsTokenName(ReadOnlySpan<byte> name)
    {
        foreach (string token in Names)
        {
            if (Ascii.EqualsIgnoreCase(name, token)) return true;
        }

        return false;
    }

    private static bool IsTokenDecoded(ReadOnlySpan<byte> name) =>
        IsTokenName(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(Encoding.ASCII.GetString(name))));

    // Rarer than rare: what it costs is a copy.
    private static ReadOnlySpan<byte> Hide(ReadOnlySpan<byte> target, int query)
    {
        ArrayBufferWriter<byte> kept = new(target.Length + Hidden.Length);
        kept.Write(target[..query]);
        for (ReadOnlySpan<byte> rest = target[query..]; !rest.IsEmpty;)
        {
            ReadOnlySpan<byte> parameter = Next(ref rest);
            bool isToken = IsToken(parameter, out int value);
            kept.Write(isToken ? parameter[..value] : parameter);
            if (isToken) kept.Write(Hidden);
            if (!rest.IsEmpty) kept.Write("&"u8);
        }

        return kept.WrittenSpan;
    }
}
