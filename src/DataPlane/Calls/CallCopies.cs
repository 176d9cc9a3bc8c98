using System.Collections.Concurrent;
using Countersign.DataPlane.Http;
using Countersign.Masking;
using Countersign.Masking.Content;

namespace Countersign.DataPlane.Calls;

/// <summary>What the audit shows of one body: masked, or why not.</summary>
/// <param name="IsCut">More passed by than is shown.</param>
/// <param name="Withheld">Why nothing is shown; null where there is nothing to withhold.</param>
internal readonly record struct ShownCopy(bool IsCut, string? Withheld);

/// <summary>
/// What the outcome record says of both bodies of one call, gathered as they pass: the payload's digest, and copies.
/// </summary>
internal sealed class CallCopies(CopyDesk desk)
{
    private readonly BodyCopy _request = new();
    private readonly BodyCopy _response = new();

    /// <summary>True if the beginnings are kept too, and not the payload's digest alone.</summary>
    internal bool KeepsBodies { get; set; }

    /// <summary>The payload as it may be shown, after <see cref="CopyDesk.Show"/>.</summary>
    internal LeasedBuffer ShownRequest { get; } = new();

    /// <summary>The answer as it may be shown, likewise.</summary>
    internal LeasedBuffer ShownResponse { get; } = new();

    /// <summary>The payload.</summary>
    internal BodyCopy Request => _request;

    /// <summary>The answer as the function gave it; its digest is the call's own.</summary>
    internal BodyCopy Response => _response;

    /// <summary>Takes a run of what is sent to the function.</summary>
    internal void AddRequest(ReadOnlySpan<byte> run) =>
        _request.Append(run, KeepsBodies ? desk.Terms.RequestCopyBytesMax : 0, isHashed: true);

    /// <summary>Takes a run of what the function answers.</summary>
    internal void AddResponse(ReadOnlySpan<byte> run)
    {
        if (KeepsBodies) _response.Append(run, desk.Terms.ResponseCopyBytesMax, isHashed: false);
    }

    /// <summary>Forgets both.</summary>
    internal void Clear()
    {
        _request.Clear();
        _response.Clear();
        ShownRequest.Return();
        ShownResponse.Return();
    }
}

/// <summary>
/// Decides of which calls bodies are kept, and shows what was kept under every mask of the function: an auditor is
/// nobody whom a mask excepts. What cannot be proven masked is withheld (STYLE rule 16).
/// </summary>
internal sealed class CopyDesk(AuditTerms terms, MaskDesk masks, BodyLimits limits)
{
    private readonly ConcurrentQueue<CallCopies> _idle = new();

    /// <summary>The terms.</summary>
    internal AuditTerms Terms => terms;

    /// <summary>True if the call's answer carries a receipt.</summary>
    internal bool GivesReceipt(CallContext call) => terms.Receipts switch
    {
        AuditScope.None => false,
        AuditScope.Strict => call.Function!.IsStrict,
        _ => true,
    };

    /// <summary>Begins to gather, if this call's bodies are to be kept, or it has a payload to hash.</summary>
    internal void Begin(CallContext call)
    {
        if (call.Copies is not null) return;
        bool keeps = terms.Copies == AuditScope.All
            || (terms.Copies == AuditScope.Strict && call.Function!.IsStrict);
        if (!keeps && call.Request.Framing == BodyFraming.None) return;
        call.Copies = _idle.TryDequeue(out CallCopies? copies) ? copies : new CallCopies(this);
        call.Copies.KeepsBodies = keeps;
    }

    /// <summary>The payload of a call that did not leave, where all of it was read to decide: what was asked.</summary>
    internal void AddUnsent(CallContext call)
    {
        bool isWhole = call.RequestBody.IsWhole && call.BodyPrefix.Count == call.RequestBody.BytesRead;
        if (call.Function is null || !isWhole || call.BodyPrefix.Count == 0) return;
        Begin(call);
        if (call.Copies is not { Request.Bytes: 0 } copies) return;
        copies.AddRequest(call.IsToolCall ? call.Tool!.ArgumentsIn(call.BodyPrefix).Span : call.BodyPrefix.Written);
    }

    /// <summary>Ends it, and wipes what was gathered.</summary>
    internal void End(CallContext call)
    {
        if (call.Copies is not { } copies) return;
        call.Copies = null;
        copies.Clear();
        _idle.Enqueue(copies);
    }

    /// <summary>Writes what may be shown of a body.</summary>
    internal ShownCopy Show(
        CallContext call, BodyCopy body, ReadOnlySpan<byte> type, ReadOnlySpan<byte> coding, LeasedBuffer shown)
    {
        if (body.Kept.IsEmpty) return new(body.Bytes > 0, null);
        if (!BodyMasker.IsReadable(type)) return new(false, "its type is not one that masks can read");
        MaskPlan plan = masks.AuditPlanFor(call.Policy!, call.Function!);
        if (!plan.MasksBody && coding.IsEmpty)
        {
            call.Secrets.Begin();
            WireText.Put(shown, call.Secrets.Clean(body.Kept, isLast: !body.IsCut));
            return new(body.IsCut, null);
        }

        BodyMasker masker = masks.Rent();
        masker.Secrets = call.Secrets.IsEmpty ? null : call.Secrets;
        try
        {
            bool isMasked = masker.TryReset(plan.Program, type, coding, keepsEncoding: false, limits, null)
                && masker.Write(body.Kept, shown) == MaskStatus.NeedMore
                && (body.IsCut || masker.Finish(shown) == MaskStatus.Done);
            if (isMasked) return new(body.IsCut, null);
            shown.Clear();
            return new(false, "it could not be proven masked");
        }
        finally
        {
            masks.Return(masker);
        }
    }
}
