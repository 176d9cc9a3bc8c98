using System.Security.Cryptography;
using System.Text.Json;
using Countersign.ControlPlane.AuditTrail;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Approvals;

/// <summary>
/// Shows one masked argument in clear, to an approver of this very call who may reveal: an act of its own, in the audit
/// before the value leaves. Without the audit nothing is revealed.
/// </summary>
internal sealed class RevealDesk(
    ControlPlaneServices services, ApprovalViews views, SeenPeople people, IReadOnlyList<string> mayReveal, ActLog acts,
    TimeProvider clock)
{
    /// <summary>The value that <paramref name="asked"/> points at.</summary>
    public async ValueTask<Reply> RevealAsync(
        string id, Caller shown, RevealRequest asked, Precondition? when = null)
    {
        if (await people.PresentAsync(shown) is not { } viewer) return Reply.Refuse(Refusal.StoreUnavailable);
        using AuditedAct act = acts.Begin(viewer, ActWords.Reveal, id, asked.Pointer + ": " + asked.Reason);
        ApprovalLook look = await views.LookAsync(id, shown);
        if (look.IsHidden) act.Fail(RefusalTable.RowOf(look.Refused.Refusal).Name);
        if (look.Found is not { } found) return Reply.Refuse(look.Refused.Refusal, look.Refused.Detail);
        Ruling ruling = Rule(found, viewer);
        if (ruling.Kind != RulingKind.Refuse)
            ruling = await views.UnmetAsync(found, shown, when ?? Precondition.None) ?? ruling;
        if (ruling.Kind == RulingKind.Refuse)
        {
            act.Fail(RefusalTable.RowOf(ruling.Refusal).Name);
            return Reply.Refuse(ruling.Refusal, ruling.Detail);
        }

        StoreResult<byte[]> box = await services.Approvals.PayloadAsync(id);
        if (box.Status == StoreStatus.Unavailable) return Reply.Refuse(Refusal.StoreUnavailable);
        if (!box.IsOk || !views.TryOpen(id, box.Value!, out byte[] opened)) return Nothing(act);
        try
        {
            return CallPayload.Read(opened) is { } payload
                ? await RevealAsync(payload.Body, asked.Pointer, act)
                : Nothing(act);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(opened);
        }
    }

    /// <summary>True for whom <see cref="RevealAsync(string, Caller, RevealRequest, Precondition?)"/> would not refuse
    /// now.</summary>
    public bool MayReveal(Approval approval, Caller viewer) => Rule(approval, viewer).Kind != RulingKind.Refuse;

    private static async ValueTask<Reply> RevealAsync(ReadOnlyMemory<byte> body, string pointer, AuditedAct act)
    {
        // Of two members of one name no pointer says which: such a body was never paused as JSON.
        if (!StrictJson.IsUnambiguous(body.Span, out _)) return Nothing(act);
        using JsonDocument document = JsonDocument.Parse(body);
        if (RevealRequest.Find(document.RootElement, pointer) is not { } value) return Nothing(act);
        if (!await act.TryIntendAsync()) return Reply.Refuse(Refusal.AuditUnavailable);
        act.Succeed("revealed");
        return Reply.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteString("pointer", pointer);
            json.WritePropertyName("value");
            value.WriteTo(json);
            json.WriteEndObject();
        });
    }

    private static Reply Nothing(AuditedAct act)
    {
        act.Fail("not-found");
        return Reply.Refuse(Refusal.NotFound, "There is no argument at that pointer, or no body in JSON any more.");
    }

    // Who may reveal is no approver by that alone, and the requester's own people are the last who should see more.
    private Ruling Rule(Approval approval, Caller viewer)
    {
        if (!viewer.IsPerson || !mayReveal.Any(viewer.IsIn))
            return Ruling.Refuse(Refusal.Denied, "You may not reveal arguments; approvals.reveal names who may.");
        if (ApprovalVisibility.SharesPerson(approval.Requester, viewer))
            return DecisionRules.Explain(MoveRefusal.DutyConflict, approval);
        if (!approval.Stages.Any(stage => stage.Groups.Any(viewer.IsIn)))
            return DecisionRules.Explain(MoveRefusal.NotAnApprover, approval);
        if (services.InForce.Current is not { } policy)
            return Ruling.Refuse(Refusal.PolicyStale, "No policy is in force here yet; try again.");
        if (ApprovalVisibility.HoldsConflictingGroups(policy, viewer))
            return Ruling.Refuse(Refusal.DutyConflict, "You hold groups that the policy separates.");
        if (ApprovalRules.IsLive(approval, clock.GetUtcNow())) return Ruling.Stands;
        return DecisionRules.Explain(
            approval.State switch
            {
                ApprovalState.Denied or ApprovalState.Cancelled or ApprovalState.Revoked => MoveRefusal.Denied,
                ApprovalState.Pending or ApprovalState.Approved or ApprovalState.Expired => MoveRefusal.Expired,
                _ => MoveRefusal.Settled,
            },
            approval);
    }
}
