using System.Text;
using Countersign.DataPlane.Http;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Review;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Pauses calls that someone else must agree to. What is asked, joined and claimed is the digest of the exact bytes
/// that are about to leave, and a claim is the store's one atomic step (DESIGN section 7).
/// </summary>
internal sealed partial class ApprovalDesk(
    CallerGate callers, IApprovalStore store, PayloadSeal seal, Settlements settlements, IAuditTrail audit,
    Limits limits, TimeProvider clock, string start)
{
    private const string LostApprover =
        "An approver was revoked, or is no longer in a group that this takes; ask again.";

    private static readonly Requester Nobody = new("", "", CallerKind.Unstated, [], [], "");

    private readonly AskLimits _asks = new(limits.PendingApprovalsPerCaller, limits.ApprovalAsksPerMinute);

    /// <summary>How an approval stands towards the call that waits for it.</summary>
    private enum Standing : byte
    {
        Refused = 0,
        Pending,
        UnderWay,
        Claimed,
        Moved,
    }

    /// <summary>Lets a call through that needs nobody, or holds the claim of one that somebody approved.</summary>
    [HotPath]
    internal ValueTask<Verdict> PauseAsync(CallContext call) =>
        call.Decision!.Effect != Effect.Allow ? AskAsync(call)
        : call.Run is not null ? new(NoLonger(call))
        : NamesApproval(call) ? ReconsiderAsync(call)
        : new(Verdict.Proceed);

    /// <summary>
    /// Says how a claimed call ended. The upstream's answer means executed; nothing sent means failed; all else is
    /// unknown and never retried.
    /// </summary>
    internal async ValueTask SettleAsync(CallContext call)
    {
        call.IsClaimed = false;
        ApprovalState outcome = call.UpstreamStatus > 0 ? ApprovalState.Executed
            : call.ReachedUpstream ? ApprovalState.Unknown
            : ApprovalState.Failed;
        bool isStored = await settlements.SettleAsync(call.Approval!, outcome);
        if (!isStored) call.AuditDetail = "The approval's outcome could not be stored yet.";
    }

    private async ValueTask<Verdict> AskAsync(CallContext call)
    {
        Verdict read = await ReadCallAsync(call);
        if (read != Verdict.Proceed) return read;
        using ApprovalWait wait = new(store, clock, HoldOf(call), call.Client.Closed);
        call.Wait = wait;
        string named = call.Run?.Id ?? Encoding.Latin1.GetString(call.Request.Value(FieldId.CountersignApproval));
        if (!TryReadRetryKey(call, out string retryKey)) return Verdict.Malformed;
        while (true)
        {
            (Standing standing, Verdict verdict) = await TryAsync(call, wait, named, retryKey);

            // From here on it is this one that is waited for: asked anew, one that was denied meanwhile would be filed
            // again.
            if (wait.Watched.Length > 0) named = wait.Watched;
            if (standing == Standing.Moved) continue;
            if (standing is not (Standing.Pending or Standing.UnderWay)) return verdict;
            if (TryPark(call, wait))
            {
                Verdict room;

                // Here and not in a method of its own: thousands may wait, and each would have its state twice.
                try
                {
                    await wait.News;
                }
                finally
                {
                    room = Unpark(call);
                }

                if (room != Verdict.Proceed) return wait.ClientIsGone ? Verdict.ClientGone : room;
                if (wait.TakeNews()) continue;
            }

            // Who is held and ends its side may be gone; who is told at once gets its answer either way.
            if (wait.IsWanted && wait.ClientIsGone) return Verdict.ClientGone;
            return standing == Standing.UnderWay && !IsAccepted(call) ? verdict : Paused(call);
        }
    }

    // One look at the approval, and a claim where it may be claimed. What was read is let go of by the end of it: a
    // call may be held for long after.
    private async ValueTask<(Standing Standing, Verdict Verdict)> TryAsync(
        CallContext call, ApprovalWait wait, string named, string retryKey)
    {
        StoreResult<Approval> found = await FindOrFileAsync(call, named, retryKey);
        if (found.Status is StoreStatus.Mismatch)
            return (Standing.Refused, Mismatch(call, "The Idempotency-Key was used for another call."));
        if (found.Status is StoreStatus.NotFound)
            return (Standing.Refused, named.Length == 0 ? Reasonless(call) : Unknown(call));
        if (found.Status is StoreStatus.Limited) return (Standing.Refused, AskedTooMuch(call, found.RetryAfter));
        if (!found.IsOk) return (Standing.Refused, Verdict.StoreUnavailable);
        call.Approval = found.Value;
        if (!wait.Listens(found.Value!.Id)) return (Standing.Moved, Verdict.Undecided);
        if (callers.StillStands(call) != Verdict.Proceed) return await VoidOfRevokedAsync(call, found.Value);
        StoreStatus key = await KeyOfAsync(call, found.Value, retryKey);
        if (key == StoreStatus.Unavailable) return (Standing.Refused, Verdict.StoreUnavailable);
        if (key == StoreStatus.Mismatch)
            return (Standing.Refused, Mismatch(call, "The Idempotency-Key was used for another approval."));
        bool isKeyed = key == StoreStatus.Ok;
        if (isKeyed && await TryReplayAsync(call, found.Value)) return (Standing.Refused, Verdict.OutcomeReplayed);
        (Standing standing, Verdict verdict) = await ClaimAsync(call, found.Value);
        if (standing == Standing.Claimed && (isKeyed || call.Run is not null))
            call.Outcome = new OutcomeCapture(Limits.OutcomeBytesMax);
        bool isOther = retryKey.Length > 0 && !isKeyed;
        bool isUnderWay = verdict == Verdict.ApprovalUsed && !isOther && IsUnderWay(call, wait, isKeyed);
        return (isUnderWay ? Standing.UnderWay : standing, verdict);
    }

    // The whole body, since the digest is over its exact bytes; then the checks that a paused call must pass.
    private async ValueTask<Verdict> ReadCallAsync(CallContext call)
    {
        Verdict read = CheckReason(call);
        if (read != Verdict.Proceed) return read;
        read = await RequestBodies.BufferAsync(call, limits.ApprovalBodyBytesMax, limits, isWhole: true);
        if (read != Verdict.Proceed) return read;
        call.Detail = WhyUnshowable(call.Request, call.BodyPrefix.Written);
        if (call.Detail.Length > 0) return Verdict.Malformed;
        if (!BindsOnce(call))
        {
            call.Detail = CallSample.ReadsTwoWays;
            return Verdict.Malformed;
        }

        if (WaitsForCredential(call))
        {
            call.Detail = "A credential that binds this call is not kept, so that the call cannot be made without its "
                + "caller; send it without respond-async.";
            return Verdict.Malformed;
        }

        call.Digest = DigestOf(call);
        return Verdict.Proceed;
    }

    private async ValueTask<StoreResult<Approval>> FindOrFileAsync(CallContext call, string named, string retryKey)
    {
        if (named.Length > 0)
        {
            return Guid.TryParseExact(named, "D", out _)
                ? await store.FindAsync(named)
                : new(StoreStatus.NotFound, null);
        }

        Approval draft = Draft(call);
        byte[] payload = seal.Seal(
            CallPayload.SealName(draft.Id), CallPayload.Write(BindingOf(call), ArgumentsOf(call).Span));
        byte[] run = PreferField.RespondsAsync(call.Request)
            ? seal.Seal(SealedRun.SealName(draft.Digest), SealedRun.Write(call)) : [];
        AskExtras extras = new(run, retryKey) { Limits = _asks, JoinsOnly = LacksReason(call) };
        return await store.AskAsync(draft, payload, extras);
    }

    private Approval Draft(CallContext call)
    {
        DateTimeOffset now = clock.GetUtcNow();
        ApprovalTerms terms = call.Decision!.Approval!;
        ReadOnlySpan<byte> reason = call.Request.Value(FieldId.CountersignReason);
        return new Approval
        {
            Id = Guid.CreateVersion7(now).ToString("D"),
            Version = 1,
            State = ApprovalState.Pending,
            Function = call.Function!.Id,
            Risk = call.Function.Risk,
            Method = call.Function.Method,
            Target = TargetOf(call),
            ContentType = Encoding.Latin1.GetString(call.Request.Value(FieldId.ContentType)),
            Requester = Requester.Of(call.Caller!),
            Reason = Encoding.UTF8.GetString(reason),
            Digest = call.Digest,
            Rule = call.Decision.Rule,
            Stages = terms.Stages,
            Decisions = [],
            CreatedAt = now,
            ExpiresAt = now + terms.DecideWithin,
            UseWithin = terms.UseWithin,
            PolicyVersion = call.Policy!.Version,
            Call = call.IdString(),
            BreakGlass = terms.BreakGlass,
            Duties = call.Duties,
        };
    }

    private async ValueTask<(Standing Standing, Verdict Verdict)> ClaimAsync(CallContext call, Approval approval)
    {
        MoveOutcome move = ApprovalRules.Claim(
            approval, call.Caller!, call.Function!.Id, call.Digest, clock.GetUtcNow(), call.IdString(), start);
        if (!move.IsMoved) return Explain(call, approval, move.Refusal);

        // They may have waited long, and so may their approvers' word: nobody is left in it who was revoked meanwhile.
        Verdict stands = await callers.StillStandsNowAsync(call);
        if (stands == Verdict.Unauthenticated) return await VoidOfRevokedAsync(call, approval);
        if (stands != Verdict.Proceed) return (Standing.Refused, stands);
        if (!TermsHold(approval, call.Decision!.Approval!))
            return await VoidAsync(call, approval, "The policy changed after this call was approved; ask again.");
        StoreResult<IReadOnlyList<SeenPerson>> seen = await store.SeenAsync(approval);
        if (!seen.IsOk) return (Standing.Refused, Verdict.StoreUnavailable);
        if (!ApprovalRules.StillHolds(ApprovalRules.Without(approval, callers.IsRevokedSince), seen.Value!))
            return await VoidAsync(call, approval, LostApprover);
        if (audit.Confirm(call) is var room and not Verdict.Proceed) return (Standing.Refused, room);
        if (!settlements.TryOpen())
        {
            call.Detail = "Too many claims wait to be settled.";
            return (Standing.Refused, Verdict.Overloaded);
        }

        // The history that dynamic separations go by is written with the claim, by the policy now in force.
        Approval next = move.Next! with { Duties = call.Duties };
        StoreResult<Approval> moved = await store.MoveAsync(approval, next, seen.Value);
        if (moved.Status is StoreStatus.Conflict or StoreStatus.Lapsed or StoreStatus.NotFound
            or StoreStatus.DutyConflict)
        {
            settlements.Close();
        }

        switch (moved.Status)
        {
            case StoreStatus.Ok:
                call.Approval = moved.Value;
                call.IsClaimed = true;
                return (Standing.Claimed, Verdict.Proceed);
            case StoreStatus.Conflict or StoreStatus.Lapsed or StoreStatus.NotFound:
                return (Standing.Moved, Verdict.Undecided);
            case StoreStatus.DutyConflict:
                call.Detail = DutyDesk.Explain(moved.Separation);
                return (Standing.Refused, Verdict.DutyConflict);
            default:
                // Nobody knows whether the claim was taken, so it counts as spent (DESIGN section 7).
                settlements.Doubt(next);
                call.Detail = "The store did not confirm the claim; the approval counts as spent.";
                return (Standing.Refused, Verdict.StoreUnavailable);
        }
    }

    private static (Standing Standing, Verdict Verdict) Explain(
        CallContext call, Approval approval, MoveRefusal refusal)
    {
        switch (refusal)
        {
            case MoveRefusal.NotPossible when approval.State == ApprovalState.Pending:
                return (Standing.Pending, Verdict.ApprovalRequired);
            case MoveRefusal.Expired:
                call.Detail = "The approval expired before it was used; ask again.";
                return (Standing.Refused, Verdict.ApprovalExpired);
            case MoveRefusal.Denied:
                call.Detail = "The approval was " + ApprovalStates.NameOf(approval.State) + ".";
                return (Standing.Refused, Verdict.ApprovalDenied);
            case MoveRefusal.Settled:
                call.Detail = "The approval has been used by an earlier call.";
                return (Standing.Refused, Verdict.ApprovalUsed);
            case MoveRefusal.NotTheRequester:
                // What another caller asked for is not shown, not even by its id.
                call.Approval = null;
                return (Standing.Refused, Unknown(call));
            default:
                return (Standing.Refused, Mismatch(
                    call, "The approval was given for another call: function, target, headers or body differ."));
        }
    }

    // Thousands of calls may be held at once: each keeps what it will be made of, and little else (decision 0046).
    private bool TryPark(CallContext call, ApprovalWait wait)
    {
        wait.Expect(call.Approval!);
        if (!wait.IsWanted || !call.Ticket.TryPark()) return false;
        call.Shrink();
        call.Approval = Essence(call, wait.Watched);
        audit.Park(call);
        return true;
    }

    // A log without room refuses it as it refuses a call that comes: nothing was claimed yet.
    private Verdict Unpark(CallContext call)
    {
        call.Ticket.Resume();
        return audit.Reserve(call);
    }

    // What the answer and the record of a call say whose wait is over. A call that goes on reads its approval anew, so
    // that nothing is ever claimed or moved by this.
    private static Approval Essence(CallContext call, string id)
    {
        Approval whole = call.Approval!;
        return whole with
        {
            Id = id,
            Function = call.Function!.Id,
            Method = call.Function.Method,
            Target = "",
            ContentType = "",
            Requester = Nobody,
            Reason = "",
            Digest = call.Digest,
            Rule = "",
            Stages = [],
            Decisions = whole.Decisions.Count == 0 ? [] : whole.Decisions,
            Call = "",
            Claimant = "",
            BreakGlass = [],
        };
    }

    private TimeSpan HoldOf(CallContext call)
    {
        int seconds = PreferField.WaitSeconds(call.Request);
        if (call.Run is not null) return TimeSpan.Zero;
        TimeSpan hold = seconds >= 0 ? TimeSpan.FromSeconds(seconds)
            : PreferField.RespondsAsync(call.Request) ? TimeSpan.Zero
            : call.Decision!.Approval!.Hold;
        return hold < limits.HoldMax ? hold : limits.HoldMax;
    }
}
