using Countersign.ControlPlane.AuditTrail;
using Countersign.ControlPlane.Policies;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging;

namespace Countersign.ControlPlane.Approvals;

/// <summary>
/// Shows approvals to those who may see them, and moves them. Every move is one swap in the store (decision 0005),
/// with its intent in the audit before and its outcome after.
/// </summary>
internal sealed partial class ApprovalDesk(
    ControlPlaneServices services, ApprovalViews views, SeenPeople people, ActLog acts, PolicyProposals proposals,
    TimeProvider clock, ILogger logger)
{
    private static readonly Ruling Unconfirmed =
        Ruling.Refuse(Refusal.StoreUnavailable, "The store did not confirm it; try again.");

    /// <summary>What viewers see.</summary>
    public ApprovalViews Views => views;

    /// <summary>One approval; 404 where its existence is not the viewer's to know, as for every act on it.</summary>
    /// <param name="id">As it stands in the path.</param>
    /// <param name="viewer">Who asks.</param>
    /// <param name="isKnown">True for a tag that the viewer has already.</param>
    public async ValueTask<Reply> ShowAsync(string id, Caller viewer, Func<string, bool> isKnown)
    {
        ApprovalLook look = await views.LookAsync(id, viewer);
        if (look.Found is not { } found) return Reply.Refuse(look.Refused.Refusal, look.Refused.Detail);
        Reply shown = await ShownAsync(found, viewer);
        return shown.ETag is { } tag && isKnown(tag) ? Reply.NotModified(tag) : shown;
    }

    /// <summary>What of a list the viewer may see, newest first.</summary>
    public ValueTask<Reply> ListAsync(ApprovalFilter filter, int limit, string? cursor, Caller viewer) =>
        ListAsync(views.ListAsync(filter, limit, cursor, viewer), viewer);

    /// <summary>What of the reviews that are owed the viewer may see, the latest first.</summary>
    public ValueTask<Reply> ListOwedAsync(int limit, string? cursor, Caller viewer) =>
        ListAsync(views.ListOwedAsync(limit, cursor, viewer), viewer);

    private async ValueTask<Reply> ListAsync(ValueTask<StoreResult<ApprovalPage>> listing, Caller viewer)
    {
        StoreResult<ApprovalPage> page = await listing;
        if (page.Status == StoreStatus.NotFound)
            return Reply.Refuse(Refusal.MalformedRequest, "cursor must be what next said.");
        if (!page.IsOk) return Reply.Refuse(Refusal.StoreUnavailable);
        ReadOnlyMemory<byte>?[] items =
            await Task.WhenAll(page.Value!.Items.Select(one => views.JsonAsync(one, viewer).AsTask()));
        if (items.Any(one => one is null)) return Reply.Refuse(Refusal.StoreUnavailable);
        return Reply.List(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (ReadOnlyMemory<byte>? item in items) json.WriteRawValue(item!.Value.Span);
            json.WriteEndArray();
            json.WriteString("next", page.Value.Next);
            json.WriteEndObject();
        });
    }

    /// <summary>What became of earlier calls like this one: of the same function, by the same caller.</summary>
    public async ValueTask<Reply> EarlierAsync(string id, int limit, Caller viewer)
    {
        ApprovalLook look = await views.LookAsync(id, viewer);
        if (look.Found is not { } found) return Reply.Refuse(look.Refused.Refusal, look.Refused.Detail);
        StoreResult<IReadOnlyList<Approval>> earlier = await views.EarlierAsync(found, limit, viewer);
        if (!earlier.IsOk) return Reply.Refuse(Refusal.StoreUnavailable);
        return Reply.List(json => EarlierJson.Write(json, found, earlier.Value!));
    }

    /// <summary>The approver's word.</summary>
    public ValueTask<Reply> DecideAsync(
        string id, Caller approver, DecisionRequest said, Precondition? when = null)
    {
        string detail = (said.Approve ? "approve " : "deny ") + said.Digest;
        if (said.Reason.Length > 0) detail += ": " + said.Reason;
        return MoveAsync(
            id, approver, ActWords.Decision, detail, when,
            (approval, present) => DecisionRules.Decide(
                approval, present, said, services.InForce.Current, clock.GetUtcNow()));
    }

    /// <summary>The requester withdraws.</summary>
    public ValueTask<Reply> CancelAsync(string id, Caller requester, Precondition? when = null) => MoveAsync(
        id, requester, ActWords.Cancel, "", when,
        (approval, present) => DecisionRules.Of(
            ApprovalRules.Cancel(approval, present, clock.GetUtcNow()), approval));

    /// <summary>An approver takes their approval back.</summary>
    public ValueTask<Reply> RevokeAsync(string id, Caller approver, Precondition? when = null) => MoveAsync(
        id, approver, ActWords.Revoke, "", when,
        (approval, present) => DecisionRules.Of(
            ApprovalRules.Revoke(approval, present, clock.GetUtcNow()), approval));

    /// <summary>An approver takes their approval back while others are still waited for.</summary>
    public ValueTask<Reply> WithdrawAsync(string id, Caller approver, Precondition? when = null) => MoveAsync(
        id, approver, ActWords.Withdraw, "", when,
        (approval, present) => DecisionRules.Of(
            ApprovalRules.Withdraw(approval, present, clock.GetUtcNow()), approval));

    /// <summary>Somebody lets the call through in an emergency. It is never silent.</summary>
    public async ValueTask<Reply> BreakGlassAsync(
        string id, Caller person, BreakGlassRequest said, Precondition? when = null)
    {
        Reply reply = await MoveAsync(
            id, person, ActWords.BreakGlass, "break glass " + said.Digest + ": " + said.Reason, when,
            (approval, present) => DecisionRules.Break(
                approval, present, said, services.InForce.Current, clock.GetUtcNow()));
        if (reply.Status == 200) Broken(logger, id, person.Subject);
        return reply;
    }

    /// <summary>Somebody else closes the review that a broken glass owes.</summary>
    public ValueTask<Reply> ReviewAsync(
        string id, Caller reviewer, string note, Precondition? when = null) => MoveAsync(
        id, reviewer, ActWords.Review, "review: " + note, when,
        (approval, present) => DecisionRules.Of(
            BreakGlassRules.Review(approval, present, note, clock.GetUtcNow()), approval));

    private async ValueTask<Reply> MoveAsync(
        string id, Caller shown, ActWords words, string detail, Precondition? when,
        Func<Approval, Caller, Ruling> rule)
    {
        if (!RequestReading.IsId(id)) return Reply.Refuse(ApprovalViews.Absent.Refusal, ApprovalViews.Absent.Detail);

        // Groups at the time of the decision: a token that is older than the newest one brings nothing back.
        if (await people.PresentAsync(shown) is not { } actor) return Reply.Refuse(Refusal.StoreUnavailable);
        using AuditedAct act = acts.Begin(actor, words, id, detail);
        (Ruling ruling, Approval? found) = await TryMoveAsync(
            id, act, approval => views.HiddenFrom(approval, shown) ?? rule(approval, actor),
            approval => views.UnmetAsync(approval, shown, when ?? Precondition.None));
        switch (ruling.Kind)
        {
            case RulingKind.Move:
                act.Succeed(ApprovalStates.NameOf(ruling.Next!.State));
                return ruling.Next.State == ApprovalState.Approved && PolicyProposals.IsProposal(ruling.Next)
                    ? await SettleAsync(ruling.Next, actor)
                    : await ShownAsync(ruling.Next, actor);
            case RulingKind.Stands:
                return await ShownAsync(found!, actor);
            default:
                if (found is not null) act.Fail(RefusalTable.RowOf(ruling.Refusal).Name);
                return Reply.Refuse(ruling.Refusal, ruling.Detail);
        }
    }

    // Rules again on whatever is there each time another mover was faster; the ruling returned is what became true.
    private async ValueTask<(Ruling Ruling, Approval? Found)> TryMoveAsync(
        string id, AuditedAct act, Func<Approval, Ruling> rule, Func<Approval, ValueTask<Ruling?>> unmet)
    {
        Approval? last = null;
        for (int attempt = 0; attempt < ControlPlaneLimits.MoveAttemptsMax; attempt++)
        {
            StoreResult<Approval> found = await services.Approvals.FindAsync(id);
            if (found.Status == StoreStatus.NotFound) return (ApprovalViews.Absent, last);
            if (!found.IsOk) return (Ruling.Refuse(Refusal.StoreUnavailable, ""), last);
            last = found.Value!;
            Ruling ruling = rule(last);
            if (ruling.Kind != RulingKind.Move) return (ruling, last);
            if (await unmet(last) is { } changed) return (changed, last);
            if (!await act.TryIntendAsync()) return (Ruling.Refuse(Refusal.AuditUnavailable, ""), last);
            StoreResult<Approval> moved = await services.Approvals.MoveAsync(last, ruling.Next!);
            switch (moved.Status)
            {
                case StoreStatus.Ok: return (ruling with { Next = moved.Value }, last);
                case StoreStatus.Lapsed: return (DecisionRules.Explain(MoveRefusal.Expired, last), last);
                case StoreStatus.DutyConflict: return (DecisionRules.Separated(moved.Separation), last);
                case StoreStatus.Conflict or StoreStatus.NotFound: continue;
                default: return (Unconfirmed, last);
            }
        }

        return (Ruling.Refuse(Refusal.StoreUnavailable, "Others keep moving the approval; try again."), last);
    }

    // A change of policy is no call that somebody makes later: who approves it is told what came of it.
    private async ValueTask<Reply> SettleAsync(Approval approved, Caller approver)
    {
        switch (await proposals.SettleAsync(approved))
        {
            case ProposalEnd.Void:
                return Reply.Refuse(
                    Refusal.PolicyConflict, "Another version is in force by now than the one that this was compared "
                        + "with, so nothing has changed. Publish it again to compare it with the new one.");
            case ProposalEnd.Unknown:
                return Reply.Refuse(
                    Refusal.StoreUnavailable,
                    "You have approved it; the store has not confirmed yet that it is in force.");
            default:
                StoreResult<Approval> found = await services.Approvals.FindAsync(approved.Id);
                return await ShownAsync(found.Value ?? approved, approver);
        }
    }

    private async ValueTask<Reply> ShownAsync(Approval approval, Caller viewer) =>
        await views.JsonAsync(approval, viewer) is { } json
            ? Reply.Bytes(json)
            : Reply.Refuse(Refusal.StoreUnavailable);

    [LoggerMessage(
        EventId = 3, Level = LogLevel.Critical,
        Message = "{Person} broke the glass of approval {Id}: the call may be made without its approvers")]
    private static partial void Broken(ILogger logger, string id, string person);
}
