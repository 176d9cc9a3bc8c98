using System.Text;
using System.Text.Json;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Whole calls that go through, from the client's bytes to the client's answer.</summary>
public sealed class CallTests
{
    [Fact]
    public async Task An_allowed_call_is_masked()
    {
        // Proves that an allowed GET reaches the upstream and comes back masked, equal JSON but for the masked values.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _
            => ScriptedUpstream.Json("""{"name":"Ann","ssn":"123-45-6789","pets":[{"email":"a@b.c"}]}""");
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/people/7"));
        Assert.Equal(200, answer.Status);
        Assert.Equal("2", answer.Field("Countersign-Masked"));
        Assert.True(Guid.TryParse(answer.Field("Countersign-Call"), out _));
        Assert.True(JsonElement.DeepEquals(
            JsonDocument.Parse("""{"name":"Ann","ssn":"***","pets":[{"email":"***"}]}""").RootElement, answer.Json));
    }

    [Fact]
    public async Task A_cleared_caller_sees_everything()
    {
        // Proves that an excepted group gets the upstream's own bytes, without a mask count.
        await using MemoryGateway gateway = new(Policies.Standard);
        const string body = """{ "ssn" : "123-45-6789" }""";
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json(body);
        WireMessage answer = await gateway.Connect().CallAsync(
            Requests.Get(gateway, "/people/7", groups: ["support", "pii-cleared"]));
        Assert.Equal(body, answer.Text);
        Assert.Null(answer.Field("Countersign-Masked"));
    }

