using System.Text.Json;
using Countersign.ControlPlane.AuditTrail;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging;

namespace Countersign.ControlPlane.Approvals;

/// <summary>
/// Shows approvals to those who may see them, and moves them. Every move is one swap in the store (decision 0005),
/// with its intent in the audit before and its outcome after.
/// </summary>
internal sealed partial class ApprovalDesk(
    ControlPlaneServices services, ControlPlaneOptions options, ActLog acts, TimeProvider clock, ILogger logger)
{
    private static readonly Ruling Absent = Ruling.Refuse(Refusal.NotFound, "There is no such approval.");

    private static readonly Ruling Unconfirmed =
        Ruling.Refuse(Refusal.StoreUnavailable, "The store did not confirm it; try again.");

    /// <summary>One approval; 404 where its existence is not the viewer's to know.</summary>
    /// <param name="id">As it stands in the path.</param>
    /// <param name="viewer">Who asks.</param>
    /// <param name="isKnown">True for a tag that the viewer has already.</param>
    public async ValueTask<Reply> ShowAsync(string id, Caller viewer, Func<string, bool> isKnown)
    {
        if (!RequestReading.IsId(id)) return Reply.Refuse(Absent.Refusal, Absent.Detail);
        StoreResult<Approval> found = await services.Approvals.FindAsync(id);
        if (found.Status == StoreStatus.NotFound) return Reply.Refuse(Absent.Refusal, Absent.Detail);
        if (!found.IsOk) return Reply.Refuse(Refusal.StoreUnavailable);
        Approval approval = found.Value!;
        if (!ApprovalVisibility.MaySee(approval, viewer, options.PolicyAdmins))
        {
            return Reply.Refuse(Absent.Refusal, Absent.Detail);
        }

        string tag = TagOf(approval);
        return isKnown(tag) ? Reply.NotModified(tag) : await ShownAsync(approval, viewer);
    }

    /// <summary>What of a list the viewer may see, newest first.</summary>
    public ValueTask<Reply> ListAsync(ApprovalState? state, int limit, string? cursor, Caller viewer) =>
        ListAsync((most, after) => services.Approvals.ListAsync(state, most, after), limit, cursor, viewer);

    /// <summary>What of the reviews that are owed the viewer may see, the latest first.</summary>
    public ValueTask<Reply> ListOwedAsync(int limit, string? cursor, Caller viewer) =>
        ListAsync(services.Approvals.ListOwedAsync, limit, cursor, viewer);

    private async ValueTask<Reply> ListAsync(
        Func<int, string?, ValueTask<StoreResult<ApprovalPage>>> read, int limit, string? cursor, Caller viewer)
    {
        List<Approval> items = [];
        for (int page = 0; page < ControlPlaneLimits.StorePagesMax && items.Count < limit; page++)
        {
            StoreResult<ApprovalPage> found = await read(limit - items.Count, cursor);
            if (!found.IsOk) return Reply.Refuse(Refusal.StoreUnavailable);
            cursor = found.Value!.Next;
            items.AddRange(
                found.Value.Items.Where(one => ApprovalVisibility.MaySee(one, viewer, options.PolicyAdmins)));
            if (cursor is null) break;
        }

        ShownBody?[] bodies =
            await Task.WhenAll(items.Select(one => ArgumentsAsync(one, viewer).AsTask()));
        if (bodies.Any(one => one is null)) return Reply.Refuse(Refusal.StoreUnavailable);
        return Reply.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            for (int item = 0; item < items.Count; item++)
            {
                ShownBody body = bodies[item]!.Value;
                ApprovalJson.Write(json, items[item], body.Arguments.Span, body.Bytes);
            }

            json.WriteEndArray();
            json.WriteString("next", cursor);
            json.WriteEndObject();
        });
    }

    /// <summary>The approver's word.</summary>
    public ValueTask<Reply> DecideAsync(string id, Caller approver, DecisionRequest said)
    {
        string detail = (said.Approve ? "approve " : "deny ") + said.Digest;
        if (said.Reason.Length > 0) detail += ": " + said.Reason;
        return MoveAsync(
            id, approver, ActWords.Decision, detail,
            approval => DecisionRules.Decide(approval, approver, said, services.InForce.Current, clock.GetUtcNow()));
    }

    /// <summary>The requester withdraws.</summary>
    public ValueTask<Reply> CancelAsync(string id, Caller requester) => MoveAsync(
        id, requester, ActWords.Cancel, "",
        approval => DecisionRules.Of(ApprovalRules.Cancel(approval, requester, clock.GetUtcNow()), approval));

    /// <summary>An approver takes their approval back.</summary>
    public ValueTask<Reply> RevokeAsync(string id, Caller approver) => MoveAsync(
        id, approver, ActWords.Revoke, "",
        approval => DecisionRules.Of(ApprovalRules.Revoke(approval, approver, clock.GetUtcNow()), approval));

    /// <summary>An approver takes their approval back while others are still waited for.</summary>
    public ValueTask<Reply> WithdrawAsync(string id, Caller approver) => MoveAsync(
        id, approver, ActWords.Withdraw, "",
        approval => DecisionRules.Of(ApprovalRules.Withdraw(approval, approver, clock.GetUtcNow()), approval));

    /// <summary>Somebody lets the call through in an emergency. It is never silent.</summary>
    public async ValueTask<Reply> BreakGlassAsync(string id, Caller person, BreakGlassRequest said)
    {
        Reply reply = await MoveAsync(
            id, person, ActWords.BreakGlass, "break glass " + said.Digest + ": " + said.Reason,
            approval => DecisionRules.Break(approval, person, said, services.InForce.Current, clock.GetUtcNow()));
        if (reply.Status == 200) Broken(logger, id, person.Subject);
        return reply;
    }

    /// <summary>Somebody else closes the review that a broken glass owes.</summary>
    public ValueTask<Reply> ReviewAsync(string id, Caller reviewer, string note) => MoveAsync(
        id, reviewer, ActWords.Review, "review: " + note,
        approval => DecisionRules.Of(
            BreakGlassRules.Review(approval, reviewer, note, clock.GetUtcNow()), approval));

    private async ValueTask<Reply> MoveAsync(
        string id, Caller actor, ActWords words, string detail, Func<Approval, Ruling> rule)
    {
        if (!RequestReading.IsId(id)) return Reply.Refuse(Absent.Refusal, Absent.Detail);
        using AuditedAct act = acts.Begin(actor, words, id, detail);
        (Ruling ruling, Approval? found) = await TryMoveAsync(id, act, rule);
        switch (ruling.Kind)
        {
            case RulingKind.Move:
                act.Succeed(ApprovalStates.NameOf(ruling.Next!.State));
                return await ShownAsync(ruling.Next, actor);
            case RulingKind.Stands:
                return await ShownAsync(found!, actor);
            default:
                if (found is not null) act.Fail(RefusalTable.RowOf(ruling.Refusal).Name);
                return Reply.Refuse(ruling.Refusal, ruling.Detail);
        }
    }

    // Rules again on whatever is there each time another mover was faster; the ruling returned is what became true.
    private async ValueTask<(Ruling Ruling, Approval? Found)> TryMoveAsync(
        string id, AuditedAct act, Func<Approval, Ruling> rule)
    {
        Approval? last = null;
        for (int attempt = 0; attempt < ControlPlaneLimits.MoveAttemptsMax; attempt++)
        {
            StoreResult<Approval> found = await services.Approvals.FindAsync(id);
            if (found.Status == StoreStatus.NotFound) return (Absent, last);
            if (!found.IsOk) return (Ruling.Refuse(Refusal.StoreUnavailable, ""), last);
            last = found.Value!;
            Ruling ruling = rule(last);
            if (ruling.Kind != RulingKind.Move) return (ruling, last);
            if (!await act.TryIntendAsync()) return (Ruling.Refuse(Refusal.AuditUnavailable, ""), last);
            StoreResult<Approval> moved = await services.Approvals.MoveAsync(last, ruling.Next!);
            switch (moved.Status)
            {
                case StoreStatus.Ok: return (ruling with { Next = moved.Value }, last);
                case StoreStatus.Lapsed: return (DecisionRules.Explain(MoveRefusal.Expired, last), last);
                case StoreStatus.Conflict or StoreStatus.NotFound: continue;
                default: return (Unconfirmed, last);
            }
        }

        return (Ruling.Refuse(Refusal.StoreUnavailable, "Others keep moving the approval; try again."), last);
    }

    private async ValueTask<Reply> ShownAsync(Approval approval, Caller viewer)
    {
        if (await ArgumentsAsync(approval, viewer) is not { } shown) return Reply.Refuse(Refusal.StoreUnavailable);
        return Reply.Json(200, json => ApprovalJson.Write(json, approval, shown.Arguments.Span, shown.Bytes)) with
        {
            ETag = TagOf(approval),
        };
    }

    /// <summary>The body as this viewer may see it; empty when there is nothing to show, null when the store is
    /// away.</summary>
    private async ValueTask<ShownBody?> ArgumentsAsync(Approval approval, Caller viewer)
    {
        StoreResult<byte[]> box = await services.Approvals.PayloadAsync(approval.Id);
        if (box.Status == StoreStatus.NotFound) return ShownBody.Unknown;
        if (!box.IsOk) return null;
        if (!services.Seal.TryOpen(approval.Id, box.Value!, out byte[] body))
        {
            Unopened(logger, approval.Id);
            return ShownBody.Unknown;
        }

        ReadOnlyMemory<byte> arguments = ArgumentView.Mask(
            body, approval.ContentType, services.InForce.Current, viewer.Groups, approval.Function,
            services.MaskKeys);
        return new ShownBody(arguments, body.Length);
    }

    // Lapsing is no move: the version stays, the state that is shown does not.
    private static string TagOf(Approval approval) => approval.State == ApprovalState.Expired
        ? $"\"{approval.Version}-expired\""
        : $"\"{approval.Version}\"";

    [LoggerMessage(
        EventId = 3, Level = LogLevel.Critical,
        Message = "{Person} broke the glass of approval {Id}: the call may be made without its approvers")]
    private static partial void Broken(ILogger logger, string id, string person);

    [LoggerMessage(
        EventId = 2, Level = LogLevel.Warning, Message = "The payload of approval {Id} is sealed under another key")]
    private static partial void Unopened(ILogger logger, string id);
}
