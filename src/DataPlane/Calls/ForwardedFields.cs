using System.Buffers;
using System.Text;
using Countersign.DataPlane.Http;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Writes Forwarded (RFC 7239) and X-Forwarded-For, -Proto and -Host as this hop sees the client. What the client says
/// of hops before it is believed, and appended to, only if it is a proxy of the configured networks.
/// </summary>
internal static class ForwardedFields
{
    /// <summary>Writes all of them.</summary>
    [HotPath]
    internal static void Write(IBufferWriter<byte> output, CallContext call)
    {
        RequestHead head = call.Request;
        ReadOnlySpan<byte> address = call.Client.RemoteAddress.Span;
        ReadOnlySpan<byte> host = head.Value(FieldId.Host);
        ReadOnlySpan<byte> proto = call.Client.IsTls ? "https"u8 : "http"u8;
        bool isBelieved = call.Client.IsTrustedProxy;
        WireText.Put(output, "X-Forwarded-For: "u8);
        if (isBelieved) PutReceived(output, head, FieldId.XForwardedFor);
        WireText.Put(output, address);
        WireText.Put(output, "\r\nForwarded: "u8);
        if (isBelieved) PutReceived(output, head, FieldId.Forwarded);
        PutElement(output, address, proto, host);
        WireText.PutField(output, "X-Forwarded-Proto"u8, isBelieved ? ReceivedProto(head, proto) : proto);
        if (isBelieved) host = ReceivedHost(head, host);
        if (!host.IsEmpty) WireText.PutField(output, "X-Forwarded-Host"u8, host);
    }

    private static void PutElement(
        IBufferWriter<byte> output, ReadOnlySpan<byte> address, ReadOnlySpan<byte> proto, ReadOnlySpan<byte> host)
    {
        bool isIPv6 = address.Contains((byte)':');
        WireText.Put(output, isIPv6 ? "for=\"["u8 : "for="u8);
        WireText.Put(output, address);
        if (isIPv6) WireText.Put(output, "]\""u8);
        WireText.Put(output, ";proto="u8);
        WireText.Put(output, proto);
        if (!host.IsEmpty)
        {
            WireText.Put(output, ";host=\""u8);
            WireText.Put(output, host);
            WireText.Put(output, "\""u8);
        }

        WireText.Put(output, "\r\n"u8);
    }

    // All fields of the name in one line, so that an upstream that looks at one line only sees the whole way.
    private static void PutReceived(IBufferWriter<byte> output, RequestHead head, FieldId id)
    {
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (field.Id != id) continue;
            ReadOnlySpan<byte> value = head.Value(field);
            bool isSound = id == FieldId.Forwarded
                ? ForwardedField.IsSound(value) : ForwardedField.AreAddresses(value);
            if (value.IsEmpty || !isSound) continue;
            WireText.Put(output, value);
            WireText.Put(output, ", "u8);
        }
    }

    private static ReadOnlySpan<byte> ReceivedProto(RequestHead head, ReadOnlySpan<byte> own)
    {
        if (head.Count(FieldId.XForwardedProto) != 1) return own;
        ReadOnlySpan<byte> value = head.Value(FieldId.XForwardedProto);
        bool isKnown = Ascii.EqualsIgnoreCase(value, "http"u8) || Ascii.EqualsIgnoreCase(value, "https"u8);
        return isKnown ? value : own;
    }

    private static ReadOnlySpan<byte> ReceivedHost(RequestHead head, ReadOnlySpan<byte> own)
    {
        if (head.Count(FieldId.XForwardedHost) != 1) return own;
        ReadOnlySpan<byte> value = head.Value(FieldId.XForwardedHost);
        return HostRules.IsSound(value) ? value : own;
    }
}
