using Countersign.DataPlane.Calls;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Room for calls: in flight, at an upstream, held, and in memory.</summary>
public sealed class AdmissionTests
{
    private const string Held = "/billing/a1/holds";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_call_more_than_the_limit_is_shed(bool isPerUpstream)
    {
        // Proves both bounds: two calls fit, a third is told 503 before anything is called, and its connection goes
        // on once there is room.
        Limits limits = isPerUpstream ? new() { CallsPerUpstreamMax = 2 } : new() { CallsInFlightMax = 2 };
        await using MemoryGateway gateway = new(Policies.Standard, limits);
        SilentUpstream upstream = new(gateway);
        MemoryClient[] waiting = [await upstream.CallAsync(), await upstream.CallAsync()];
        MemoryClient third = gateway.Connect();
        WireMessage shed = await third.CallAsync(Requests.Get(gateway, "/raw/3"));
        Assert.Equal(503, shed.Status);
        Assert.Equal("urn:countersign:overloaded", shed.Json.GetProperty("type").GetString());
        Assert.Equal("1", shed.Field("Retry-After"));
        Assert.Null(shed.Field("Connection"));
        Assert.Equal(2, gateway.Upstream.Dials);
        gateway.Upstream.Script = null;
        int elsewhere = (await third.CallAsync(Requests.Get(gateway, "/people/1"))).Status;
        Assert.Equal(isPerUpstream ? 200 : 503, elsewhere);
        await upstream.AnswerAsync(0);
        Assert.Equal(200, (await waiting[0].ReadAsync())!.Status);
        await upstream.AnswerAsync(1);
        Assert.Equal(200, (await waiting[1].ReadAsync())!.Status);
        Assert.Equal(200, (await third.CallAsync(Requests.Get(gateway, "/people/1"))).Status);
        await gateway.CloseAuditAsync();
        Assert.Equal(0, gateway.Admission.Gateway.InFlight);
    }

    [Fact]
    public async Task A_held_call_is_not_in_flight()
    {
        // Proves that a call which waits for a person leaves its place, takes it again when approved though there is
        // none left, and gives it back once.
        await using MemoryGateway gateway = new(Policies.Standard, new Limits { CallsInFlightMax = 1 });
        MemoryClient held = gateway.Connect();
        string id = await ParkAsync(gateway, held);
        Assert.Equal((0, 1), (gateway.Admission.Gateway.InFlight, gateway.Admission.Parked));
        SilentUpstream upstream = new(gateway);
        MemoryClient other = await upstream.CallAsync();
        Assert.Equal(1, gateway.Admission.Gateway.InFlight);
        gateway.Upstream.Script = null;
        await gateway.DecideAsync(id, "fay", "finance-leads");
        Assert.Equal(200, (await held.ReadAsync())!.Status);
        await upstream.AnswerAsync(0);
        Assert.Equal(200, (await other.ReadAsync())!.Status);
        await gateway.CloseAuditAsync();
        Assert.Equal((0, 0), (gateway.Admission.Gateway.InFlight, gateway.Admission.Parked));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task One_held_call_more_than_the_limit_is_answered_at_once(int parkedMax)
    {
        // Proves the bound on held calls: so many wait, the next one gets its 428 now and may come back.
        await using MemoryGateway gateway = new(Policies.Standard, new Limits { ParkedCallsMax = parkedMax });
        for (int call = 0; call < parkedMax; call++) await ParkAsync(gateway, gateway.Connect());
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Post(gateway, Held, "{\"n\":2}"));
        Assert.Equal(428, answer.Status);
        Assert.Equal(parkedMax, gateway.Admission.Parked);
    }

    [Fact]
    public async Task Bodies_that_must_be_seen_share_one_memory()
    {
        // Proves the budget: 64 KiB fit, one byte more of all held bodies together is 503, and what ends gives back.
        Limits limits = new() { BufferedBytesMax = 65_536 };
        await using MemoryGateway gateway = new(Policies.Standard, limits);
        string half = "\"" + new string('x', 32_766) + "\"";
        MemoryClient first = gateway.Connect();
        string id = await ParkAsync(gateway, first, half);
        Assert.Equal(32_768, gateway.Admission.BufferedBytes);
        MemoryClient second = gateway.Connect();
        WireMessage more = await second.CallAsync(Requests.Post(gateway, Held, "\"" + half[1..^1] + "y\""));
        Assert.Equal(503, more.Status);
        Assert.Equal("urn:countersign:overloaded", more.Json.GetProperty("type").GetString());
        Assert.Equal(32_768, gateway.Admission.BufferedBytes);
        string other = "\"" + new string('z', 32_766) + "\"";
        Assert.Equal(428, (await gateway.Connect().CallAsync(
            Requests.Post(gateway, Held, other, "Prefer: wait=0\r\n"))).Status);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        Assert.Equal(200, (await first.ReadAsync())!.Status);
        await gateway.CloseAuditAsync();
        Assert.Equal(0, gateway.Admission.BufferedBytes);
    }

