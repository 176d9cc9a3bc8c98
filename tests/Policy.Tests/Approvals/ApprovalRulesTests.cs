using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Policy.Tests.Approvals;

public sealed class ApprovalRulesTests
{
    [Fact]
    public void Zero_refuses()
    {
        // Proves that a forgotten outcome is no move, by looking at default values.
        Assert.False(default(MoveOutcome).IsMoved);
        Assert.NotEqual(MoveRefusal.Moved, default);
    }

    [Fact]
    public void Every_stage_must_be_filled_and_the_last_one_opens_the_use_window()
    {
        // Proves the way to approved and its new window, by filling two stages in turn.
        MoveOutcome first = Samples.Approve(Samples.Pending(), Samples.Person("fay", "finance"));
        Assert.True(first.IsMoved);
        Assert.Equal(ApprovalState.Pending, first.Next!.State);
        Assert.Equal(2, first.Next.Version);
        Assert.Equal([new(0, 1, 1), new(1, 0, 1)], ApprovalRules.Progress(first.Next));

        MoveOutcome last = Samples.Approve(first.Next, Samples.Person("sam", "sre"));
        Assert.Equal(ApprovalState.Approved, last.Next!.State);
        Assert.Equal(Samples.Now.AddMinutes(1).AddMinutes(5), last.Next.ExpiresAt);
        Assert.True(ApprovalRules.IsFilled(last.Next));
    }

    [Fact]
    public void One_denial_ends_it()
    {
        // Proves that a single refusal after an approval settles it, by denying in the second stage.
        Approval half = Samples.Approve(Samples.Pending(), Samples.Person("fay", "finance")).Next!;
        MoveOutcome denied = ApprovalRules.Decide(
            half, Samples.Person("sam", "sre"), false, Samples.Digest, "no", Samples.Now);
        Assert.Equal(ApprovalState.Denied, denied.Next!.State);
        Assert.Equal(-1, denied.Next.Decisions[1].Stage);
        Assert.Equal(MoveRefusal.Denied, Samples.Approve(denied.Next, Samples.Person("sid", "sre")).Refusal);
    }

    [Theory]
    [InlineData(CallerKind.Agent)]
    [InlineData(CallerKind.Ci)]
    [InlineData(CallerKind.Service)]
    [InlineData(CallerKind.Unstated)]
    public void Only_people_decide(CallerKind kind)
    {
        // Proves that no machine approves or denies, by giving it every group.
        var machine = new Caller(Samples.Issuer, "bot", kind, ["finance", "sre"], [], "acme");
        Assert.Equal(MoveRefusal.NotAnApprover, Samples.Approve(Samples.Pending(), machine).Refusal);
        Assert.Equal(
            MoveRefusal.NotAnApprover,
            ApprovalRules.Decide(Samples.Pending(), machine, false, Samples.Digest, "", Samples.Now).Refusal);
    }

    [Fact]
    public void Somebody_in_no_stage_decides_nothing()
    {
        // Proves that approving and denying both need a stage's group, by using another group and none at all.
        foreach (Caller outsider in new[] { Samples.Person("eve", "admins"), Samples.Person("eve") })
        {
            Assert.Equal(MoveRefusal.NotAnApprover, Samples.Approve(Samples.Pending(), outsider).Refusal);
            MoveOutcome denied = ApprovalRules.Decide(
                Samples.Pending(), outsider, false, Samples.Digest, "", Samples.Now);
            Assert.Equal(MoveRefusal.NotAnApprover, denied.Refusal);
        }
    }

    [Fact]
    public void Nobody_in_the_requesters_chain_decides_even_as_an_administrator()
    {
        // Proves that an agent's owner cannot countersign the agent, by subject, by chain, and in another case.
        Caller owner = Samples.Person("ANN", "finance", "admins");
        Assert.Equal(MoveRefusal.DutyConflict, Samples.Approve(Samples.Pending(), owner).Refusal);
        var alias = new Caller(Samples.Issuer, "ann-admin", CallerKind.Human, ["sre"], ["ann-admin", "ann"], "acme");
        Assert.Equal(MoveRefusal.DutyConflict, Samples.Approve(Samples.Pending(), alias).Refusal);
        var mapped = new Caller("https://other.test", "a.smith", CallerKind.Human, ["sre"], ["ann"], "acme");
        Assert.Equal(MoveRefusal.DutyConflict, Samples.Approve(Samples.Pending(), mapped).Refusal);
        var chainless = new Caller(Samples.Issuer, "robot", CallerKind.Human, ["sre"], [], "acme");
        Assert.Equal(MoveRefusal.DutyConflict, Samples.Approve(Samples.Pending(), chainless).Refusal);
    }

