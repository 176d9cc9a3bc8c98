using Countersign.DataPlane.Tests.Calls;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Transport;

/// <summary>What a drain does to connections, whatever they are at when it begins.</summary>
public sealed class DrainTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(600);

    [Fact]
    public async Task A_call_in_flight_is_answered_and_told_to_be_the_last()
    {
        // Proves that the answer which begins during the drain is whole and carries Connection: close.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource answers = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            arrived.SetResult();
            await answers.Task;
            await session.WriteAsync(ScriptedUpstream.Json("{\"late\":1}"));
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/raw/1"));
        await arrived.Task;
        Task<bool> drained = gateway.Handler.DrainAsync(Within);
        answers.SetResult();
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal((200, "close", "{\"late\":1}"), (answer.Status, answer.Field("Connection"), answer.Text));
        await client.ServedAsync();
        Assert.False(client.Connection.WasAborted);
        Assert.True(await EndAsync(gateway, drained));
    }

    [Fact]
    public async Task A_request_on_its_way_is_served_once()
    {
        // Proves that a client which has just been served may send once more after the drain began: it is answered and
        // told to go, and what it sends after that is not called.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Task<bool> drained = gateway.Handler.DrainAsync(Within);
        WireMessage answer = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
        Assert.Equal((200, "close"), (answer.Status, answer.Field("Connection")));
        await client.SendAsync(Requests.Get(gateway, "/raw/1"));
        Assert.Null(await client.ReadAsync());
        await client.ServedAsync();
        Assert.True(await EndAsync(gateway, drained));
        Assert.Equal(2, gateway.Upstream.Requests.Count);
    }

    [Fact]
    public async Task Requests_that_came_before_are_all_answered()
    {
        // Proves that pipelined requests which were here when the drain began are served, and the last is told so.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource answers = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            while (await session.ReadAsync() is not null)
            {
                arrived.TrySetResult();
                await answers.Task;
                await session.WriteAsync(ScriptedUpstream.Json("{}"));
            }
        };
        MemoryClient client = gateway.Connect();
        string request = Requests.Get(gateway, "/raw/1");
        await client.SendAsync(request + request + request);
        await arrived.Task;
        Task<bool> drained = gateway.Handler.DrainAsync(Within);
        answers.SetResult();
        foreach (string? told in new[] { null, null, "close" })
        {
            WireMessage answer = (await client.ReadAsync())!;
            Assert.Equal((200, told), (answer.Status, answer.Field("Connection")));
        }

        await client.ServedAsync();
        Assert.True(await EndAsync(gateway, drained));
    }

    [Fact]
    public async Task A_request_that_has_begun_is_waited_for()
    {
        // Proves that a head which was half there when the drain began is served when its rest comes.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string request = Requests.Get(gateway, "/raw/1");
        await client.SendAsync(request[..20]);
        Task<bool> drained = gateway.Handler.DrainAsync(Within);
        gateway.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(1, gateway.Handler.Count);
        await client.SendAsync(request[20..]);
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal((200, "close"), (answer.Status, answer.Field("Connection")));
        await client.ServedAsync();
        Assert.True(await EndAsync(gateway, drained));
    }

    [Fact]
    public async Task Idle_connections_are_closed_and_not_reset()
    {
        // Proves that what has been quiet for a moment ends at once, without a byte and in order.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient fresh = gateway.Connect(), used = gateway.Connect();
        Assert.Equal(200, (await used.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        gateway.Advance(Quiet);
        Task<bool> drained = gateway.Handler.DrainAsync(Within);
        await fresh.ServedAsync();
        await used.ServedAsync();
        Assert.Empty(await fresh.ReadToEndAsync());
        Assert.Empty(await used.ReadToEndAsync());
        Assert.False(fresh.Connection.WasAborted || used.Connection.WasAborted);
        Assert.True(await EndAsync(gateway, drained));
    }

    [Fact]
    public async Task What_is_left_when_time_is_up_is_ended_and_written_down()
    {
        // Proves the end of a drain: a call whose upstream is silent is told 504, a client that takes nothing is cut,
        // and each has one outcome in the audit.
        await using MemoryGateway gateway = new(Policies.Standard);
        string endless = new('x', 200_000);
        gateway.Upstream.Script = async session =>
        {
            WireMessage request = (await session.ReadAsync())!;
            if (request.Line.Contains("/raw/2", StringComparison.Ordinal))
            {
                await session.WriteAsync(ScriptedUpstream.Json(endless));
            }
        };
        MemoryClient silent = gateway.Connect(), deaf = gateway.Connect();
        await silent.SendAsync(Requests.Get(gateway, "/raw/1"));
        await deaf.SendAsync(Requests.Get(gateway, "/raw/2"));
        Task<bool> drained = gateway.Handler.DrainAsync(TimeSpan.FromSeconds(1));
        while (gateway.Upstream.Dials < 2) await Task.Yield();
        Assert.False(await EndAsync(gateway, drained));
        Assert.Equal((504, true), ((await silent.ReadAsync())!.Status, deaf.Connection.WasAborted));
        await silent.ServedAsync();
        IEnumerable<string?> verdicts = (await gateway.CloseAuditAsync())
            .Where(record => record.GetProperty("type").GetString() == "outcome")
            .Select(record => record.GetProperty("verdict").GetString());
        Assert.Equal(["client-gone", "upstream-timeout"], verdicts.Order());
    }

    [Theory]
    [InlineData("/raw/1", "", 408, "request-timeout", null)]
    [InlineData("/raw/1", "Expect: 100-continue\r\n", 408, "request-timeout", null)]
    [InlineData("/billing/a1/refunds", "", 503, "draining", "1")]
    [InlineData("/nowhere", "", 404, "unknown-function", null)]
    public async Task A_client_that_is_late_with_its_body_when_time_is_up_is_told_so(
        string target, string fields, int status, string problem, string? retryAfter)
    {
        // Proves that the late one is named: 408 where part of the body has left, with no word against the function;
        // 503 where it was held and nothing was called; and a refusal that only waited for the rest is still told.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource<bool> wasWhole = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            if (fields.Length > 0)
            {
                await session.WaitForAsync(100);
                await session.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n");
            }

            wasWhole.SetResult((await session.ReadAsync())!.IsWhole);
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Post(gateway, target, "{\"amount\":1}", fields)[..^3]);
        if (fields.Length > 0) Assert.Equal(100, (await client.ReadAsync())!.Status);
        Task<bool> drained = gateway.Handler.DrainAsync(TimeSpan.FromSeconds(1));
        Assert.False(await EndAsync(gateway, drained));
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal((status, "close", retryAfter),
            (answer.Status, answer.Field("Connection"), answer.Field("Retry-After")));
        Assert.Equal("urn:countersign:" + problem, answer.Json.GetProperty("type").GetString());
        await client.ServedAsync();
        Assert.False(client.Connection.WasAborted);
        Assert.Equal(status == 408 ? 1 : 0, gateway.Upstream.Dials);
        CancellationToken stop = TestContext.Current.CancellationToken;
        if (status == 408) Assert.False(await wasWhole.Task.WaitAsync(WireReader.HangGuard, stop));
        Assert.All(
            gateway.Pools.Current, group => Assert.All(group.Members, member => Assert.True(member.Circuit.IsCalm)));
        Assert.Equal(problem, (await gateway.CloseAuditAsync())[^1].GetProperty("verdict").GetString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_function_that_is_late_with_the_body_when_time_is_up_is_a_504(bool expects)
    {
        // Proves the other side: the client's body is not whole since the function gives no 100, or takes no more.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = static _ => Task.CompletedTask;
        MemoryClient client = gateway.Connect();
        string request = Requests.Post(
            gateway, "/raw/1", new string('x', 400_000), expects ? "Expect: 100-continue\r\n" : "");
        Task sending = client.SendAsync(expects ? request[..^400_000] : request);
        Task<bool> drained = gateway.Handler.DrainAsync(TimeSpan.FromSeconds(1));
        Assert.False(await EndAsync(gateway, drained));
        Assert.Equal(504, (await client.ReadAsync())!.Status);
        await client.ServedAsync();
        await sending;
        Assert.Equal("upstream-timeout", (await gateway.CloseAuditAsync())[^1].GetProperty("verdict").GetString());
    }

    // The drain looks again every 20 ms of a clock that stands still by itself.
    private static async Task<bool> EndAsync(MemoryGateway gateway, Task<bool> drained)
    {
        for (int turn = 0; turn < 1_000 && !drained.IsCompleted; turn++)
        {
            gateway.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Yield();
        }

        return await drained.WaitAsync(WireReader.HangGuard);
    }
}
