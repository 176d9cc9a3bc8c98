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