    [Fact]
    public void One_person_counts_once()
    {
        // Proves that one person cannot fill two stages, as themselves or through a second account.
        Approval half = Samples.Approve(Samples.Pending(), Samples.Person("fay", "finance", "sre")).Next!;
        Assert.Equal(
            MoveRefusal.AlreadyDecided, Samples.Approve(half, Samples.Person("fay", "finance", "sre")).Refusal);
        var second = new Caller("https://other.test", "fay2", CallerKind.Human, ["sre"], ["Fay"], "acme");
        Assert.Equal(MoveRefusal.DutyConflict, Samples.Approve(half, second).Refusal);
    }

    [Fact]
    public void Another_digest_is_refused()
    {
        // Proves that what is approved is what was on the screen, by sending another digest.
        MoveOutcome outcome = ApprovalRules.Decide(
            Samples.Pending(), Samples.Person("fay", "finance"), true, Samples.Digest[..^1] + "0", "", Samples.Now);
        Assert.Equal(MoveRefusal.DigestMismatch, outcome.Refusal);
    }

    [Fact]
    public void The_window_closes_on_the_tick()
    {
        // Proves that the end of the window is outside it, by deciding one tick before it and at it.
        Approval approval = Samples.Pending();
        Caller fay = Samples.Person("fay", "finance");
        Assert.True(ApprovalRules.Decide(
            approval, fay, true, Samples.Digest, "", approval.ExpiresAt.AddTicks(-1)).IsMoved);
        Assert.Equal(
            MoveRefusal.Expired,
            ApprovalRules.Decide(approval, fay, true, Samples.Digest, "", approval.ExpiresAt).Refusal);
    }

    [Fact]
    public void Only_the_requester_claims_what_was_approved()
    {
        // Proves each thing a claim checks, by changing them one at a time.
        Approval approved = Samples.Approved();
        DateTimeOffset now = approved.ExpiresAt.AddTicks(-1);
        MoveRefusal Claim(Approval what, Caller who, string function, string digest, DateTimeOffset at) =>
            ApprovalRules.Claim(what, who, function, digest, at).Refusal;

        const string Function = "billing.reset";
        Assert.Equal(MoveRefusal.Moved, Claim(approved, Samples.Agent, Function, Samples.Digest, now));
        var other = new Caller(Samples.Issuer, "robot", CallerKind.Agent, ["agents"], ["bob"], "acme");
        var tenant = new Caller(Samples.Issuer, "robot", CallerKind.Agent, ["agents"], ["ann"], "else");
        var more = new Caller(Samples.Issuer, "robot", CallerKind.Agent, ["agents"], ["ann", "bob"], "acme");
        var issuer = new Caller("https://other.test", "robot", CallerKind.Agent, ["agents"], ["ann"], "acme");
        foreach (Caller wrong in new[] { other, tenant, more, issuer, Samples.Person("ann") })
            Assert.Equal(MoveRefusal.NotTheRequester, Claim(approved, wrong, Function, Samples.Digest, now));
        Assert.Equal(
            MoveRefusal.DigestMismatch, Claim(approved, Samples.Agent, "billing.refund", Samples.Digest, now));
        Assert.Equal(MoveRefusal.DigestMismatch, Claim(approved, Samples.Agent, Function, "sha256:00", now));
        Assert.Equal(
            MoveRefusal.Expired, Claim(approved, Samples.Agent, Function, Samples.Digest, approved.ExpiresAt));
        Assert.Equal(
            MoveRefusal.NotPossible, Claim(Samples.Pending(), Samples.Agent, Function, Samples.Digest, Samples.Now));
        Assert.Equal(
            MoveRefusal.Settled,
            Claim(approved with { State = ApprovalState.Claimed }, Samples.Agent, Function, Samples.Digest, now));
        Assert.Equal(
            MoveRefusal.NotPossible,
            Claim(approved with { Decisions = [approved.Decisions[0]] }, Samples.Agent, Function, Samples.Digest, now));
    }

    [Fact]
    public void A_claim_ends_once()
    {
        // Proves that an outcome is recorded once and only after a claim, by finishing in every state.
        Approval claimed = ApprovalRules.Claim(
            Samples.Approved(), Samples.Agent, "billing.reset", Samples.Digest, Samples.Now, "call-2").Next!;
        Assert.Equal("call-2", claimed.Call);
        Approval done = ApprovalRules.Finish(claimed, ApprovalState.Executed).Next!;
        Assert.Equal(ApprovalState.Executed, done.State);
        Assert.Equal(MoveRefusal.NotPossible, ApprovalRules.Finish(done, ApprovalState.Unknown).Refusal);
        Assert.Equal(MoveRefusal.NotPossible, ApprovalRules.Finish(claimed, ApprovalState.Approved).Refusal);
        Assert.Equal(MoveRefusal.NotPossible, ApprovalRules.Finish(Samples.Approved(), ApprovalState.Failed).Refusal);
    }

