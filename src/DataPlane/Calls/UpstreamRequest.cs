using System.Buffers;
using Countersign.DataPlane.Http;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Writes the upstream's request head afresh from parsed and checked fields: no received head bytes pass wholesale, and
/// the caller's own credentials never pass at all.
/// </summary>
internal static class UpstreamRequest
{
    /// <summary>How much is gathered before a flush: one large send is cheaper than many small ones.</summary>
    internal const int FlushBytes = 32_768;

    private const int TraceparentBytes = 55;

    /// <summary>Writes request line and fields, up to the empty line.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="call">The call.</param>
    /// <param name="authority">The upstream's Host value.</param>
    /// <param name="isBuffered">The whole body is in <see cref="CallContext.BodyPrefix"/>, so its length is
    /// known.</param>
    [HotPath]
    internal static void WriteHead(
        IBufferWriter<byte> output, CallContext call, ReadOnlySpan<byte> authority, bool isBuffered)
    {
        RequestHead head = call.Request;
        WireText.Put(output, head.Method);
        WireText.Put(output, " "u8);
        WireText.Put(output, head.Target);
        WireText.Put(output, " HTTP/1.1\r\n"u8);
        WireText.PutField(output, "Host"u8, authority);
        bool isMasked = call.Decision!.Masks.Count > 0;
        bool ownsIdempotency = call.IsClaimed;
        bool continuesTrace = IsSound(ReceivedTrace(head));
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (!Passes(field, isMasked, ownsIdempotency)) continue;
            if (field.Id == FieldId.Tracestate && !continuesTrace) continue;
            WireText.PutField(output, head.Name(field), head.Value(field));
        }

        WriteFraming(output, call, isBuffered);
        if (isMasked) WireText.Put(output, "Accept-Encoding: identity\r\n"u8);
        if (ownsIdempotency)
        {
            WireText.Put(output, "Idempotency-Key: "u8);
            WireText.PutAscii(output, call.Approval!.Id);
            WireText.Put(output, "\r\n"u8);
        }

        if (call.Credential.Count > 0) WireText.PutField(output, "Authorization"u8, call.Credential.Written);
        WireText.PutField(output, "Countersign-Call"u8, call.IdText);
        WriteForwarded(output, call);
        WriteTrace(output, head);
        WireText.Put(output, "\r\n"u8);
    }

    // What the gateway owns, what ends at this hop, and what would let the upstream act as the caller stays here.
    private static bool Passes(in FieldSlice field, bool isMasked, bool ownsIdempotency)
    {
        if (field.IsConnectionOption || FieldIds.IsHopByHop(field.Id)) return false;
        return field.Id switch
        {
            FieldId.Host or FieldId.ContentLength or FieldId.Expect or FieldId.Prefer => false,
            FieldId.Authorization or FieldId.Cookie or FieldId.DPoP => false,
            FieldId.CountersignApproval or FieldId.CountersignReason or FieldId.CountersignOther => false,
            FieldId.Forwarded or FieldId.XForwarded or FieldId.Traceparent => false,
            // Part of a value, without its name, is nothing a mask could find: under masks the whole is asked for.
            FieldId.AcceptEncoding or FieldId.Range => !isMasked,
            FieldId.IdempotencyKey => !ownsIdempotency,
            _ => true,
        };
    }

    private static void WriteFraming(IBufferWriter<byte> output, CallContext call, bool isBuffered)
    {
        BodyFraming framing = call.Request.Framing;
        if (framing == BodyFraming.None) return;
        if (isBuffered) WireText.PutField(output, "Content-Length"u8, call.BodyPrefix.Count);
        else if (framing == BodyFraming.Length)
        {
            WireText.PutField(output, "Content-Length"u8, call.Request.ContentLength);
        }
        else WireText.Put(output, "Transfer-Encoding: chunked\r\n"u8);
    }

    private static void WriteForwarded(IBufferWriter<byte> output, CallContext call)
    {
        ReadOnlySpan<byte> address = call.Client.RemoteAddress.Span;
        ReadOnlySpan<byte> host = call.Request.Value(FieldId.Host);
        ReadOnlySpan<byte> proto = call.Client.IsTls ? "https"u8 : "http"u8;
        WireText.PutField(output, "X-Forwarded-For"u8, address);
        WireText.PutField(output, "X-Forwarded-Proto"u8, proto);
        bool isIPv6 = address.Contains((byte)':');
        WireText.Put(output, "Forwarded: for="u8);
        if (isIPv6) WireText.Put(output, "\"["u8);
        WireText.Put(output, address);
        if (isIPv6) WireText.Put(output, "]\""u8);
        WireText.Put(output, ";proto="u8);
        WireText.Put(output, proto);
        if (!host.IsEmpty)
        {
            WireText.Put(output, ";host=\""u8);
            WireText.Put(output, host);
            WireText.Put(output, "\"\r\nX-Forwarded-Host: "u8);
            WireText.Put(output, host);
        }

        WireText.Put(output, "\r\n"u8);
    }

    // W3C trace context: the trace goes on, this hop is a new parent; without a sound one a trace begins.
    private static void WriteTrace(IBufferWriter<byte> output, RequestHead head)
    {
        WireText.Put(output, "traceparent: "u8);
        Span<byte> line = output.GetSpan(TraceparentBytes + 2);
        ReadOnlySpan<byte> received = ReceivedTrace(head);
        Span<byte> random = stackalloc byte[24];
        ChanceBytes.Fill(random);
        "00-"u8.CopyTo(line);
        if (IsSound(received))
        {
            received[..TraceparentBytes].CopyTo(line);
        }
        else
        {
            WriteHex(random[8..], line[3..]);
            "-"u8.CopyTo(line[35..]);
            "-01"u8.CopyTo(line[52..]);
        }

        WriteHex(random[..8], line[36..]);
        "\r\n"u8.CopyTo(line[TraceparentBytes..]);
        output.Advance(TraceparentBytes + 2);
    }

    private static ReadOnlySpan<byte> ReceivedTrace(RequestHead head) =>
        head.Count(FieldId.Traceparent) == 1 ? head.Value(FieldId.Traceparent) : default;

    private static bool IsSound(ReadOnlySpan<byte> value)
    {
        if (value.Length != TraceparentBytes || !value.StartsWith("00-"u8) || value[35] != '-' || value[52] != '-')
        {
            return false;
        }

        return IsHex(value.Slice(3, 32)) && IsHex(value.Slice(36, 16)) && IsHex(value.Slice(53, 2))
            && value.Slice(3, 32).ContainsAnyExcept((byte)'0') && value.Slice(36, 16).ContainsAnyExcept((byte)'0');
    }

    private static bool IsHex(ReadOnlySpan<byte> text)
    {
        foreach (byte one in text)
        {
            if (one is not (>= (byte)'0' and <= (byte)'9' or >= (byte)'a' and <= (byte)'f')) return false;
        }

        return true;
    }

    private static void WriteHex(ReadOnlySpan<byte> bytes, Span<byte> text) =>
        Convert.TryToHexStringLower(bytes, text, out _);
}
