using Countersign.DataPlane.Calls;
using Countersign.Kit;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>When a wait for an approval ends: at its window's end too, and by the store's word.</summary>
public sealed class ApprovalWaitTests
{
    private const string Refund = "/billing/7/refunds";
    private const string Wait = "Prefer: wait=60\r\n";
    private static readonly string Brief = Policies.Standard.Replace(
        "decideWithin: 15m, useWithin: 5m", "decideWithin: 10s, useWithin: 10s", StringComparison.Ordinal);

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task A_held_call_ends_when_its_approval_lapses()
    {
        // Proves 410 at the end of the decide window, long before the end of the hold; by the clock.
        await using MemoryGateway gateway = new(Brief);
        MemoryClient client = gateway.Connect();
        await HoldAsync(gateway, client, Requests.Post(gateway, Refund, "{}", Wait));
        gateway.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(1, gateway.Admission.Parked);
        gateway.Advance(TimeSpan.FromSeconds(2));
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal((410, "urn:countersign:approval-expired"), (answer.Status, TypeOf(answer)));
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_status_that_is_waited_for_is_told_when_the_approval_lapses(bool runs)
    {
        // Proves the same of a status read, for calls that wait and calls that are made without their caller.
        await using MemoryGateway gateway = new(Brief);
        MemoryClient client = gateway.Connect();
        string prefer = runs ? "Prefer: respond-async\r\n" : "";
        WireMessage asked = await client.CallAsync(Requests.Post(gateway, Refund, "{}", prefer));
        string path = "/.countersign/approvals/" + asked.Json.GetProperty("approval").GetString();
        await HoldAsync(gateway, client, Requests.Get(gateway, path, Wait));
        gateway.Advance(TimeSpan.FromSeconds(11));
        WireMessage told = (await client.ReadAsync())!;
        Assert.Equal((200, "expired"), (told.Status, told.Json.GetProperty("state").GetString()));
    }

    [Fact]
    public async Task The_hold_ends_first_where_it_is_shorter()
    {
        // Proves that 428 comes at the end of the hold while the window is open.
        await using MemoryGateway gateway = new(Brief);
        MemoryClient client = gateway.Connect();
        await HoldAsync(gateway, client, Requests.Post(gateway, Refund, "{}", "Prefer: wait=5\r\n"));
        gateway.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(428, (await client.ReadAsync())!.Status);
    }

    [Fact]
    public void The_store_is_asked_again_until_it_says_that_the_window_closed()
    {
        // Proves that a clock behind ours costs a look every quarter of a second, then ever fewer, and that the hold
        // still ends; by a store that never says so.
        using ApprovalWait wait = NewWait(TimeSpan.FromSeconds(60));
        Approval open = Pending(_clock.GetUtcNow().AddSeconds(10));
        wait.Expect(open);
        Assert.Equal(0, LooksIn(TimeSpan.FromSeconds(9.9), wait, open));
        Assert.InRange(LooksIn(TimeSpan.FromSeconds(1.1), wait, open), 3, 5);
        Assert.InRange(LooksIn(TimeSpan.FromSeconds(48), wait, open), 4, 7);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(wait.News.IsCompleted);
        Assert.False(wait.TakeNews());
    }

    [Theory]
    [InlineData(ApprovalState.Claimed)]
    [InlineData(ApprovalState.Executed)]
    public void What_has_no_window_is_waited_for_as_long_as_the_hold(ApprovalState state)
    {
        // Proves that an answer that is on its way is not looked for by the window of its approval, which is over.
        using ApprovalWait wait = NewWait(TimeSpan.FromSeconds(60));
        wait.Expect(Pending(_clock.GetUtcNow().AddSeconds(10)));
        wait.Expect(Pending(_clock.GetUtcNow().AddSeconds(10)) with { State = state });
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.False(wait.News.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(wait.News.IsCompleted);
        Assert.False(wait.TakeNews());
    }

    private static async Task HoldAsync(MemoryGateway gateway, MemoryClient client, string request)
    {
        await client.SendAsync(request);
        while (gateway.Admission.Parked == 0) await Task.Delay(1, TestContext.Current.CancellationToken);
    }

    private static string TypeOf(WireMessage answer) => answer.Json.GetProperty("type").GetString()!;

    private ApprovalWait NewWait(TimeSpan hold) =>
        new(new InMemoryApprovalStore(_clock), _clock, hold, CancellationToken.None);

    // How often there was news; after each the same is read again.
    private int LooksIn(TimeSpan time, ApprovalWait wait, Approval read)
    {
        int looks = 0;
        for (DateTimeOffset until = _clock.GetUtcNow() + time; _clock.GetUtcNow() < until;)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(50));
            if (!wait.News.IsCompleted || !wait.TakeNews()) continue;
            looks++;
            wait.Expect(read);
        }

        return looks;
    }

    private Approval Pending(DateTimeOffset expiresAt) => new()
    {
        Id = "a", Version = 1, State = ApprovalState.Pending, Function = "f", Risk = Risk.High, Method = "POST",
        Target = "/", ContentType = "", Requester = new("", "", CallerKind.Human, [], [], ""), Reason = "",
        Digest = "", Rule = "", Stages = [], Decisions = [], CreatedAt = _clock.GetUtcNow(), ExpiresAt = expiresAt,
        UseWithin = TimeSpan.FromMinutes(5), PolicyVersion = 1, Call = "",
    };
}