    [Fact]
    public async Task A_connection_carries_many_calls_upstream_and_down()
    {
        // Proves keep-alive on both sides: two calls on one client connection ride one upstream connection.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        gateway.Upstream.Reply = request => ScriptedUpstream.Json($$"""{"line":"{{request.Line}}"}""");
        Assert.Contains("/raw/1", (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Text,
            StringComparison.Ordinal);
        Assert.Contains("/raw/2", (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Text,
            StringComparison.Ordinal);
        Assert.Equal(1, gateway.Upstream.Dials);
        Assert.False(client.Served.IsCompleted);
    }

    [Fact]
    public async Task Pipelined_calls_are_answered_in_order()
    {
        // Proves pipelining: three requests in one write, one with a body, get three answers in the order asked.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        gateway.Upstream.Reply = request
            => ScriptedUpstream.Json($$"""{"line":"{{request.Line}}","body":"{{request.Text}}"}""");
        await client.SendAsync(Requests.Get(gateway, "/raw/1") + Requests.Post(gateway, "/raw/2", "abc")
            + Requests.Get(gateway, "/raw/3"));
        Assert.Contains("/raw/1", (await client.ReadAsync())!.Text, StringComparison.Ordinal);
        string second = (await client.ReadAsync())!.Text;
        Assert.Contains("/raw/2", second, StringComparison.Ordinal);
        Assert.Contains("abc", second, StringComparison.Ordinal);
        Assert.Contains("/raw/3", (await client.ReadAsync())!.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chunked_bodies_pass_both_ways()
    {
        // Proves that chunks in become a chunked body upstream and that a chunked answer stays whole.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _
            => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n"
            + "0\r\nX-Trailer: v\r\n\r\n";
        string request = Requests.Head(gateway, "POST", "/raw/1", "Transfer-Encoding: chunked\r\n")
            + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(request);
        Assert.Equal("abcde", answer.Text);
        Assert.Empty(answer.Trailers);
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal("hello world", seen.Text);
        Assert.Equal("chunked", seen.Field("Transfer-Encoding"));
        Assert.Null(seen.Field("Content-Length"));
        Assert.Empty(seen.Trailers);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
    }

    [Fact]
    public async Task A_mebibyte_streams_both_ways()
    {
        // Proves that a 1 MiB body with Content-Length arrives byte for byte, up and down.
        await using MemoryGateway gateway = new(Policies.Standard);
        byte[] body = new byte[1_048_576];
        new Random(7).NextBytes(body);
        string text = Encoding.Latin1.GetString(body);
        gateway.Upstream.Reply = request => $"HTTP/1.1 200 OK\r\nContent-Length: {request.Body.Length}\r\n\r\n"
            + Encoding.Latin1.GetString(request.Body);
        MemoryClient client = gateway.Connect();
        Task sending = client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", $"Content-Length: {body.Length}\r\n")
            + text);
        WireMessage answer = (await client.ReadAsync())!;
        await sending;
        Assert.Equal(body, answer.Body);
        Assert.Equal(body, Assert.Single(gateway.Upstream.Requests).Body);
    }

    [Theory]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", 204)]
    [InlineData("HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 12\r\n\r\n", 304)]
    public async Task Answers_without_a_body_end_at_their_head(string reply, int status)
    {
        // Proves that 204 and 304 have no body whatever their fields say: the next call is answered on both
        // connections.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = request => request.Line.Contains("/raw/1", StringComparison.Ordinal) ? reply
            : ScriptedUpstream.Json("{}");
        MemoryClient client = gateway.Connect();
        Assert.Equal(status, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
        Assert.Equal(1, gateway.Upstream.Dials);
    }

    [Fact]
    public async Task Head_passes_the_length_but_no_body()
    {
        // Proves that HEAD reaches the upstream as HEAD, and that its Content-Length delimits nothing.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(Requests.Head(gateway, "HEAD", "/raw/1"), hasBody: false);
        Assert.Equal("5000", answer.Field("Content-Length"));
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{}");
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
    }

    [Fact]
    public async Task Head_under_a_mask_tells_no_length()
    {
        // Proves that the unmasked length, which the body will not have, is not told.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Head(gateway, "HEAD", "/people/1"),
            hasBody: false);
        Assert.Equal(200, answer.Status);
        Assert.Null(answer.Field("Content-Length"));
    }

    [Fact]
    public async Task An_http_1_0_client_gets_no_chunks()
    {
        // Proves that a chunked answer reaches an HTTP/1.0 client as plain bytes that end with the connection.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/raw/1").Replace("HTTP/1.1", "HTTP/1.0",
            StringComparison.Ordinal));
        string all = Encoding.Latin1.GetString(await client.ReadToEndAsync());
        Assert.EndsWith("\r\n\r\nabc", all, StringComparison.Ordinal);
        Assert.DoesNotContain("chunked", all, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Connection: close", all, StringComparison.Ordinal);
        await client.ServedAsync();
        Assert.False(client.Connection.WasAborted);
    }

    [Fact]
    public async Task Closing_after_a_call_with_a_body_is_orderly()
    {
        // Proves that Connection: close is kept after a body was streamed: the answer, then an orderly end.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(Requests.Post(gateway, "/raw/1", "abc", "Connection: close\r\n"));
        Assert.Equal("close", answer.Field("Connection"));
        Assert.Empty(await client.ReadToEndAsync());
        await client.ServedAsync();
        Assert.False(client.Connection.WasAborted);
    }

    [Fact]
    public async Task Expect_100_is_refused_without_the_body()
    {
        // Proves that a refused call is answered at once, without 100, and that the connection ends.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/nowhere",
            "Content-Length: 3\r\nExpect: 100-continue\r\n"));
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(404, answer.Status);
        Assert.Equal("close", answer.Field("Connection"));
        Assert.Empty(await client.ReadToEndAsync());
    }

    [Fact]
    public async Task An_answer_that_ends_with_its_connection_is_chunked_on()
    {
        // Proves that a body without framing is delimited again for the client, and its connection used no more.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync("HTTP/1.1 200 OK\r\n\r\nabc");
            session.Close();
        };
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
        Assert.Equal("abc", answer.Text);
        Assert.Equal("chunked", answer.Field("Transfer-Encoding"));
        Assert.Equal("abc", (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Text);
        Assert.Equal(2, gateway.Upstream.Dials);
    }
}