    [Fact]
    public async Task A_window_for_the_answer_is_promised_before_the_call()
    {
        // Proves that a call whose answer could not be held back is refused before its function runs, not after.
        Limits limits = new() { BufferedBytesMax = 65_536, ReplyWindowBytes = 65_536 };
        await using MemoryGateway gateway = new(Policies.Standard, limits);
        SilentUpstream upstream = new(gateway);
        MemoryClient first = await upstream.CallAsync("/people/1");
        MemoryClient second = gateway.Connect();
        Assert.Equal(503, (await second.CallAsync(Requests.Get(gateway, "/people/2"))).Status);
        Assert.Equal(1, gateway.Upstream.Dials);
        await upstream.AnswerAsync(0);
        Assert.Equal(200, (await first.ReadAsync())!.Status);
        await first.CallAsync("GET /none HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.Equal(0, gateway.Admission.BufferedBytes);
    }

    [Fact]
    public async Task Answers_that_slow_down_lower_the_limit()
    {
        // Proves that the pipeline feeds both limits: quick answers teach the best, slow ones lower what is allowed.
        Limits limits = new()
        {
            CallsInFlightMax = 100, CallsPerUpstreamMax = 100, AdaptiveCallsMin = 2,
            AdaptiveUpstreamCallsMin = 2
        };
        await using MemoryGateway gateway = new(Policies.Standard, limits);
        MemoryClient client = gateway.Connect();
        ConcurrencyLimit limit = gateway.Admission.LimitOf(gateway.InForce.Current!.Functions.First(
            one => one.Id == "raw.get").Upstream);
        await CallsAsync(gateway, client, TimeSpan.FromMilliseconds(10));
        Assert.Equal((100, 100), (limit.Current, gateway.Admission.Gateway.Current));
        await CallsAsync(gateway, client, TimeSpan.FromMilliseconds(100));
        Assert.InRange(limit.Current, 2, 90);
        Assert.InRange(gateway.Admission.Gateway.Current, 2, 90);
    }

    private static async Task CallsAsync(MemoryGateway gateway, MemoryClient client, TimeSpan each)
    {
        gateway.Upstream.Reply = _ =>
        {
            gateway.Clock.Advance(each);
            return ScriptedUpstream.Json("{}");
        };
        for (int call = 0; call < 200; call++)
        {
            gateway.InForce.Heard(gateway.Clock.GetTimestamp());
            Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        }
    }

    private static async Task<string> ParkAsync(MemoryGateway gateway, MemoryClient client, string body = "{\"n\":1}")
    {
        TaskCompletionSource<string> watched = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Store.OnWatch = id => watched.TrySetResult(id);
        int parked = gateway.Admission.Parked;
        await client.SendAsync(Requests.Post(gateway, Held, body));
        string id = await watched.Task;
        while (gateway.Admission.Parked == parked) await Task.Yield();
        return id;
    }

    /// <summary>Takes requests and answers when it is told to.</summary>
    private sealed class SilentUpstream
    {
        private readonly MemoryGateway _gateway;
        private readonly List<UpstreamSession> _sessions = [];
        private TaskCompletionSource _arrived = new();

        internal SilentUpstream(MemoryGateway gateway)
        {
            _gateway = gateway;
            gateway.Upstream.Script = async session =>
            {
                await session.ReadAsync();
                _sessions.Add(session);
                _arrived.SetResult();
            };
        }

        internal async Task<MemoryClient> CallAsync(string target = "/raw/1")
        {
            _arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            MemoryClient client = _gateway.Connect();
            await client.SendAsync(Requests.Get(_gateway, target));
            await _arrived.Task;
            return client;
        }

        internal Task AnswerAsync(int index)
        {
            _gateway.Upstream.Script = null;
            return _sessions[index].WriteAsync(ScriptedUpstream.Json("{}", "Connection: close\r\n"));
        }
    }
}
