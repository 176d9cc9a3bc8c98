using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging;

namespace Countersign.ControlPlane.Approvals;

/// <summary>What a look at one approval comes to.</summary>
/// <param name="Found">The approval; null where the viewer gets none.</param>
/// <param name="Refused">What they are told then.</param>
internal readonly record struct ApprovalLook(Approval? Found, Ruling Refused)
{
    /// <summary>True where there is one, and it is not the viewer's to see: for the audit, never for the
    /// viewer.</summary>
    public bool IsHidden { get; init; }
}

/// <summary>
/// Approvals as one viewer may see them, whoever the viewer proved to be and however: the API, the event stream and the
/// console all look through this.
/// </summary>
internal sealed partial class ApprovalViews(
    ControlPlaneServices services, IReadOnlyList<string> policyAdmins, ILogger logger)
{
    // Safe: what is written is never put into a page, and every answer carries nosniff.
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>There is none, or none that is theirs to know of: both are told in the same words.</summary>
    public static readonly Ruling Absent = Ruling.Refuse(Refusal.NotFound, "There is no such approval.");

    private static readonly Ruling Behind = Ruling.Refuse(
        Refusal.DutyConflict,
        "You, or somebody you act for, stand behind this call: it is neither yours to see nor to decide on.");

    /// <summary>True where what the approval says is the viewer's to know.</summary>
    public bool MaySee(Approval approval, Caller viewer) =>
        ApprovalVisibility.MaySee(approval, viewer, policyAdmins);

    /// <summary>
    /// What whoever may not see the approval is told of it, whatever they want of it; null for who may. A person who
    /// stands behind the call knows of it; to everybody else it is as if it were not there.
    /// </summary>
    public Ruling? HiddenFrom(Approval approval, Caller viewer)
    {
        if (MaySee(approval, viewer)) return null;
        return viewer.IsPerson && ApprovalVisibility.SharesPerson(approval.Requester, viewer) ? Behind : Absent;
    }

    /// <summary>One approval; without it, what whoever asks is told: the same as of any act on it.</summary>
    /// <param name="id">As it stands in the path.</param>
    /// <param name="viewer">Who asks.</param>
    public async ValueTask<ApprovalLook> LookAsync(string id, Caller viewer)
    {
        if (!RequestReading.IsId(id)) return new(null, Absent);
        StoreResult<Approval> found = await services.Approvals.FindAsync(id);
        if (found.Status == StoreStatus.NotFound) return new(null, Absent);
        if (!found.IsOk) return new(null, Ruling.Refuse(Refusal.StoreUnavailable, ""));
        return HiddenFrom(found.Value!, viewer) is { } hidden
            ? new(null, hidden) { IsHidden = true }
            : new(found.Value, default);
    }

    /// <summary>One approval; not found where its existence is not the viewer's to know.</summary>
    public async ValueTask<StoreResult<Approval>> FindAsync(string id, Caller viewer)
    {
        if (!RequestReading.IsId(id)) return new(StoreStatus.NotFound, null);
        StoreResult<Approval> found = await services.Approvals.FindAsync(id);
        return !found.IsOk || MaySee(found.Value!, viewer) ? found : new(StoreStatus.NotFound, null);
    }

    /// <summary>What of a list the viewer may see, newest first; not found for a cursor that no page named.</summary>
    public async ValueTask<StoreResult<ApprovalPage>> ListAsync(
        ApprovalFilter filter, int limit, string? cursor, Caller viewer)
    {
        List<Approval> items = [];
        for (int page = 0; page < ControlPlaneLimits.StorePagesMax && items.Count < limit; page++)
        {
            StoreResult<ApprovalPage> found = await services.Approvals.ListAsync(
                filter.State, limit - items.Count, cursor, one => filter.Takes(one) && MaySee(one, viewer));
            if (!found.IsOk) return found;
            items.AddRange(found.Value!.Items);
            cursor = found.Value.Next;
            if (cursor is null) break;
        }

        return new(StoreStatus.Ok, new ApprovalPage(items, cursor));
    }

    /// <summary>What of the reviews that are owed the viewer may see, the latest first.</summary>
    public ValueTask<StoreResult<ApprovalPage>> ListOwedAsync(int limit, string? cursor, Caller viewer) =>
        services.Approvals.ListOwedAsync(limit, cursor, one => MaySee(one, viewer));

    /// <summary>
    /// Earlier approvals of the same function that the same caller asked for and that the viewer may see, newest first.
    /// Looks at no more than the newest few thousand.
    /// </summary>
    public async ValueTask<StoreResult<IReadOnlyList<Approval>>> EarlierAsync(Approval like, int limit, Caller viewer)
    {
        bool IsAlike(Approval one) => one.Id != like.Id && one.CreatedAt <= like.CreatedAt
            && one.Function == like.Function && one.Requester.Subject == like.Requester.Subject
            && one.Requester.Issuer == like.Requester.Issuer && one.Requester.Actor == like.Requester.Actor
            && MaySee(one, viewer);
        List<Approval> items = [];
        string? cursor = null;
        for (int page = 0; page < ControlPlaneLimits.EarlierPagesMax && items.Count < limit; page++)
        {
            StoreResult<ApprovalPage> found =
                await services.Approvals.ListAsync(null, limit - items.Count, cursor, IsAlike);
            if (!found.IsOk) return new(StoreStatus.Unavailable, null);
            items.AddRange(found.Value!.Items);
            cursor = found.Value.Next;
            if (cursor is null) break;
        }

        return new(StoreStatus.Ok, items);
    }

    /// <summary>The approval as JSON, masked for the viewer; null when the store is away.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> JsonAsync(Approval approval, Caller viewer) =>
        Json(approval, await services.Approvals.PayloadAsync(approval.Id), viewer);

    /// <summary>
    /// Why the approval is not what its writer looked at, by the tag that they are shown; null where it is. What they
    /// may not do is refused before this is asked (RFC 9110 section 13.2.1).
    /// </summary>
    public async ValueTask<Ruling?> UnmetAsync(Approval approval, Caller viewer, Precondition when)
    {
        if (!when.IsSent) return null;
        if (await JsonAsync(approval, viewer) is not { } json) return Ruling.Refuse(Refusal.StoreUnavailable, "");
        return when.Holds(Reply.TagOf(json.Span))
            ? null
            : Ruling.Refuse(Refusal.PreconditionFailed, "The approval is not the one of If-Match: look at it again.");
    }

    /// <summary>As <see cref="JsonAsync"/>, with the sealed body at hand.</summary>
    public ReadOnlyMemory<byte>? Json(Approval approval, StoreResult<byte[]> box, Caller viewer)
    {
        if (Body(approval, box, viewer) is not { } body) return null;
        ArrayBufferWriter<byte> written = new(1_024);
        using (Utf8JsonWriter json = new(written, Relaxed))
        {
            ApprovalJson.Write(json, approval, body.Arguments.Span, body.Bytes, body.Headers.Span);
        }

        return written.WrittenMemory;
    }

    /// <summary>The body as this viewer may see it; null when the store is away.</summary>
    public async ValueTask<ShownBody?> BodyAsync(Approval approval, Caller viewer) =>
        Body(approval, await services.Approvals.PayloadAsync(approval.Id), viewer);

    private ShownBody? Body(Approval approval, StoreResult<byte[]> box, Caller viewer)
    {
        if (box.Status == StoreStatus.NotFound) return ShownBody.Unknown;
        if (!box.IsOk) return null;
        if (HasEndedUnused(approval.State) || Open(approval.Id, box.Value!) is not { } payload)
            return ShownBody.Unknown;
        ReadOnlyMemory<byte> arguments = ArgumentView.Mask(
            payload.Body.Span, approval.ContentType, services.InForce.Current, viewer.Groups, approval.Function,
            services.MaskKeys);
        ReadOnlyMemory<byte> headers = HeaderView.Write(
            payload.Headers, services.InForce.Current, viewer.Groups, approval.Function, services.MaskKeys);
        return new ShownBody(arguments, payload.Body.Length, headers);
    }

    /// <summary>The payload in clear: for what reveals it, and for what masks it.</summary>
    public bool TryOpen(string id, ReadOnlySpan<byte> box, out byte[] opened)
    {
        if (services.Seal.TryOpen(CallPayload.SealName(id), box, out opened)) return true;
        Unopened(logger, id);
        return false;
    }

    private CallPayload? Open(string id, ReadOnlySpan<byte> box) =>
        TryOpen(id, box, out byte[] opened) ? CallPayload.Read(opened) : null;

    // A payload expires with its approval, whoever has noticed it (DESIGN section 7): a window that has closed is told
    // as expired before the store has dropped anything.
    private static bool HasEndedUnused(ApprovalState state) => state is ApprovalState.Denied
        or ApprovalState.Expired or ApprovalState.Cancelled or ApprovalState.Revoked;

    [LoggerMessage(
        EventId = 2, Level = LogLevel.Warning, Message = "The payload of approval {Id} is sealed under another key")]
    private static partial void Unopened(ILogger logger, string id);
}
