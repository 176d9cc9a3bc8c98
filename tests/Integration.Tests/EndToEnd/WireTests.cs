using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Bytes on the wire against the real program: what two parsers could read differently is refused.</summary>
public sealed class WireTests(DemoWorld world) : IClassFixture<DemoWorld>
{
    private const string Post = "POST /billing/42/refunds HTTP/1.1\r\nHost: a\r\n{0}";

    private string Bearer => "Authorization: Bearer " + world.TokenOf("alice") + "\r\n";

    [Theory]
    [InlineData(Post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData(Post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}")]
    [InlineData(Post + "Content-Length: 2, 2\r\n\r\n{{}}")]
    [InlineData(Post + "Content-Length: +2\r\n\r\n{{}}")]
    [InlineData(Post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData(Post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("POST /billing/42/refunds HTTP/1.0\r\nHost: a\r\n{0}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData(Post + "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{{}}\r\n0\r\n\r\n")]
    [InlineData("GET /billing/42 HTTP/1.1\nHost: a\r\n{0}\r\n")]
    [InlineData("GET /billing/42 HTTP/1.1\r\nHost: a\n{0}\r\n")]
    [InlineData("GET /billing/42 HTTP/1.1\r\nHost: a\r\nX-Folded: one\r\n two\r\n{0}\r\n")]
    [InlineData("GET /billing/42 HTTP/1.1\r\nHost : a\r\n{0}\r\n")]
    [InlineData("GET /billing/42 HTTP/1.1\r\n{0}\r\n")]
    [InlineData("GET /billing/42 HTTP/1.1\r\nHost: a\r\nHost: b\r\n{0}\r\n")]
    [InlineData("GET /billing/42 HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n{0}\r\n")]
    [InlineData("GET /billing/42 HTTP/2.0\r\nHost: a\r\n{0}\r\n")]
    [InlineData("GET  /billing/42 HTTP/1.1\r\nHost: a\r\n{0}\r\n")]
    [InlineData("GET http://b/billing/42 HTTP/1.1\r\nHost: a\r\n{0}\r\n")]
    public async Task What_reads_two_ways_is_malformed(string request)
    {
        // Proves that the message is refused and the connection closed, so that no second request hides in the first.
        await RefusedAsync(string.Format(null, request, Bearer), "malformed-request");
    }

    [Theory]
    [InlineData("/billing/42%2freset")]
    [InlineData("/billing/42%5Creset")]
    [InlineData("/billing/../billing/42")]
    [InlineData("/billing/./42")]
    [InlineData("/billing/%2e%2e/42")]
    [InlineData("/billing//42")]
    [InlineData("/billing/42/")]
    [InlineData("/billing\\42")]
    [InlineData("/billing/42%00")]
    [InlineData("/billing/42%zz")]
    [InlineData("/billing/%c0%ae")]
    [InlineData("/billing/%252e%252e")]
    public async Task A_path_that_reads_two_ways_is_ambiguous(string path)
    {
        // Proves the same of paths, since policy matches on them.
        await RefusedAsync($"GET {path} HTTP/1.1\r\nHost: a\r\n{Bearer}\r\n", "ambiguous-path");
    }

    [Fact]
    public async Task Pipelined_requests_are_answered_in_their_order()
    {
        // Proves pipelining over one connection, by three functions' answers to one write, and a fourth after them.
        await using RawConnection connection = await RawConnection.OpenAsync(world.Client.Data);
        string rest = " HTTP/1.1\r\nHost: a\r\n" + Bearer + "\r\n";
        await connection.SendAsync($"GET /billing/43{rest}POST /billing/43/reset{rest}GET /people/2{rest}");
        RawAnswer first = await connection.ReadAsync();
        RawAnswer second = await connection.ReadAsync();
        RawAnswer third = await connection.ReadAsync();
        Assert.Contains("\"account\":\"43\"", first.Body, StringComparison.Ordinal);
        Assert.Equal((428, "approval-required"), (second.Status, second.Problem));
        Assert.Contains("\"id\":\"2\"", third.Body, StringComparison.Ordinal);
        await connection.SendAsync("GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + Bearer + "\r\n");
        Assert.Equal("unknown-function", (await connection.ReadAsync()).Problem);
        Assert.True(await connection.EndsAsync());
    }

    [Fact]
    public async Task A_head_that_trickles_in_is_read()
    {
        // Proves that a head may come in any pieces, by sending each of its bytes alone.
        await using RawConnection connection = await RawConnection.OpenAsync(world.Client.Data);
        string request = $"GET /people/3 HTTP/1.1\r\nHost: a\r\n{Bearer}\r\n";
        foreach (char one in request) await connection.SendAsync(one.ToString());
        RawAnswer answer = await connection.ReadAsync();
        Assert.Equal(200, answer.Status);
        Assert.Contains("\"id\":\"3\"", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("Connection: keep-alive\r\n", false)]
    public async Task Http_1_0_is_answered_and_closed_unless_it_asks_otherwise(string field, bool ends)
    {
        // Proves HTTP/1.0 without Host, by what becomes of the connection after the answer.
        await using RawConnection connection = await RawConnection.OpenAsync(world.Client.Data);
        string request = $"GET /people/1 HTTP/1.0\r\n{field}{Bearer}\r\n";
        await connection.SendAsync(request);
        Assert.Equal(200, (await connection.ReadAsync()).Status);
        if (ends)
        {
            Assert.True(await connection.EndsAsync());
            return;
        }

        await connection.SendAsync(request);
        Assert.Equal(200, (await connection.ReadAsync()).Status);
    }

    [Fact]
    public async Task A_body_beyond_what_can_be_paused_is_413()
    {
        // Proves the limit of what approvers could look at, by a byte more than 1 MiB, and that 1 MiB is paused.
        string path = "/billing/45/refunds";
        string body = """{"amount":1,"reason":"big","pad":""" + "\"";
        Answer most = await world.Client.CallAsync("alice", "POST", path, Padded(body, 1_048_576));
        Assert.Equal(428, most.Status);
        Answer more = await world.Client.CallAsync("alice", "POST", path, Padded(body, 1_048_577));
        Assert.Equal((413, "body-too-large"), (more.Status, more.Problem));
    }

    [Fact]
    public async Task A_chunked_body_that_was_approved_arrives_whole()
    {
        // Proves that chunks are taken apart before the digest: the same bytes in other chunks are the same call.
        await using RawConnection connection = await RawConnection.OpenAsync(world.Client.Data);
        string head = "POST /billing/45/refunds HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + Bearer;
        const string Chunks = "5\r\n{\"amo\r\n8;x=y\r\nunt\":17}\r\n0\r\n\r\n";
        await connection.SendAsync(head + "Transfer-Encoding: chunked\r\n\r\n" + Chunks);
        RawAnswer asked = await connection.ReadAsync();
        Assert.Equal(428, asked.Status);
        string status = asked.Field("Location");
        Answer approval = await world.Client.CallAsync("alice", "GET", status);
        Answer decided = await world.Client.DecideAsync("bob", approval["id"], approval["digest"]);
        Assert.Equal("approved", decided["state"]);
        await connection.SendAsync(head + "Content-Length: 13\r\nExpect: 100-continue\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 100", (await connection.ReadAsync()).StatusLine, StringComparison.Ordinal);
        await connection.SendAsync("{\"amount\":17}");
        RawAnswer called = await connection.ReadAsync();
        Assert.Equal(201, called.Status);
        Assert.Contains("\"amount\":17", called.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(9_000, 414, "target-too-long")]
    [InlineData(40_000, 414, "target-too-long")]
    public async Task A_target_beyond_the_limit_is_414(int bytes, int status, string problem)
    {
        // Proves the limit of the target, whether or not the head would fit.
        await using RawConnection connection = await RawConnection.OpenAsync(world.Client.Data);
        await connection.SendAsync($"GET /people/{new string('a', bytes)} HTTP/1.1\r\nHost: a\r\n\r\n");
        RawAnswer answer = await connection.ReadAsync();
        Assert.Equal((status, problem), (answer.Status, answer.Problem));
        Assert.True(await connection.EndsAsync());
    }

    [Fact]
    public async Task A_head_beyond_the_limit_is_431()
    {
        // Proves the limit of the head, by one field of 40,000 bytes.
        await using RawConnection connection = await RawConnection.OpenAsync(world.Client.Data);
        await connection.SendAsync($"GET /people/1 HTTP/1.1\r\nHost: a\r\nX: {new string('a', 40_000)}\r\n\r\n");
        RawAnswer answer = await connection.ReadAsync();
        Assert.Equal((431, "headers-too-large"), (answer.Status, answer.Problem));
        Assert.True(await connection.EndsAsync());
    }

    [Fact]
    public async Task A_caller_cannot_speak_for_the_gateway()
    {
        // Proves that fields the gateway owns never pass upstream from a caller, by what the function saw.
        Answer called = await world.Client.CallAsync(
            "alice", "GET", "/people/4", null, ("Countersign-Call", "forged"), ("Countersign-Anything", "x"),
            ("Cookie", "a=b"), ("Connection", "X-Hop"), ("X-Hop", "1"), ("X-Own", "2"));
        Assert.Equal(200, called.Status);
        var seen = await world.SeenAsync(called.Header("Countersign-Call"));
        string[] names = [.. seen["headers"]!.AsArray().Select(name => name!.ToString())];
        Assert.Contains("X-Own", names);
        Assert.DoesNotContain("Cookie", names);
        Assert.DoesNotContain("X-Hop", names);
        Assert.DoesNotContain("Countersign-Anything", names);
    }

    private async Task RefusedAsync(string request, string problem)
    {
        await using RawConnection connection = await RawConnection.OpenAsync(world.Client.Data);
        await connection.SendAsync(request);
        RawAnswer answer = await connection.ReadAsync();
        Assert.Equal((400, problem), (answer.Status, answer.Problem));
        Assert.Equal("application/problem+json", answer.Field("Content-Type"));
        Assert.Equal("close", answer.Field("Connection"));
        Assert.True(await connection.EndsAsync());
    }

    private static string Padded(string start, int bytes) => start + new string('x', bytes - start.Length - 2) + "\"}";
}
