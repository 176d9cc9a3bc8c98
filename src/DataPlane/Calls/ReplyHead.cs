using System.Buffers;
using Countersign.DataPlane.Http;
using Countersign.Policy;
using MaskAction = Countersign.Masking.MaskAction;

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
        // A 204 has none to tell (RFC 9110 section 8.6).
        bool keepsLength = head.Framing == BodyFraming.Length
            || (head.Framing == BodyFraming.None && call.MaskedCount < 0 && head.Status != 204);
        WriteUpstreamHead(output, call, head, keepsLength);
        if (isChunked)
        {
            WireText.Put(output, "Transfer-Encoding: chunked\r\n"u8);
            if (PassesTrailers(call)) TrailerSection.WriteAnnouncement(output, head);
        }

        if (call.MaskedHeaders > 0) WriteMaskedCount(output, call);
        WriteOwn(output, call);
        return isChunked;
    }

    /// <summary>A masked answer that is whole.</summary>
    [HotPath]
    internal static void WriteMaskedWhole(IBufferWriter<byte> output, CallContext call, int bodyBytes)
    {
        WriteUpstreamHead(output, call, call.Upstream!.Response, keepsLength: false);
        WireText.PutField(output, "Content-Length"u8, bodyBytes);
        if (call.MaskedCount >= 0) WriteMaskedCount(output, call);
        WriteOwn(output, call);
    }

    /// <summary>A masked answer whose length and count are not known yet; the count follows as a trailer.</summary>
    internal static void WriteMaskedStream(IBufferWriter<byte> output, CallContext call)
    {
        WriteUpstreamHead(output, call, call.Upstream!.Response, keepsLength: false);
        if (SpeaksChunked(call))
        {
            WireText.Put(output, "Transfer-Encoding: chunked\r\n"u8);
            if (call.MaskedCount >= 0) WireText.Put(output, "Trailer: Countersign-Masked\r\n"u8);
        }
        else call.KeepAlive = false;
        WriteOwn(output, call);
    }

    /// <summary>
    /// An interim answer other than 100. Its head is all there is, so nothing of the gateway's own is said in it.
    /// </summary>
    internal static void WriteInterim(IBufferWriter<byte> output, CallContext call, ResponseHead head)
    {
        WriteStatusLine(output, head.Status, ReasonOf(call, head, call.Secrets.HoldsAny(head.Reason)));
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (!Passes(field) || field.Id == FieldId.ContentLength) continue;
            LentEcho.PutField(output, call.Secrets, head.Name(field), head.Value(field));
        }

        WireText.PutVia(output, head.MinorVersion);
        WireText.Put(output, "\r\n"u8);
    }

    /// <summary>
    /// True if an interim answer may go on: to a client that knows them, and under masks only with links, since no mask
    /// looks at its fields.
    /// </summary>
    internal static bool PassesInterim(CallContext call, ResponseHead head)
    {
        if (call.Request.MinorVersion == 0) return false;
        if (call.Decision!.Masks.Count == 0) return true;
        if (MasksLink(call.Decision)) return false;
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (Passes(field) && field.Id != FieldId.Link) return false;
        }

        return true;
    }

    private static bool MasksLink(Decision decision)
    {
        foreach (MaskTerms mask in decision.Masks)
        {
            if (mask.Headers.Contains("link")) return true;
        }

        return false;
    }

    /// <summary>
    /// True if the upstream's trailers may follow the body: the client understands them, and no mask applies, since a
    /// trailer may repeat or digest what was masked.
    /// </summary>
    internal static bool PassesTrailers(CallContext call) => call.MaskedCount < 0 && call.Request.AcceptsTrailers;

    /// <summary>An answer about the gateway itself, to <c>OPTIONS *</c>.</summary>
    internal static void WriteOptions(IBufferWriter<byte> output, CallContext call)
    {
        WriteStatusLine(output, 204, default);
        WireText.Put(output, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"u8);
        WriteDate(output, call);
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
        WireText.Put(
            output,
            row.Status < 400 ? "Content-Type: application/json\r\n"u8 : "Content-Type: application/problem+json\r\n"u8);
        WireText.Put(output, "Cache-Control: no-store\r\n"u8);
        WireText.PutField(output, "Content-Length"u8, bodyBytes);
        switch (row.Status)
        {
            case 202:
                WireText.Put(output, "Preference-Applied: respond-async\r\nLocation: "u8);
                WireText.PutAscii(output, Problem.StatusPath(call.Approval!.Id));
                WireText.Put(output, "\r\nRetry-After: 5\r\n"u8);
                break;
            case 401:
                WriteChallenge(output, call, resourceMetadataUrl);
                break;
            case 403 when call.Verdict == Verdict.Denied:
                WriteInsufficient(output, resourceMetadataUrl);
                break;
            case 429:
                WireText.PutField(output, "Retry-After"u8, call.Rates.RetryAfterSeconds);
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

    /// <summary>
    /// What is kept of an answer's head: the upstream's as it went to the client, without what delimits a message; a
    /// problem's own.
    /// </summary>
    internal static void WriteKept(IBufferWriter<byte> output, CallContext call, bool isUpstreams)
    {
        if (isUpstreams) WriteUpstreamHead(output, call, call.Upstream!.Response, keepsLength: false);
        else WireText.Put(output, "HTTP/1.1 000\r\nContent-Type: application/problem+json\r\n"u8);
        if (isUpstreams && call.MaskedCount >= 0) WriteMaskedCount(output, call);
        WireText.Put(output, "\r\n"u8);
    }

    /// <summary>An answer that was given before, again.</summary>
    internal static void WriteReplayed(IBufferWriter<byte> output, CallContext call, CallOutcome outcome)
    {
        WriteStatusLine(output, outcome.Status, default);
        foreach ((string name, string value) in outcome.Fields)
        {
            WireText.PutAscii(output, name);
            WireText.Put(output, ": "u8);
            WireText.PutAscii(output, value);
            WireText.Put(output, "\r\n"u8);
        }

        bool hasNone = outcome.Status is 204 or 304;
        if (!hasNone) WireText.PutField(output, "Content-Length"u8, outcome.Body!.Length);
        WireText.Put(output, "Countersign-Replayed: "u8);
        WireText.PutAscii(output, outcome.Call);
        WireText.Put(output, "\r\n"u8);
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
        bool hasDate = false, mayShow = call.Secrets.HoldsAny(head.Bytes);
        WriteStatusLine(output, head.Status, ReasonOf(call, head, mayShow));
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (!Passes(field)) continue;
            if (field.Id == FieldId.ContentLength)
            {
                // As it was understood, not as it was written: zeros before it could be read as another base.
                if (keepsLength) WireText.PutField(output, "Content-Length"u8, head.ContentLength);
                continue;
            }

            if ((call.MaskedCount >= 0 || call.DropsEncoding) && FieldIds.TellsOfBody(field.Id)) continue;
            if (call.DropsEncoding && field.Id == FieldId.ContentEncoding) continue;
            hasDate |= field.Id == FieldId.Date;
            if (call.Masks?.Find(head.Name(field)) is { } mask) WriteMasked(output, head, field, mask);
            else if (mayShow) LentEcho.PutField(output, call.Secrets, head.Name(field), head.Value(field));
            else WireText.PutField(output, head.Name(field), head.Value(field));
        }

        if (!hasDate) WriteDate(output, call);
        WireText.PutVia(output, head.MinorVersion);
    }

    private static void WriteMasked(
        IBufferWriter<byte> output, ResponseHead head, in FieldSlice field, HeaderMask mask)
    {
        if (mask.Action == MaskAction.Drop) return;
        WireText.Put(output, head.Name(field));
        WireText.Put(output, ": "u8);
        mask.Value.Write(head.Value(field), output);
        WireText.Put(output, "\r\n"u8);
    }

    // Neither what ends at this hop nor what only the gateway may say.
    private static bool Passes(in FieldSlice field) =>
        !field.IsConnectionOption && !FieldIds.IsHopByHop(field.Id)
        && field.Id is not (FieldId.CountersignApproval or FieldId.CountersignReason or FieldId.CountersignOther);

    private static void WriteMaskedCount(IBufferWriter<byte> output, CallContext call) =>
        WireText.PutField(output, "Countersign-Masked"u8, call.MaskedCount);

    private static void WriteOwn(IBufferWriter<byte> output, CallContext call)
    {
        WireText.PutField(output, "Countersign-Call"u8, call.IdText);
        if (call.Receipt.Count > 0 && call.IsIntended)
            WireText.PutField(output, "Countersign-Receipt"u8, call.Receipt.Written);
        if (call.Rates.IsCounted) call.Rates.WriteTo(output);
        if (!call.DecideKeepAlive()) WireText.Put(output, "Connection: close\r\n"u8);
        else if (call.Request.MinorVersion == 0) WireText.Put(output, "Connection: keep-alive\r\n"u8);
        WireText.Put(output, "\r\n"u8);
    }

    // Under a mask the phrase is the standard one: an upstream can say anything in it.
    private static ReadOnlySpan<byte> ReasonOf(CallContext call, ResponseHead head, bool mayShow) =>
        call.Decision!.Masks.Count > 0 || mayShow ? default : head.Reason;

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
        if (call.Challenge.Length > 0)
        {
            WireText.Put(output, "WWW-Authenticate: DPoP resource_metadata=\""u8);
            WireText.PutAscii(output, resourceMetadataUrl);
            WireText.Put(output, "\", "u8);
            WireText.PutAscii(output, call.Challenge);
            return;
        }

        WireText.Put(output, "WWW-Authenticate: Bearer resource_metadata=\""u8);
        WireText.PutAscii(output, resourceMetadataUrl);
        if (call.Detail.Length > 0)
        {
            WireText.Put(output, "\", error=\"invalid_token\", error_description=\""u8);
            WireText.PutAscii(output, call.Detail);
        }

        WireText.Put(output, "\"\r\n"u8);
    }

    // RFC 6750 section 3.1: a token with other rights might do; which, a policy does not tell.
    private static void WriteInsufficient(IBufferWriter<byte> output, string resourceMetadataUrl)
    {
        WireText.Put(output, "WWW-Authenticate: Bearer error=\"insufficient_scope\", resource_metadata=\""u8);
        WireText.PutAscii(output, resourceMetadataUrl);
        WireText.Put(output, "\"\r\n"u8);
    }
}
