using Countersign.DataPlane.Tests.Calls;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Faults;

/// <summary>Upstreams that go away, at every stage of a call, in order or by a reset.</summary>
public sealed class UpstreamGoneTests
{
    private const string Head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

    [Theory]
    [InlineData("/raw/1", "")]
    [InlineData("/raw/1", "HTTP/1.1 2")]
    [InlineData("/raw/1", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n")]
    [InlineData("/raw/1", "HTTP/1.1 103 Early Hints\r\n\r\n")]
    [InlineData("/raw/1", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n")]
    [InlineData("/people/1", Head + "Content-Length: 20\r\n\r\n{\"ssn\":")]
    [InlineData("/people/1", Head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")]
    public async Task Before_the_answer_has_begun_it_is_502(string target, string sent)
    {
        // Proves that a client which has nothing yet is told, and may go on: no head, half a head, an interim answer
        // only, or an answer that was held back for its mask.
        foreach (bool resets in (bool[])[false, true])
        {
            await using MemoryGateway gateway = new(Policies.Standard);
            Go(gateway, sent, resets);
            MemoryClient client = gateway.Connect();
            await client.SendAsync(Requests.Get(gateway, target));
            WireMessage answer = (await client.ReadAsync())!;
            while (answer.Status < 200) answer = (await client.ReadAsync())!;
            Assert.Equal(502, answer.Status);
            Assert.Equal("urn:countersign:upstream-failed", answer.Json.GetProperty("type").GetString());
            await ServesAsync(gateway, client);
            Assert.Equal("upstream-failed", await VerdictAsync(gateway));
        }
    }

    [Theory]
    [InlineData("/raw/1", "Content-Length: 10\r\n\r\nhello", true)]
    [InlineData("/raw/1", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true)]
    [InlineData("/raw/1", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrail", true)]
    [InlineData("/raw/1", "\r\nhello", false)]
    public async Task After_it_has_begun_the_client_is_cut(string target, string rest, bool cutsInOrder)
    {
        // Proves that no short answer looks whole: the client's connection is reset, and the call is written down as
        // failed. Without framing only a reset tells a short answer from a whole one.
        foreach (bool resets in cutsInOrder ? (bool[])[false, true] : [true])
        {
            await using MemoryGateway gateway = new(Policies.Standard);
            TaskCompletionSource goes = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Go(gateway, Head + rest, resets, goes.Task);
            MemoryClient client = gateway.Connect();
            await client.SendAsync(Requests.Get(gateway, target));
            await client.WaitForAsync(100);
            goes.SetResult();
            Assert.False((await client.ReadAsync())!.IsWhole);
            await client.ServedAsync();
            Assert.True(client.Connection.WasAborted);
            Assert.Equal("upstream-failed", await VerdictAsync(gateway));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_masked_answer_past_its_window_is_cut(bool resets)
    {
        // Proves the same for an answer of which the first window has gone out.
        await using MemoryGateway gateway = new(Policies.Standard, new Limits { ReplyWindowBytes = 4_096 });
        TaskCompletionSource goes = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Go(gateway, Head + "Content-Length: 90000\r\n\r\n[\"" + new string('x', 20_000) + "\",", resets, goes.Task);
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/people/1"));
        await client.WaitForAsync(4_096);
        goes.SetResult();
        Assert.False((await client.ReadAsync())!.IsWhole);
        await client.ServedAsync();
        Assert.True(client.Connection.WasAborted);
        Assert.Equal("upstream-failed", await VerdictAsync(gateway));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task In_the_middle_of_a_request_body_it_is_502_and_close(bool resets)
    {
        // Proves that the client is told before it has sent everything, and that the rest is not read as a request.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            await session.WaitForAsync(100);
            Leave(session, resets);
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", "Content-Length: 1000000\r\n") + "some");
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal((502, "close"), (answer.Status, answer.Field("Connection")));
        Assert.Equal("upstream-failed", await VerdictAsync(gateway));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task While_it_is_idle_it_costs_no_call(bool resets)
    {
        // Proves that a kept connection which went away is replaced before anything is sent on it.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource<UpstreamSession> idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync(ScriptedUpstream.Json("{}"));
            idle.TrySetResult(session);
        };
        MemoryClient client = gateway.Connect();
        Assert.Equal(200, (await client.CallAsync(Requests.Post(gateway, "/raw/1", "{}"))).Status);
        Leave(await idle.Task, resets);
        Assert.Equal(200, (await client.CallAsync(Requests.Post(gateway, "/raw/1", "{}"))).Status);
        Assert.Equal(2, gateway.Upstream.Dials);
        client.Close();
        await client.ServedAsync();
        Assert.Equal("ok", await VerdictAsync(gateway));
    }

    [Fact]
    public async Task A_flood_of_interim_answers_is_502()
    {
        // Proves that an upstream cannot hold a call for ever with answers that are none.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            for (int count = 0; count < 9; count++) await session.WriteAsync("HTTP/1.1 102 Processing\r\n\r\n");
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/raw/1"));
        WireMessage answer = (await client.ReadAsync())!;
        while (answer.Status < 200) answer = (await client.ReadAsync())!;
        Assert.Equal(502, answer.Status);
        await ServesAsync(gateway, client);
        Assert.Equal("upstream-failed", await VerdictAsync(gateway));
    }

    [Fact]
    public async Task An_answer_whose_head_drips_ends_by_the_timeout()
    {
        // Proves that bytes of a head earn no time: a byte a second, and the five seconds of the policy are over.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource<UpstreamSession> arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            arrived.SetResult(session);
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/raw/1"));
        UpstreamSession dripping = await arrived.Task;
        for (int second = 0; second < 6; second++)
        {
            await dripping.WriteAsync("HTTP/1.1 200 OK\r\n".Substring(second, 1));
            gateway.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(504, (await client.ReadAsync())!.Status);
        await ServesAsync(gateway, client);
        Assert.Equal("upstream-timeout", await VerdictAsync(gateway));
    }

    [Theory]
    [InlineData(65_400)]
    [InlineData(90_000)]
    public async Task An_upstream_that_takes_nothing_ends_by_its_own_time(int sent)
    {
        // Proves that a pause of the client, which has sent a part of its body, gives an upstream that reads none of
        // it no more than the five seconds of the policy, whether the last bytes fill a flush or not.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = static _ => Task.CompletedTask;
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", "Content-Length: 1000000\r\n"));
        await client.SendAsync(new string('x', sent));
        for (int second = 0; second < 6; second++) gateway.Advance(TimeSpan.FromSeconds(1));
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal((504, "close"), (answer.Status, answer.Field("Connection")));
        Assert.Equal("upstream-timeout", await VerdictAsync(gateway));
    }

    private static void Go(MemoryGateway gateway, string sent, bool resets, Task? when = null) =>
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync(sent);
            if (when is not null) await when;
            Leave(session, resets);
        };

    private static void Leave(UpstreamSession session, bool resets)
    {
        if (resets) session.Reset();
        else session.Close();
    }

    private static async Task ServesAsync(MemoryGateway gateway, MemoryClient client)
    {
        gateway.Upstream.Script = null;
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/billing/7"))).Status);
        client.Close();
        await client.ServedAsync();
    }

    // Of the first call; all connections are closed by then.
    private static async Task<string?> VerdictAsync(MemoryGateway gateway)
    {
        var records = await gateway.CloseAuditAsync();
        Leftovers.None(gateway);
        return records.First(one => one.GetProperty("type").GetString() == "outcome")
            .GetProperty("verdict").GetString();
    }
}
