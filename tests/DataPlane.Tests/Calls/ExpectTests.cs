using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Expect, interim answers, and answers that come before the request has been sent.</summary>
public sealed class ExpectTests
{
    private const string Asks = "Content-Length: 3\r\nExpect: 100-continue\r\n";

    [Fact]
    public async Task The_upstream_is_asked_and_its_100_goes_to_the_client()
    {
        // Proves the forwarded expectation: nobody says 100 before the upstream, and the body follows then.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource<string> asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            await session.WaitForAsync(100);
            asked.SetResult("");
            await goOn.Task;
            await session.WriteAsync("HTTP/1.1 100 Continue\r\nX-Own: 1\r\n\r\n");
            WireMessage request = (await session.ReadAsync())!;
            gateway.Upstream.Note(request);
            await session.WriteAsync(ScriptedUpstream.Json("{}"));
            gateway.Upstream.Note((await session.ReadAsync())!);
            await session.WriteAsync(ScriptedUpstream.Json("[]"));
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", Asks));
        await asked.Task;
        goOn.SetResult();
        WireMessage interim = (await client.ReadAsync())!;
        Assert.Equal("HTTP/1.1 100 Continue", interim.Head);
        await client.SendAsync("abc");
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(200, answer.Status);
        Assert.Null(answer.Field("Connection"));
        Assert.Equal("[]", (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Text);
        Assert.Equal("100-continue", gateway.Upstream.Requests[0].Field("Expect"));
        Assert.Equal("abc", gateway.Upstream.Requests[0].Text);
        Assert.Equal(1, gateway.Upstream.Dials);
    }

    [Fact]
    public async Task A_final_answer_instead_of_100_ends_the_connection()
    {
        // Proves that a refusal by the upstream reaches the client that still holds its body back, and that neither
        // connection is used again, since nobody knows whether the body will come.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            await session.WaitForAsync(100);
            await session.WriteAsync("HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nlong");
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", Asks));
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(413, answer.Status);
        Assert.Equal("long", answer.Text);
        Assert.Equal("close", answer.Field("Connection"));
        Assert.Empty(await client.ReadToEndAsync());
        await client.ServedAsync();
        Assert.False(client.Connection.WasAborted);
    }

    [Fact]
    public async Task A_client_that_does_not_wait_is_served()
    {
        // Proves that a body which comes with its head needs no 100: none is invented, and a late one is swallowed.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => "HTTP/1.1 100 Continue\r\n\r\n" + ScriptedUpstream.Json("{}");
        MemoryClient client = gateway.Connect();
        Assert.Equal(200, (await client.CallAsync(Requests.Head(gateway, "POST", "/raw/1", Asks) + "abc")).Status);
        Assert.Equal("abc", Assert.Single(gateway.Upstream.Requests).Text);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
    }

    [Fact]
    public async Task The_gateway_answers_100_where_it_must_see_the_body()
    {
        // Proves that a call that pauses gets 100 from the gateway, and the upstream later gets no expectation.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string head = Requests.Head(gateway, "POST", "/billing/1/refunds",
            "Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n");
        await client.SendAsync(head);
        Assert.Equal(100, (await client.ReadAsync())!.Status);
        await client.SendAsync("{}");
        string id = (await client.ReadAsync())!.Json.GetProperty("approval").GetString()!;
        await gateway.DecideAsync(id, "fay", "finance-leads");
        await client.SendAsync(head);
        Assert.Equal(100, (await client.ReadAsync())!.Status);
        await client.SendAsync("{}");
        Assert.Equal(200, (await client.ReadAsync())!.Status);
        Assert.Null(Assert.Single(gateway.Upstream.Requests).Field("Expect"));
    }

    [Fact]
    public async Task An_upstream_that_never_says_100_times_out()
    {
        // Proves that a client which waits for 100 is answered by the upstream's timeout, not by its own stall.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            await session.WaitForAsync(100);
            arrived.SetResult();
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", Asks));
        await arrived.Task;
        gateway.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(504, (await client.ReadAsync())!.Status);
    }

    [Fact]
    public async Task A_client_that_stalls_its_body_is_not_the_upstreams_fault()
    {
        // Proves that the upstream's time does not run while the client keeps it waiting: the client's limit ends it.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = session => session.ReadAsync();
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", "Content-Length: 3\r\n") + "a");
        gateway.Advance(TimeSpan.FromSeconds(20));
        Assert.False(client.Served.IsCompleted);
        gateway.Advance(TimeSpan.FromSeconds(11));
        await client.ServedAsync();
        Assert.Equal("request-timeout", (await gateway.CloseAuditAsync())[^1].GetProperty("verdict").GetString());
    }

    [Theory]
    [InlineData(413)]
    [InlineData(200)]
    public async Task An_early_answer_does_not_wait_for_the_body(int status)
    {
        // Proves that an answer which comes while the client still sends is relayed at once, and ends the connection.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            await session.WaitForAsync(100);
            await session.WriteAsync($"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nhi");
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", "Content-Length: 1000000\r\n") + "some");
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(status, answer.Status);
        Assert.Equal("hi", answer.Text);
        Assert.Equal("close", answer.Field("Connection"));
        await client.ReadToEndAsync();
        await client.ServedAsync();
        Assert.False(client.Connection.WasAborted);
    }

    [Fact]
    public async Task A_request_goes_on_beside_its_answer()
    {
        // Proves full duplex: each piece is answered before the next is sent, under the same head.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            await session.WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            WireMessage request = (await session.ReadAsync())!;
            gateway.Upstream.Note(request);
            await session.WriteAsync($"{request.Body.Length:x}\r\n{request.Text}\r\n0\r\n\r\n");
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", "Transfer-Encoding: chunked\r\n")
            + "3\r\nabc\r\n");
        await client.WaitForAsync(50);
        await client.SendAsync("3\r\ndef\r\n");
        await client.SendAsync("0\r\n\r\n");
        WireMessage answer = (await client.ReadAsync())!;
        Assert.True(answer.IsWhole);
        Assert.Equal("abcdef", answer.Text);
        Assert.Equal("abcdef", Assert.Single(gateway.Upstream.Requests).Text);
    }

    [Fact]
    public async Task An_unsound_body_cuts_an_answer_that_has_begun()
    {
        // Proves that bytes that read two ways end the call even where the answer is under way.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            await session.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
            await session.ReadAsync();
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", "Transfer-Encoding: chunked\r\n")
            + "3\r\nabc\r\n");
        await client.WaitForAsync(50);
        await client.SendAsync("+3\r\ndef\r\n");
        Assert.False((await client.ReadAsync())!.IsWhole);
        await client.ServedAsync();
        Assert.True(client.Connection.WasAborted);
    }

    [Fact]
    public async Task A_half_sent_request_leaves_no_connection_behind()
    {
        // Proves that an upstream connection which got part of a request is never given to another call.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            await session.WaitForAsync(100);
            await session.WriteAsync(ScriptedUpstream.Json("{}"));
        };
        await gateway.Connect().CallAsync(
            Requests.Head(gateway, "POST", "/raw/1", "Content-Length: 1000\r\n") + "some");
        Assert.Equal(200, (await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
        Assert.Equal(2, gateway.Upstream.Dials);
    }

    [Fact]
    public async Task An_upstream_that_closes_during_the_request_is_found_out_at_once()
    {
        // Proves that the client gets 502 without sending the rest of its body.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            await session.WaitForAsync(100);
            session.Close();
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", "Content-Length: 1000\r\n") + "some");
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(502, answer.Status);
        Assert.Equal("close", answer.Field("Connection"));
    }
}
