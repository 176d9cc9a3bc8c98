using System.Net;
using System.Text.Json;
using Countersign.ControlPlane.Approvals;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.ControlPlane.Tests.Approvals;

public sealed class ApprovalStreamTests
{
    private const string Body = "{ \"ssn\":\"078-05-1120\",\r\n  \"amount\":1 }";

    [Fact]
    public async Task A_stream_begins_with_what_is_pending_and_goes_on_with_what_moves()
    {
        // Proves snapshot then live; by one approval from before, one asked meanwhile, and the moves of both.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string first = await gate.AskAsync(Body);
        string fay = gate.Token("fay", "finance");
        using EventReader events = await gate.EventsAsync(fay);
        Assert.Equal("text/event-stream", events.Message.Content.Headers.ContentType!.MediaType);
        Assert.Equal("no-store", events.Message.Headers.CacheControl!.ToString());
        JsonElement pending = await events.NextAsync("pending");
        Assert.Equal(first, pending.GetProperty("id").GetString());
        JsonElement ready = await events.NextAsync("ready");
        Assert.Equal((1, true), (
            ready.GetProperty("pending").GetInt32(), ready.GetProperty("complete").GetBoolean()));

        string second = await gate.AskAsync(Body);
        Assert.Equal(second, (await events.NextAsync("asked")).GetProperty("id").GetString());
        await gate.DecideAsync(first, gate.Token("sam", "sre"), "deny");
        JsonElement denied = await events.NextAsync("moved");
        Assert.Equal((first, "denied"), (
            denied.GetProperty("id").GetString(), denied.GetProperty("state").GetString()));
        gate.Clock.Advance(TimeSpan.FromMinutes(15));
        while (await events.NextAsync() is { } next)
        {
            if (next.Name.Length == 0) continue;
            JsonElement lapsed = JsonDocument.Parse(next.Data).RootElement;
            Assert.Equal((second, "expired"), (
                lapsed.GetProperty("id").GetString(), lapsed.GetProperty("state").GetString()));
            break;
        }
    }

    [Fact]
    public async Task Every_viewer_gets_their_own_view()
    {
        // Proves visibility and masks in the stream; by a cleared, an uncleared and an unconcerned viewer of two asks.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        using EventReader fay = await gate.EventsAsync(gate.Token("fay", "finance"));
        using EventReader kim = await gate.EventsAsync(gate.Token("kim", "finance", "pii-cleared"));
        using EventReader mallory = await gate.EventsAsync(gate.Token("mallory", "staff"));
        foreach (EventReader each in (EventReader[])[fay, kim, mallory]) await each.NextAsync("ready");
        await gate.AskAsync(Body);
        JsonElement masked = (await fay.NextAsync("asked")).GetProperty("arguments");
        JsonElement clear = (await kim.NextAsync("asked")).GetProperty("arguments");
        Assert.Equal("***", masked.GetProperty("ssn").GetString());
        Assert.Equal("078-05-1120", clear.GetProperty("ssn").GetString());
        Assert.DoesNotContain(fay.Seen, line => line.Contains("078-05-1120", StringComparison.Ordinal));

        // What comes next for the unconcerned one is the heartbeat, so nothing of the ask was sent before it.
        gate.Clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(("", "still here"), await mallory.NextAsync());
    }

    [Fact]
    public async Task A_token_that_runs_out_ends_the_stream()
    {
        // Proves that a stream outlives no token; by an hour that passes in heartbeats.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        using EventReader events = await gate.EventsAsync(gate.Token("fay", "finance"));
        await events.NextAsync("ready");
        gate.Clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(("", "still here"), await events.NextAsync());
        gate.Clock.Advance(TimeSpan.FromHours(2));
        Assert.Null(await events.NextAsync());
        using EventReader refused = await gate.EventsAsync("no-token");
        Assert.Equal(HttpStatusCode.Unauthorized, refused.Message.StatusCode);
    }

    [Fact]
    public async Task A_stream_ends_at_the_moment_its_token_expires_and_tells_nothing_after_it()
    {
        // Proves that no heartbeat is waited for; by a token that ends before the first one, and an ask after its end.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        using EventReader events = await gate.EventsAsync(gate.ShortToken(10, "fay", "finance"));
        await events.NextAsync("ready");
        gate.Clock.Advance(TimeSpan.FromSeconds(9));
        await gate.AskAsync();
        await events.NextAsync("asked");
        gate.Clock.Advance(TimeSpan.FromSeconds(1));
        await gate.AskAsync();
        Assert.Null(await events.NextAsync());
        Assert.Single(events.Seen, line => line == "event: asked");
    }

    [Fact]
    public void A_lease_is_over_by_the_clock_and_by_its_timer()
    {
        // Proves both ends of a lease, that a listener's stop ends it too, and that one far away takes no timer's
        // limit.
        FakeTimeProvider clock = new(Drafts.Now);
        using CancellationTokenSource stopping = new();
        using StreamLease lease = new(Drafts.Now.AddSeconds(1), clock, default, default);
        using StreamLease far = new(DateTimeOffset.MaxValue, clock, default, stopping.Token);
        using StreamLease past = new(Drafts.Now.AddSeconds(-1), clock, default, default);
        clock.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal((false, true, false), (lease.IsOver, past.IsOver, lease.Ends.IsCancellationRequested));
        clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal((true, true), (lease.IsOver, lease.Ends.IsCancellationRequested));
        Assert.False(far.IsOver);
        stopping.Cancel();
        Assert.True(far.IsOver);
    }

    [Fact]
    public async Task After_words_may_have_been_missed_the_stream_begins_anew()
    {
        // Proves that nothing is lost silently; by a store that says it may have missed moves.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        using EventReader events = await gate.EventsAsync(gate.Token("fay", "finance"));
        await events.NextAsync("ready");
        string id = await gate.AskAsync();
        await events.NextAsync("asked");
        gate.Memory.Miss();
        Assert.Equal(id, (await events.NextAsync("pending")).GetProperty("id").GetString());
        Assert.Equal(1, (await events.NextAsync("ready")).GetProperty("pending").GetInt32());
    }

    [Fact]
    public async Task One_person_has_so_many_streams_and_no_more()
    {
        // Proves the bound for one person and that it is no bound for others, by opening one more than allowed.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string fay = gate.Token("fay", "finance");
        List<EventReader> open = [];
        for (int index = 0; index < ControlPlaneLimits.StreamsPerCallerMax; index++)
        {
            open.Add(await gate.EventsAsync(fay));
            await open[^1].NextAsync("ready");
        }

        Answer refused = await gate.GetAsync("/api/v1/approvals/events", fay);
        Assert.Equal((HttpStatusCode.TooManyRequests, "rate-limited"), (refused.Status, refused.Problem));
        Assert.Equal(TimeSpan.FromSeconds(15), refused.Message.Headers.RetryAfter!.Delta);
        using EventReader other = await gate.EventsAsync(gate.Token("sam", "sre"));
        await other.NextAsync("ready");
        foreach (EventReader one in open) one.Dispose();
    }

    [Fact]
    public async Task A_listener_that_stops_ends_its_streams()
    {
        // Proves that a stop does not wait for viewers who stay, by a stream that ends while it is being read.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        using EventReader events = await gate.EventsAsync(gate.Token("fay", "finance"));
        await events.NextAsync("ready");
        Task<(string Name, string Data)?> next = events.NextAsync();
        await gate.StopAsync();
        Assert.Null(await next);
    }
}
