using System.Buffers.Text;
using System.Text;

namespace Countersign.DataPlane.Http;

/// <summary>
/// What a sound request asks of the servers on its way: an expectation, another protocol, a bound on forwarding,
/// trailers (RFC 9110 sections 7.6.2, 7.8, 9.3 and 10.1), and of the gateway itself. What it cannot do is refused here,
/// by name.
/// </summary>
internal static class RequestDemands
{
    // Nine digits always fit an int; nobody forwards a request so often.
    private const int MaxForwardsDigitsMax = 9;

    /// <summary>Reads the demands into <paramref name="head"/>, or says why they are refused.</summary>
    [HotPath]
    internal static HttpFault Read(RequestHead head)
    {
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            HttpFault fault = field.Id switch
            {
                FieldId.Expect => ReadExpect(head, head.Value(field)),
                FieldId.Te => ReadTe(head, head.Value(field)),
                FieldId.MaxForwards => ReadMaxForwards(head, head.Value(field)),
                FieldId.Upgrade => ReadUpgrade(head, field),
                FieldId.CountersignApproval or FieldId.CountersignReason or FieldId.IdempotencyKey =>
                    ReadOnce(head, field),
                _ => HttpFault.None,
            };
            if (fault != HttpFault.None) return fault;
        }

        // A tunnel would carry calls that nobody decides; TRACE would show the caller what was lent for the call.
        ReadOnlySpan<byte> method = head.Method;
        bool isConnect = method.SequenceEqual("CONNECT"u8);
        if (isConnect && head.Target[0] == '/') return HttpFault.Malformed;
        return isConnect || method.SequenceEqual("TRACE"u8) ? HttpFault.NotImplemented : HttpFault.None;
    }

    // An HTTP/1.0 client cannot be told to go on, so its expectation is ignored (RFC 9110 section 10.1.1).
    private static HttpFault ReadExpect(RequestHead head, ReadOnlySpan<byte> list)
    {
        if (head.MinorVersion == 0) return HttpFault.None;
        while (TakeMember(ref list, out ReadOnlySpan<byte> expectation))
        {
            if (!Ascii.EqualsIgnoreCase(expectation, "100-continue"u8)) return HttpFault.UnknownExpectation;
            head.ExpectsContinue = head.Framing != BodyFraming.None;
        }

        return HttpFault.None;
    }

    private static HttpFault ReadTe(RequestHead head, ReadOnlySpan<byte> list)
    {
        while (head.MinorVersion == 1 && TakeMember(ref list, out ReadOnlySpan<byte> coding))
        {
            head.AcceptsTrailers |= Ascii.EqualsIgnoreCase(coding, "trailers"u8);
        }

        return HttpFault.None;
    }

    private static HttpFault ReadMaxForwards(RequestHead head, ReadOnlySpan<byte> value)
    {
        if (!head.Method.SequenceEqual("OPTIONS"u8)) return HttpFault.None;
        bool isSound = head.MaxForwards < 0 && value.Length is > 0 and <= MaxForwardsDigitsMax
            && !value.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            && Utf8Parser.TryParse(value, out int hops, out _) && (head.MaxForwards = hops) >= 0;
        return isSound ? HttpFault.None : HttpFault.Malformed;
    }

    // Clients offer h2c beside every request and go on without it. Whoever asks for another protocol cannot do
    // without, and would take an ordinary answer for a broken one. Unless Connection names it, it was not meant for us.
    private static HttpFault ReadUpgrade(RequestHead head, in FieldSlice field)
    {
        if (head.MinorVersion == 0 || !field.IsConnectionOption) return HttpFault.None;
        ReadOnlySpan<byte> list = head.Value(field);
        while (TakeMember(ref list, out ReadOnlySpan<byte> protocol))
        {
            if (!Ascii.EqualsIgnoreCase(protocol, "h2c"u8)) return HttpFault.NotImplemented;
        }

        return HttpFault.None;
    }

    // One value each, which the gateway acts on: of two another reader may take the other.
    private static HttpFault ReadOnce(RequestHead head, in FieldSlice field) =>
        head.TryFind(field.Id, out FieldSlice first) && first == field ? HttpFault.None : HttpFault.Repeated;

    // The next member of a comma-separated list; empty ones do not count (RFC 9110 section 5.6.1.2).
    private static bool TakeMember(ref ReadOnlySpan<byte> list, out ReadOnlySpan<byte> member)
    {
        member = default;
        while (!list.IsEmpty && member.IsEmpty)
        {
            int comma = list.IndexOf((byte)',');
            member = (comma < 0 ? list : list[..comma]).Trim(" \t"u8);
            list = comma < 0 ? default : list[(comma + 1)..];
        }

        return !member.IsEmpty;
    }
}
