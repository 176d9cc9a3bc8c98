using System.Buffers;
using Countersign.DataPlane.Http;
using Countersign.Policy;

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
        bool isReadForEcho = !isMasked && LentEcho.LooksInto(call);
        CredentialPlace? place = LentFields.PlaceOf(call);
        bool ownsIdempotency = call.IsClaimed;
        bool continuesTrace = IsSound(ReceivedTrace(head));
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (!Passes(field, call.Client.IsTrustedProxy, ownsIdempotency) && !Keeps(call.Function!, field)) continue;
            if (place is not null && LentFields.Replaces(place, head.Name(field))) continue;
            if (isMasked && IsBlindedByMask(head, field.Id)) continue;
            if (isReadForEcho && field.Id == FieldId.AcceptEncoding) continue;
            if (field.Id == FieldId.Tracestate && !continuesTrace) continue;
            if (field.Id == FieldId.MaxForwards && head.MaxForwards >= 0) continue;
            WireText.PutField(output, head.Name(field), head.Value(field));
        }

        WriteFraming(output, call, isBuffered);
        if (isMasked) WriteAcceptEncoding(output, head, call.Decision);
        else if (isReadForEcho) AcceptedCodings.Write(output, default);
        WriteHop(output, head, isMasked);
        if (ownsIdempotency)
        {
            WireText.Put(output, "Idempotency-Key: "u8);
            WireText.PutAscii(output, call.Approval!.Id);
            WireText.Put(output, "\r\n"u8);
        }

        if (place is not null) LentFields.Write(output, call, place, authority, isBuffered);
        WireText.PutField(output, "Countersign-Call"u8, call.IdText);
        ForwardedFields.Write(output, call);
        WriteTrace(output, head);
        WireText.Put(output, "\r\n"u8);
    }

    /// <summary>
    /// True while the upstream, not the gateway, is to tell the client whether its body is wanted.
    /// </summary>
    internal static bool ForwardsExpect(CallContext call) => call.Request.ExpectsContinue && !call.ContinueSent;

    // What the gateway owns, what ends at this hop, and what would let the upstream act as the caller stays here.
    private static bool Passes(in FieldSlice field, bool isTrustedProxy, bool ownsIdempotency)
    {
        if (field.IsConnectionOption || FieldIds.IsHopByHop(field.Id)) return false;
        return field.Id switch
        {
            FieldId.Host or FieldId.ContentLength or FieldId.Expect or FieldId.Prefer => false,
            FieldId.Authorization or FieldId.Cookie or FieldId.DPoP => false,
            FieldId.CountersignApproval or FieldId.CountersignReason or FieldId.CountersignOther => false,
            FieldId.Forwarded or FieldId.XForwardedFor or FieldId.XForwardedHost or FieldId.XForwardedProto => false,
            FieldId.XForwarded => isTrustedProxy,
            FieldId.Traceparent => false,
            FieldId.IdempotencyKey => !ownsIdempotency,
            _ => true,
        };
    }

    // What the function's policy says that it wants to see; never the caller's Authorization.
    private static bool Keeps(Function function, in FieldSlice field)
    {
        if (field.IsConnectionOption) return false;
        return (field.Id == FieldId.Cookie && function.KeepsCookie)
            || (field.Id == FieldId.DPoP && function.KeepsProof);
    }

    // Part of a value, without its name, is nothing a mask could find: under masks the whole is asked for. A guessed
    // entity tag would be confirmed by 304 or 412 without any body; a write keeps its condition, whose absence would
    // change the effect.
    private static bool IsBlindedByMask(RequestHead head, FieldId id) => id switch
    {
        FieldId.AcceptEncoding or FieldId.Range or FieldId.IfRange => true,
        FieldId.IfMatch or FieldId.IfNoneMatch => head.IsHead || head.Method.SequenceEqual("GET"u8),
        _ => false,
    };

    // What has to be decoded to be masked is better sent as it is, unless it is to leave encoded: then the client must
    // know the coding, and so must the masks.
    private static void WriteAcceptEncoding(IBufferWriter<byte> output, RequestHead head, Decision decision)
    {
        // By place: the enumerator of a list behind an interface would be the call's one allocation.
        bool keeps = false;
        IReadOnlyList<MaskTerms> masks = decision.Masks;
        for (int at = 0; at < masks.Count; at++) keeps |= masks[at].KeepsEncoding;
        bool isAsked = keeps && head.Count(FieldId.AcceptEncoding) == 1;
        AcceptedCodings.Write(output, isAsked ? head.Value(FieldId.AcceptEncoding) : default);
    }

    // What this hop says for itself (RFC 9110 sections 7.6.2, 7.6.3 and 10.1.4).
    private static void WriteHop(IBufferWriter<byte> output, RequestHead head, bool isMasked)
    {
        if (!isMasked && head.AcceptsTrailers) WireText.Put(output, "TE: trailers\r\nConnection: TE\r\n"u8);
        if (head.MaxForwards > 0) WireText.PutField(output, "Max-Forwards"u8, head.MaxForwards - 1);
        WireText.PutVia(output, head.MinorVersion);
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
        else
        {
            WireText.Put(output, "Transfer-Encoding: chunked\r\n"u8);
            TrailerSection.WriteAnnouncement(output, call.Request);
        }

        if (!isBuffered && ForwardsExpect(call)) WireText.Put(output, "Expect: 100-continue\r\n"u8);
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
