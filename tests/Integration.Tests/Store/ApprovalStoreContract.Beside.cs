using Countersign.Policy;
using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <content>Clocks, and what lies beside an approval: keys of retries, calls to be made, people, reviews.</content>
public abstract partial class ApprovalStoreContract
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task Windows_are_opened_and_closed_by_the_stores_clock()
    {
        // Proves that a gateway whose clock is an hour ahead opens the same windows, by its drafts and decisions.
        DateTimeOffset wrong = TimeProvider.System.GetUtcNow().AddHours(1);
        Approval ahead = Drafts.New(createdAt: wrong) with { ExpiresAt = wrong.AddMinutes(10) };
        Approval asked = (await Approvals.AskAsync(ahead, Array.Empty<byte>())).Value!;
        Assert.InRange(asked.ExpiresAt, wrong.AddMinutes(-51), wrong.AddMinutes(-49));
        Approval decided = Drafts.Decided(asked, approve: true) with { ExpiresAt = wrong.AddHours(9) };
        Approval approved = (await Approvals.MoveAsync(asked, decided)).Value!;
        Assert.InRange(approved.ExpiresAt, wrong.AddMinutes(-56), wrong.AddMinutes(-54));
        Assert.Equal(approved.ExpiresAt, (await Approvals.FindAsync(asked.Id)).Value!.ExpiresAt);
    }

    [Fact]
    public async Task A_retry_key_stands_for_one_call_and_its_approval()
    {
        // Proves that a key joins what it stands for in whatever state, and nothing else, by a call that was denied.
        Approval draft = Drafts.New();
        AskExtras keyed = new(default, "key-1");
        Assert.Equal(draft.Id, (await Approvals.AskAsync(draft, "sealed"u8.ToArray(), keyed)).Value!.Id);
        await Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: false));
        StoreResult<Approval> again = await Approvals.AskAsync(Drafts.New(draft.Digest), default, keyed);
        Assert.Equal((draft.Id, ApprovalState.Denied), (again.Value!.Id, again.Value.State));
        Assert.Equal(StoreStatus.Mismatch, (await Approvals.AskAsync(Drafts.New(), default, keyed)).Status);
        Approval anew = Drafts.New(draft.Digest);
        Assert.Equal(anew.Id, (await Approvals.AskAsync(anew, default, new(default, "key-2"))).Value!.Id);
        Assert.Equal(anew.Id, (await Approvals.AskAsync(Drafts.New(draft.Digest), default)).Value!.Id);
    }

    [Fact]
    public async Task A_retry_key_that_comes_later_stands_for_what_is_live()
    {
        // Proves that a key is bound to an approval that it was not asked with while that can still be used, and never
        // to one that was used, or to two; and that a key which stands for one does so when it is over.
        Approval draft = Drafts.New();
        await Approvals.AskAsync(draft, "sealed"u8.ToArray());
        Assert.Equal(StoreStatus.Ok, await Approvals.BindAsync(draft, "later-1"));
        Approval approved = (await Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: true))).Value!;
        Assert.Equal(StoreStatus.Ok, await Approvals.BindAsync(approved, "later-2"));
        Approval claimed = (await Approvals.MoveAsync(approved, Drafts.Claimed(approved, "call"))).Value!;
        Assert.Equal(StoreStatus.Ok, await Approvals.BindAsync(claimed, "later-1"));
        Assert.Equal(StoreStatus.NotFound, await Approvals.BindAsync(claimed, "later-3"));
        StoreResult<Approval> again = await Approvals.AskAsync(
            Drafts.New(draft.Digest), default, new(default, "later-2"));
        Assert.Equal((draft.Id, ApprovalState.Claimed), (again.Value!.Id, again.Value.State));
        Approval other = Drafts.New();
        await Approvals.AskAsync(other, "sealed"u8.ToArray());
        Assert.Equal(StoreStatus.Mismatch, await Approvals.BindAsync(other, "later-1"));
        Assert.Equal(StoreStatus.Mismatch, await Approvals.BindAsync(other with { Digest = draft.Digest }, "later-2"));
        Approval late = Drafts.New(decideWithin: TimeSpan.Zero);
        await Approvals.AskAsync(late, default);
        Assert.Equal(StoreStatus.NotFound, await Approvals.BindAsync(late, "later-4"));
        Assert.Equal(StoreStatus.NotFound, await Approvals.BindAsync(Drafts.New(), "later-4"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_retry_key_stands_for_outlives_its_fetching(bool isBoundLater)
    {
        // Proves that an outcome under a key is fetched once, and is still there for retries.
        Approval draft = Drafts.New();
        string key = "kept-" + isBoundLater;
        await Approvals.AskAsync(draft, default, new("run"u8.ToArray(), isBoundLater ? null : key));
        if (isBoundLater) Assert.Equal(StoreStatus.Ok, await Approvals.BindAsync(draft, key));
        Approval asked = (await Approvals.FindAsync(draft.Id)).Value!;
        Approval approved = (await Approvals.MoveAsync(asked, Drafts.Decided(asked, approve: true))).Value!;
        Approval claimed = (await Approvals.MoveAsync(approved, Drafts.Claimed(approved, "call"))).Value!;
        await Approvals.MoveAsync(claimed, ApprovalRules.Finish(claimed, ApprovalState.Executed).Next!);
        await Approvals.KeepOutcomeAsync(draft.Id, "outcome"u8.ToArray(), Hour);
        Assert.Equal("outcome"u8.ToArray(), (await Approvals.TakeOutcomeAsync(draft.Id)).Value);
        Assert.Equal(StoreStatus.NotFound, (await Approvals.TakeOutcomeAsync(draft.Id)).Status);
        Approval told = (await Approvals.FindAsync(draft.Id)).Value!;
        Assert.Equal((false, true), (told.HasOutcome, told.IsOutcomeTold));
        Assert.Equal("outcome"u8.ToArray(), (await Approvals.OutcomeAsync(draft.Id)).Value);
    }

    [Fact]
    public async Task Nobody_files_more_than_may_wait_or_come_in_a_minute()
    {
        // Proves both limits for a requester and for a person behind two, that joining is free, and that a decision and
        // the end of a window make room; by two who may wait, then by three a minute.
        AskExtras two = new(default, null) { Limits = new AskLimits(2, 1_000) };
        Approval first = Drafts.New(), second = Of(Drafts.New(), "agent-2", "Zoe", "ANN");
        Assert.Equal(StoreStatus.Ok, (await Approvals.AskAsync(first, default, two)).Status);
        Assert.Equal(StoreStatus.Ok, (await Approvals.AskAsync(second, default, two)).Status);
        StoreResult<Approval> over = await Approvals.AskAsync(Drafts.New(), default, two);
        Assert.Equal((StoreStatus.Limited, AskLimits.PendingRetryAfter), (over.Status, over.RetryAfter));
        Assert.Equal(first.Id, (await Approvals.AskAsync(Drafts.New(first.Digest), default, two)).Value!.Id);
        Assert.Equal(StoreStatus.Ok, (await Approvals.AskAsync(Of(Drafts.New(), "a", "zoe"), default, two)).Status);
        Assert.Equal(
            StoreStatus.Limited, (await Approvals.AskAsync(Of(Drafts.New(), "b", "zoe"), default, two)).Status);
        await Approvals.MoveAsync(first, Drafts.Decided(first, approve: false));
        Assert.Equal(StoreStatus.Ok, (await Approvals.AskAsync(Drafts.New(), default, two)).Status);
        Assert.Equal(StoreStatus.Limited, (await Approvals.AskAsync(Drafts.New(), default, two)).Status);

        AskExtras three = new(default, null) { Limits = new AskLimits(100, 3) };
        for (int asked = 0; asked < 3; asked++)
        {
            Approval brief = Of(Drafts.New(decideWithin: TimeSpan.Zero), "c", "cas");
            Assert.Equal(StoreStatus.Ok, (await Approvals.AskAsync(brief, default, three)).Status);
        }

        Approval late = Of(Drafts.New(), "d", "CAS");
        StoreResult<Approval> fast = await Approvals.AskAsync(late, default, three);
        Assert.Equal(StoreStatus.Limited, fast.Status);
        Assert.InRange(fast.RetryAfter, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(20));
        Assert.Equal(StoreStatus.NotFound, (await Approvals.FindAsync(late.Id)).Status);
    }

    [Fact]
    public async Task Who_only_joins_files_nothing()
    {
        // Proves that such an ask finds what is live or what its key stands for, and leaves nothing behind otherwise.
        AskExtras joining = new(default, "joining") { JoinsOnly = true };
        Approval draft = Drafts.New();
        Assert.Equal(StoreStatus.NotFound, (await Approvals.AskAsync(draft, default, joining)).Status);
        Assert.Equal(StoreStatus.NotFound, (await Approvals.FindAsync(draft.Id)).Status);
        await Approvals.AskAsync(draft, default);
        Assert.Equal(draft.Id, (await Approvals.AskAsync(Drafts.New(draft.Digest), default, joining)).Value!.Id);
        await Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: false));
        AskExtras keyless = joining with { RetryKey = null };
        Assert.Equal(draft.Id, (await Approvals.AskAsync(Drafts.New(draft.Digest), default, joining)).Value!.Id);
        Assert.Equal(
            StoreStatus.NotFound, (await Approvals.AskAsync(Drafts.New(draft.Digest), default, keyless)).Status);
    }

    [Fact]
    public async Task What_becomes_void_ends_then()
    {
        // Proves that an approval which is void shows when it became so, and not the end of the window it had.
        Approval draft = Drafts.New();
        Approval asked = (await Approvals.AskAsync(draft, default)).Value!;
        Approval approved = (await Approvals.MoveAsync(asked, Drafts.Decided(asked, approve: true))).Value!;
        Approval gone = (await Approvals.MoveAsync(approved, ApprovalRules.Void(approved).Next!)).Value!;
        Assert.Equal(ApprovalState.Expired, gone.State);
        Assert.InRange(gone.ExpiresAt, asked.CreatedAt.AddMinutes(-1), approved.ExpiresAt.AddMinutes(-1));
        Assert.Equal(gone.ExpiresAt, (await Approvals.FindAsync(draft.Id)).Value!.ExpiresAt);
    }

    private static Approval Of(Approval draft, string subject, params string[] chain) =>
        draft with { Requester = draft.Requester with { Subject = subject, Chain = chain } };

    [Fact]
    public async Task A_run_waits_for_its_approval_and_its_outcome_is_taken_once()
    {
        // Proves the life of a call that is made later: listed while it may be made, gone with the claim, outcome once.
        Approval draft = Drafts.New();
        await Approvals.AskAsync(draft, "sealed"u8.ToArray());
        Approval asked = (await Approvals.AskAsync(
            Drafts.New(draft.Digest), "sealed"u8.ToArray(), new("run"u8.ToArray(), null))).Value!;
        Assert.True(asked.Runs);
        Assert.Equal("run"u8.ToArray(), (await Approvals.RunAsync(draft.Id)).Value);
        Assert.Equal([draft.Id], (await Approvals.ListRunsAsync(10)).Value!);
        Approval approved = (await Approvals.MoveAsync(asked, Drafts.Decided(asked, approve: true))).Value!;
        Assert.True(approved.Runs);
        Assert.Equal(StoreStatus.NotFound, await Approvals.KeepOutcomeAsync(draft.Id, "no"u8.ToArray(), Hour));
        Approval claimed = (await Approvals.MoveAsync(approved, Drafts.Claimed(approved, "call"))).Value!;
        Assert.Empty((await Approvals.ListRunsAsync(10)).Value!);
        Assert.Equal(StoreStatus.NotFound, (await Approvals.RunAsync(draft.Id)).Status);
        await Approvals.MoveAsync(claimed, ApprovalRules.Finish(claimed, ApprovalState.Executed).Next!);
        Assert.Equal(StoreStatus.Ok, await Approvals.KeepOutcomeAsync(draft.Id, "outcome"u8.ToArray(), Hour));
        Assert.True((await Approvals.FindAsync(draft.Id)).Value!.HasOutcome);
        Assert.Equal("outcome"u8.ToArray(), (await Approvals.OutcomeAsync(draft.Id)).Value);
        StoreResult<byte[]>[] taken = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Approvals.TakeOutcomeAsync(draft.Id).AsTask()));
        Assert.Equal("outcome"u8.ToArray(), Assert.Single(taken, one => one.IsOk).Value);
        Approval told = (await Approvals.FindAsync(draft.Id)).Value!;
        Assert.Equal((false, true), (told.HasOutcome, told.IsOutcomeTold));
        Assert.Equal(StoreStatus.NotFound, (await Approvals.OutcomeAsync(draft.Id)).Status);
    }

    [Fact]
    public async Task A_claim_holds_the_groups_that_it_was_judged_by()
    {
        // Proves that a group lost between reading and claiming refuses the claim, and that an older token gives none
        // back.
        Approval draft = Drafts.New();
        await Approvals.AskAsync(draft, Array.Empty<byte>());
        Approval approved = (await Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: true))).Value!;
        IReadOnlyList<SeenPerson> unseen = (await Approvals.SeenAsync(approved)).Value!;
        Assert.True(ApprovalRules.StillHolds(approved, unseen));
        await Approvals.NoteAsync(Drafts.Person("fay", issuedAt: 200));
        await Approvals.NoteAsync(Drafts.Person("fay", issuedAt: 100, "finance"));
        Approval claim = Drafts.Claimed(approved, "call");
        Assert.Equal(StoreStatus.Conflict, (await Approvals.MoveAsync(approved, claim, unseen)).Status);
        IReadOnlyList<SeenPerson> seen = (await Approvals.SeenAsync(approved)).Value!;
        Assert.False(ApprovalRules.StillHolds(approved, seen));
        await Approvals.NoteAsync(Drafts.Person("fay", issuedAt: 300, "finance"));
        seen = (await Approvals.SeenAsync(approved)).Value!;
        Assert.True(ApprovalRules.StillHolds(approved, seen));
        Assert.True((await Approvals.MoveAsync(approved, claim, seen)).IsOk);
    }

    [Fact]
    public async Task A_person_has_what_their_newest_token_holds_at_most()
    {
        // Proves what one person is known by; by nobody, and by tokens that are newer, older and of the same second.
        string name = "nia-" + Guid.NewGuid().ToString("N");
        Caller shown = Drafts.Person(name, issuedAt: 200, "finance", "sre");
        Assert.Same(shown, (await Approvals.SeenAsync(shown.Issuer, name)).Value!.Narrow(shown));
        await Approvals.NoteAsync(Drafts.Person(name, issuedAt: 201, "sre", "oncall"));
        SeenPerson seen = (await Approvals.SeenAsync(shown.Issuer, name)).Value!;
        Assert.Equal(["sre"], seen.Narrow(shown).Groups);
        Caller newest = Drafts.Person(name, issuedAt: 201, "finance");
        Assert.Same(newest, seen.Narrow(newest));
        Assert.Equal(["sre"], seen.Narrow(Drafts.Person(name, issuedAt: 0, "finance", "sre")).Groups);
        Assert.Empty(new SeenPerson(shown.Issuer, name, "unreadable").Narrow(shown).Groups);
    }

    [Fact]
    public async Task A_broken_glass_owes_a_review_until_somebody_closes_it()
    {
        // Proves that the review is listed whatever becomes of the call, and closes once, by one that was executed.
        Approval draft = Drafts.New() with { BreakGlass = [["oncall"]] };
        await Approvals.AskAsync(draft, Array.Empty<byte>());
        Caller otto = Drafts.Person("otto", issuedAt: 1, "oncall");
        DateTimeOffset now = draft.CreatedAt;
        Approval broken = (await Approvals.MoveAsync(
            draft, BreakGlassRules.Break(draft, otto, draft.Digest, "down", now).Next!)).Value!;
        Approval claimed = (await Approvals.MoveAsync(broken, Drafts.Claimed(broken, "call"))).Value!;
        Approval done = (await Approvals.MoveAsync(
            claimed, ApprovalRules.Finish(claimed, ApprovalState.Executed).Next!)).Value!;
        Assert.Equal(draft.Id, Assert.Single((await Approvals.ListOwedAsync(10, null)).Value!.Items).Id);
        Caller fay = Drafts.Person("fay", issuedAt: 1, "finance");
        Approval reviewed = BreakGlassRules.Review(done, fay, "it was", now).Next!;
        Assert.Equal(ApprovalState.Executed, (await Approvals.MoveAsync(done, reviewed)).Value!.State);
        Assert.Empty((await Approvals.ListOwedAsync(10, null)).Value!.Items);
        Assert.Equal(StoreStatus.Conflict, (await Approvals.MoveAsync(done, reviewed)).Status);
        Assert.Equal("it was", (await Approvals.FindAsync(draft.Id)).Value!.Review!.Reason);
    }
}