    [Fact]
    public void The_requester_cancels_and_an_approver_revokes()
    {
        // Proves who may take what back and until when, by trying both in every state that matters.
        Approval approved = Samples.Approved();
        Caller fay = Samples.Person("fay", "finance");
        Assert.Equal(
            ApprovalState.Cancelled, ApprovalRules.Cancel(Samples.Pending(), Samples.Agent, Samples.Now).Next!.State);
        Assert.Equal(ApprovalState.Cancelled, ApprovalRules.Cancel(approved, Samples.Agent, Samples.Now).Next!.State);
        Assert.Equal(MoveRefusal.NotTheRequester, ApprovalRules.Cancel(approved, fay, Samples.Now).Refusal);
        Assert.Equal(ApprovalState.Revoked, ApprovalRules.Revoke(approved, fay, Samples.Now).Next!.State);
        Assert.Equal(
            MoveRefusal.NotAnApprover,
            ApprovalRules.Revoke(approved, Samples.Person("sid", "sre"), Samples.Now).Refusal);
        Approval claimed = approved with { State = ApprovalState.Claimed };
        Assert.Equal(MoveRefusal.Settled, ApprovalRules.Cancel(claimed, Samples.Agent, Samples.Now).Refusal);
        Assert.Equal(MoveRefusal.Settled, ApprovalRules.Revoke(claimed, fay, Samples.Now).Refusal);
    }

    [Fact]
    public void An_early_approver_moves_to_make_room()
    {
        // Proves that somebody in both groups does not block the only stage left to the next one.
        Approval half = Samples.Approve(Samples.Pending(), Samples.Person("both", "finance", "sre")).Next!;
        Assert.Equal(0, half.Decisions[0].Stage);
        Approval full = Samples.Approve(half, Samples.Person("fay", "finance")).Next!;
        Assert.Equal(ApprovalState.Approved, full.State);
        Assert.Equal([1, 0], full.Decisions.Select(decision => decision.Stage));
    }

    [Fact]
    public void A_filled_stage_takes_nobody_more()
    {
        // Proves that two people of one group cannot stand in for the other group.
        Approval half = Samples.Approve(Samples.Pending(), Samples.Person("fay", "finance")).Next!;
        Assert.Equal(MoveRefusal.StageFilled, Samples.Approve(half, Samples.Person("fred", "finance")).Refusal);
    }

    [Fact]
    public void Seating_fills_whenever_any_seating_could()
    {
        // Proves the matching against brute force: seeded random stages and people, in every order they happen to come.
        var random = new Random(20260301);
        for (int round = 0; round < 2_000; round++)
        {
            StageTerms[] stages = [.. Enumerable.Range(0, random.Next(1, 4))
                .Select(stage => new StageTerms([$"g{stage}"], random.Next(1, 3)))];
            IEnumerable<string> groups = Enumerable.Range(0, stages.Length).Select(stage => $"g{stage}");
            Caller[] people = [.. Enumerable.Range(0, random.Next(1, 6)).Select(person => Samples.Person(
                $"p{person}", [.. groups.Where(_ => random.Next(2) == 0)]))];
            Approval approval = Samples.Pending(stages);
            foreach (Caller person in people)
            {
                if (approval.State == ApprovalState.Pending && Samples.Approve(approval, person).Next is { } next)
                    approval = next;
            }

            bool possible = CanFill(stages, people, 0, new int[stages.Length]);
            Assert.True(possible == (approval.State == ApprovalState.Approved), $"round {round}");
        }
    }

    private static bool CanFill(StageTerms[] stages, Caller[] people, int person, int[] filled)
    {
        if (stages.Select((stage, index) => filled[index] >= stage.Count).All(full => full)) return true;
        if (person == people.Length) return false;
        for (int stage = 0; stage < stages.Length; stage++)
        {
            if (!people[person].IsIn($"g{stage}") || filled[stage] == stages[stage].Count) continue;
            filled[stage]++;
            if (CanFill(stages, people, person + 1, filled)) return true;
            filled[stage]--;
        }

        return CanFill(stages, people, person + 1, filled);
    }

    [Fact]
    public void Only_an_approved_approval_can_be_voided_and_then_asks_again()
    {
        // Proves that a policy that wants other approvers voids what was approved, and nothing else, by voiding each
        // state.
        MoveOutcome voided = ApprovalRules.Void(Samples.Approved());
        Assert.Equal(ApprovalState.Expired, voided.Next!.State);
        Assert.False(ApprovalRules.Void(Samples.Pending()).IsMoved);
        Assert.False(ApprovalRules.Void(voided.Next).IsMoved);
    }

