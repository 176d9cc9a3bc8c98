using System.Buffers;
using Countersign.DataPlane.Http;

namespace Countersign.DataPlane.Calls;

/// <summary>Writes the head of the answer that the client gets: afresh, from checked fields.</summary>
internal static class ReplyHead
{
    /// <summary>An answer that passes as it is.</summary>
    /// <returns>True if its body must be written in chunks.</returns>
    [HotPath]
    internal static bool WritePassed(IBufferWriter<byte> output, CallContext call)
    {
        ResponseHead head = call.Upstream!.Response;
        bool lengthUnknown = head.Framing is BodyFraming.Chunked or BodyFraming.UntilClose;
        bool isChunked = lengthUnknown && call.Request.MinorVersion == 1;
        if (lengthUnknown && !isChunked) call.KeepAlive = false;
        // Under a mask the length of a body that HEAD did not send, or 304 stands for, is not known.
        bool keepsLength = head.Framing == BodyFraming.Length
            || (head.Framing == BodyFraming.None && call.MaskedCount < 0);
        WriteUpstreamHead(output, call, head, keepsLength);
        if (isChunked) WireText.Put(output, "Transfer-Encoding: chunked\r\n"u8);
        WriteOwn(output, call);
        return isChunked;
    }

    /// <summary>A masked answer that is whole.</summary>
    [HotPath]
    internal static void WriteMaskedWhole(IBufferWriter<byte> output, CallContext call, int bodyBytes)
    {
        WriteUpstreamHead(output, call, call.Upstream!.Response, keepsLength: false);
        WireText.PutField(output, "Content-Length"u8, bodyBytes);
        WriteMaskedCount(output, call);
        WriteOwn(output, call);
    }

    /// <summary>A masked answer whose length and count are not known yet; the count follows as a trailer.</summary>
    internal static void WriteMaskedStream(IBufferWriter<byte> output, CallContext call)
    {
        WriteUpstreamHead(output, call, call.Upstream!.Response, keepsLength: false);
        if (SpeaksChunked(call))
        {
            WireText.Put(output, "Transfer-Encoding: chunked\r\nTrailer: Countersign-Masked\r\n"u8);
        }
        else call.KeepAlive = false;
        WriteOwn(output, call);
    }

    /// <summary>True if the client understands chunks.</summary>
    internal static bool SpeaksChunked(CallContext call) => call.Request.MinorVersion == 1;

    /// <summary>True if the client can tell the end of this answer only by the end of the connection.</summary>
    internal static bool EndsWithClose(CallContext call) => !call.KeepAlive;

    /// <summary>A problem of the gateway's own.</summary>
    internal static void WriteProblem(
        IBufferWriter<byte> output, CallContext call, in VerdictRow row, int bodyBytes, string resourceMetadataUrl)
    {
        WriteStatusLine(output, row.Status, default);
        WireText.Put(output, "Content-Type: application/problem+json\r\nCache-Control: no-store\r\n"u8);
        WireText.PutField(output, "Content-Length"u8, bodyBytes);
        switch (row.Status)
        {
            case 401:
                WriteChallenge(output, call, resourceMetadataUrl);
                break;
            case 428:
                WireText.Put(output, "Location: "u8);
                WireText.PutAscii(output, Problem.StatusPath(call.Approval!.Id));
                WireText.Put(output, "\r\nRetry-After: 5\r\n"u8);
                break;
            case 503:
                WireText.Put(output, "Retry-After: 1\r\n"u8);
                break;
        }

        WriteDate(output, call);
        WriteOwn(output, call);
    }

    /// <summary>An answer of the gateway's own paths.</summary>
    internal static void WriteOwnJson(IBufferWriter<byte> output, CallContext call, int status, int bodyBytes)
    {
        WriteStatusLine(output, status, default);
        WireText.Put(output, "Content-Type: application/json\r\nCache-Control: no-store\r\n"u8);
        WireText.PutField(output, "Content-Length"u8, bodyBytes);
        WriteDate(output, call);
        WriteOwn(output, call);
    }

    private static void WriteUpstreamHead(
        IBufferWriter<byte> output, CallContext call, ResponseHead head, bool keepsLength)
    {
        WriteStatusLine(output, head.Status, head.Reason);
        bool hasDate = false;
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (field.IsConnectionOption || FieldIds.IsHopByHop(field.Id)) continue;
            if (field.Id is FieldId.CountersignApproval or FieldId.CountersignReason or FieldId.CountersignOther)
            {
                continue;
            }

            if (field.Id == FieldId.ContentLength && !keepsLength) continue;
            if (field.Id == FieldId.BodyDigest && call.MaskedCount >= 0) continue;
            hasDate |= field.Id == FieldId.Date;
            WireText.PutField(output, head.Name(field), head.Value(field));
        }

        if (!hasDate) WriteDate(output, call);
    }

    private static void WriteMaskedCount(IBufferWriter<byte> output, CallContext call) =>
        WireText.PutField(output, "Countersign-Masked"u8, call.MaskedCount);

    private static void WriteOwn(IBufferWriter<byte> output, CallContext call)
    {
        WireText.PutField(output, "Countersign-Call"u8, call.IdText);
        if (!call.DecideKeepAlive()) WireText.Put(output, "Connection: close\r\n"u8);
        else if (call.Request.MinorVersion == 0) WireText.Put(output, "Connection: keep-alive\r\n"u8);
        WireText.Put(output, "\r\n"u8);
    }

    private static void WriteStatusLine(IBufferWriter<byte> output, int status, ReadOnlySpan<byte> reason)
    {
        WireText.Put(output, "HTTP/1.1 "u8);
        WireText.Put(output, status);
        WireText.Put(output, " "u8);
        WireText.Put(output, reason.IsEmpty ? StatusReasons.Of(status) : reason);
        WireText.Put(output, "\r\n"u8);
    }

    private static void WriteDate(IBufferWriter<byte> output, CallContext call)
    {
        WireText.Put(output, "Date: "u8);
        Span<byte> date = output.GetSpan(29);
        call.Started.TryFormat(date, out int count, "R", System.Globalization.CultureInfo.InvariantCulture);
        output.Advance(count);
        WireText.Put(output, "\r\n"u8);
    }

    // RFC 6750 section 3 and RFC 9728 section 5.1: no error code where no token was sent.
    private static void WriteChallenge(IBufferWriter<byte> output, CallContext call, string resourceMetadataUrl)
    {
        WireText.Put(output, "WWW-Authenticate: Bearer resource_metadata=\""u8);
        WireText.PutAscii(output, resourceMetadataUrl);
        if (call.Detail.Length > 0)
        {
            WireText.Put(output, "\", error=\"invalid_token\", error_description=\""u8);
            WireText.PutAscii(output, call.Detail);
        }

        WireText.Put(output, "\"\r\n"u8);
    }
}
