using Countersign.Integration.Tests.EndToEnd;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <content>What dynamic separations of duties remember.</content>
public abstract partial class ApprovalStoreContract
{
    private const string Reset = "billing.reset";
    private const string Pay = "vendors.pay";

    private static readonly string[] Ann = People("ann");
    private static readonly string[] Fay = People("fay");

    private static readonly Duty[] Seven = [Duty.Of("s1", "acme", "6", Hour), Duty.Of("s2", "acme", "7", Hour)];

    [Fact]
    public async Task Who_did_one_thing_does_not_do_another()
    {
        // Proves the refusal of a second function, for the same person, separation and object only.
        Assert.True((await ActAsync(Seven, Reset, Ann)).IsOk);
        Assert.True((await ActAsync(Seven, Reset, Ann)).IsOk);
        Duty[] second = [Duty.Of("s1", "acme", "8", Hour), Seven[1]];
        StoreResult<string> refused = await ActAsync(second, Pay, [.. Fay, .. Ann]);
        Assert.Equal((StoreStatus.DutyConflict, "s2"), (refused.Status, refused.Separation));
        Assert.True((await ActAsync([second[0]], Pay, Ann)).IsOk);
        Assert.True((await ActAsync([Duty.Of("s3", "acme", "7", Hour)], Pay, Ann)).IsOk);
        Assert.True((await ActAsync(Seven, Pay, Fay)).IsOk);
        Assert.Equal(StoreStatus.DutyConflict, (await ActAsync(Seven, Reset, Fay)).Status);
    }

    [Fact]
    public async Task What_is_only_asked_or_observed_refuses_nobody()
    {
        // Proves that asking leaves nothing, and that what is observed is written and told.
        Assert.True((await ActAsync(Seven, Reset, Ann, writes: false)).IsOk);
        Assert.True((await ActAsync(Seven, Pay, Ann)).IsOk);
        StoreResult<string> observed = await ActAsync(Seven, Reset, Ann, enforces: false);
        Assert.Equal((StoreStatus.Ok, "s1"), (observed.Status, observed.Value));
        Assert.Equal(StoreStatus.DutyConflict, (await ActAsync(Seven, Pay, Ann)).Status);
    }

    [Fact]
    public async Task What_was_done_is_forgotten_after_the_window()
    {
        // Proves the end of a window by the store's clock, by one of a millisecond.
        Duty[] brief = [Duty.Of("brief", "acme", "7", TimeSpan.FromMilliseconds(1))];
        Assert.True((await ActAsync(brief, Reset, Ann)).IsOk);
        await Until.TrueAsync(async () => (await ActAsync(brief, Pay, Ann)).IsOk);
    }

    [Fact]
    public async Task Of_two_functions_at_once_one_is_done()
    {
        // Proves that check and history are one step, by many calls of two functions at once from two connections.
        var other = await OpenAsync();
        StoreResult<string>[] ends = await Task.WhenAll(Enumerable.Range(0, 40).Select(one =>
            (one % 4 < 2 ? Approvals : other)
                .ActAsync(Seven, one % 2 == 0 ? Reset : Pay, Ann, writes: true, enforces: true).AsTask()));
        int resets = ends.Where((_, one) => one % 2 == 0).Count(end => end.IsOk);
        Assert.Equal((20, 0), (ends.Count(end => end.IsOk), resets % 20));
        Assert.Equal(20, ends.Count(end => end.Status == StoreStatus.DutyConflict));
    }

    [Fact]
    public async Task A_thousand_people_fill_an_object()
    {
        // Proves the bound: somebody new is refused, who is known is not, and those whose window is over make room.
        string[] many = [.. Enumerable.Range(0, 1_000).Select(one => People("p" + one)[0])];
        Assert.True((await ActAsync(Seven, Reset, many)).IsOk);
        Assert.Equal(StoreStatus.DutyConflict, (await ActAsync(Seven, Reset, Ann)).Status);
        Assert.True((await ActAsync(Seven, Reset, [many[7]])).IsOk);
        Duty[] brief = [Seven[0] with { Window = TimeSpan.FromMilliseconds(1) }];
        await Until.TrueAsync(async () => (await ActAsync(brief, Reset, Ann)).IsOk);
    }

    [Fact]
    public async Task A_claim_writes_who_acted_in_its_own_step()
    {
        // Proves that neither asking nor approving is history yet, and that the claim is, for both people.
        Approval approved = await ApprovedAsync();
        Assert.True((await ActAsync(Seven, Pay, [.. Ann, .. Fay], writes: false)).IsOk);
        IReadOnlyList<SeenPerson> seen = (await Approvals.SeenAsync(approved)).Value!;
        Assert.True((await Approvals.MoveAsync(approved, Drafts.Claimed(approved, "call"), seen)).IsOk);
        Assert.Equal(StoreStatus.DutyConflict, (await ActAsync(Seven, Pay, Ann)).Status);
        Assert.Equal(StoreStatus.DutyConflict, (await ActAsync(Seven, Pay, Fay)).Status);
        Assert.True((await ActAsync(Seven, Pay, People("gus"))).IsOk);
    }

    [Theory]
    [InlineData("ann")]
    [InlineData("fay")]
    public async Task A_claim_in_conflict_claims_nothing(string who)
    {
        // Proves that the claim looks at everybody again, and that its approval and history stay as they were.
        Approval approved = await ApprovedAsync();
        Assert.True((await ActAsync([Seven[1]], Pay, People(who))).IsOk);
        IReadOnlyList<SeenPerson> seen = (await Approvals.SeenAsync(approved)).Value!;
        StoreResult<Approval> moved = await Approvals.MoveAsync(approved, Drafts.Claimed(approved, "call"), seen);
        Assert.Equal((StoreStatus.DutyConflict, "s2"), (moved.Status, moved.Separation));
        Assert.Equal(ApprovalState.Approved, (await Approvals.FindAsync(approved.Id)).Value!.State);
        string other = who == "ann" ? "fay" : "ann";
        Assert.True((await ActAsync(Seven, Pay, People(other))).IsOk);
    }

    [Fact]
    public async Task A_decision_in_conflict_is_not_made()
    {
        // Proves that who did another function cannot approve this one, but may deny it.
        Approval draft = Drafts.New() with { Duties = Seven };
        await Approvals.AskAsync(draft, default);
        Assert.True((await ActAsync(Seven, Pay, Fay)).IsOk);
        StoreResult<Approval> moved = await Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: true));
        Assert.Equal((StoreStatus.DutyConflict, "s1"), (moved.Status, moved.Separation));
        Assert.Equal(ApprovalState.Pending, (await Approvals.FindAsync(draft.Id)).Value!.State);
        Assert.True((await Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: false))).IsOk);
    }

    private async Task<Approval> ApprovedAsync()
    {
        Approval draft = Drafts.New() with { Duties = Seven };
        await Approvals.AskAsync(draft, default);
        return (await Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: true))).Value!;
    }

    // A store on a machine that is busy may miss the deadline of a command. The same people doing the same again is
    // nothing new, so it is asked once more.
    private async ValueTask<StoreResult<string>> ActAsync(
        Duty[] duties, string function, string[] people, bool writes = true, bool enforces = true)
    {
        StoreResult<string> answer = default;
        await Until.TrueAsync(async () =>
        {
            answer = await Approvals.ActAsync(duties, function, people, writes, enforces);
            return answer.Status != StoreStatus.Unavailable;
        });
        return answer;
    }

    private static string[] People(string subject) =>
        [.. Duty.PeopleOf(new Caller("https://issuer.test", subject, CallerKind.Human, [], [subject]))];
}