    [Fact]
    public void Nobody_approves_through_an_agent()
    {
        // Proves that a person's token that somebody else acts with approves nothing, by the same person both ways.
        var direct = Samples.Person("fay", "finance");
        var delegated = new Caller(
            direct.Issuer, direct.Subject, direct.Kind, direct.Groups, direct.Chain, direct.Tenant)
        {
            IsDelegated = true,
        };
        Assert.False(delegated.IsPerson);
        Assert.Equal(MoveRefusal.NotAnApprover, Samples.Approve(Samples.Pending(), delegated).Refusal);
        Assert.True(Samples.Approve(Samples.Pending(), direct).IsMoved);
    }

    [Fact]
    public void An_agents_approval_is_no_other_agents()
    {
        // Proves over who asked and who comes that an approval is claimed by the same agent of the same person alone,
        // that the person follows and cancels what their agents asked for but does not claim it, and that neither
        // another agent, nor the agent itself with its own token, nor a namesake of another issuer or tenant does.
        Caller one = Acting("agent-1"), other = Acting("agent-2"), elsewhere = Acting("agent-1", "https://b.test");
        Caller ann = Samples.Person("ann", "support");
        Caller alone = new(Samples.Issuer, "agent-1", CallerKind.Agent, [], ["ann"], "acme");
        Caller namesake = new("https://b.test", "ann", CallerKind.Human, [], ["ann"], "acme");
        Caller tenant = new(Samples.Issuer, "ann", CallerKind.Human, [], ["ann"], "other");
        Approval asked = Samples.Approved() with { Requester = Requester.Of(one) };
        (Caller Who, bool Claims, bool Follows)[] cases =
        [
            (one, true, true), (ann, false, true), (other, false, false), (elsewhere, false, false),
            (alone, false, false), (namesake, false, false), (tenant, false, false),
            (Samples.Person("bea"), false, false),
        ];
        foreach ((Caller who, bool claims, bool follows) in cases)
        {
            Assert.Equal(claims, ApprovalRules.IsRequester(asked.Requester, who));
            Assert.Equal(follows, ApprovalRules.MayFollow(asked.Requester, who));
            Assert.Equal(
                claims ? MoveRefusal.Moved : MoveRefusal.NotTheRequester,
                ApprovalRules.Claim(asked, who, asked.Function, asked.Digest, Samples.Now.AddMinutes(2)).Refusal);
            Assert.Equal(
                follows ? MoveRefusal.Moved : MoveRefusal.NotTheRequester,
                ApprovalRules.Cancel(asked, who, Samples.Now.AddMinutes(2)).Refusal);
        }

        // What the person asked for themself is no agent's.
        Requester own = Requester.Of(ann);
        Assert.True(ApprovalRules.MayFollow(own, ann));
        Assert.False(ApprovalRules.MayFollow(own, one));
        Assert.False(ApprovalRules.IsRequester(own, one));

        // Whoever is responsible for an agent with a token of its own is in its chain, and asked for nothing.
        Assert.False(ApprovalRules.MayFollow(Samples.Pending().Requester, ann));
        Assert.False(ApprovalRules.MayFollow(Samples.Pending().Requester, one));
    }

    [Fact]
    public void An_approval_of_before_is_the_persons_to_follow_and_the_digests_to_claim()
    {
        // Proves of an approval that says nobody acts, as older gateways filed all, that an agent neither follows nor
        // cancels it, that the person does, and that it is claimed by the digest, which tells agents apart.
        Caller agent = Acting("agent-1"), other = Acting("agent-2"), ann = Samples.Person("ann");
        Approval asked = Samples.Approved() with
        {
            Requester = Requester.Of(agent) with { Actor = "" },
            Digest = DigestFor(agent),
        };
        Assert.False(ApprovalRules.MayFollow(asked.Requester, agent));
        Assert.True(ApprovalRules.MayFollow(asked.Requester, ann));
        Assert.Equal(MoveRefusal.Moved, ClaimBy(agent));
        Assert.Equal(MoveRefusal.DigestMismatch, ClaimBy(other));
        Assert.Equal(MoveRefusal.DigestMismatch, ClaimBy(ann));

        MoveRefusal ClaimBy(Caller who) => ApprovalRules.Claim(
            asked, who, asked.Function, DigestFor(who), Samples.Now.AddMinutes(2)).Refusal;
    }

    private static Caller Acting(string agent, string issuer = Samples.Issuer) =>
        new(Samples.Issuer, "ann", CallerKind.Agent, ["support"], ["ann"], "acme")
        {
            IsDelegated = true,
            Actor = issuer + "\n" + agent,
        };

    private static string DigestFor(Caller caller) => CallDigest.Compute(new CallParts
    {
        Caller = caller,
        FunctionId = "billing.reset",
        Method = "POST",
        Target = "/billing/7/reset"u8,
    });
}
