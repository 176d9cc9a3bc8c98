using System.Text;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>What a proxy adds, counts down, answers itself and refuses (RFC 9110 section 7).</summary>
public sealed class HopTests
{
    private const string Options = """

          raw.options: { upstream: raw, method: OPTIONS, path: "/raw/{id}", risk: low }
        rules:
        """;

    [Fact]
    public async Task Via_is_added_both_ways()
    {
        // Proves that this hop is appended to the hops before it, with the version that it received.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{}", "Via: 1.1 inner\r\n").Replace(
            "HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal);
        string request = Requests.Get(gateway, "/raw/1", "Via: 1.1 outer\r\nConnection: keep-alive\r\n");
        WireMessage answer = await gateway.Connect().CallAsync(
            request.Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal));
        Assert.Equal(["1.1 inner", "1.0 countersign"], answer.All("Via"));
        Assert.Equal(["1.1 outer", "1.0 countersign"], Assert.Single(gateway.Upstream.Requests).All("Via"));
    }

    [Theory]
    [InlineData("0", null)]
    [InlineData("1", "0")]
    [InlineData("000000010", "9")]
    public async Task Max_forwards_is_counted_down(string sent, string? seen)
    {
        // Proves RFC 9110 section 7.6.2: zero is answered here, anything else goes on as one less.
        string policy = Policies.Standard.Replace("\nrules:", Options, StringComparison.Ordinal);
        await using MemoryGateway gateway = new(policy);
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(
            Requests.Head(gateway, "OPTIONS", "/raw/1", $"Max-Forwards: {sent}\r\n"));
        Assert.Equal(seen is null ? 204 : 200, answer.Status);
        Assert.Equal(seen, gateway.Upstream.Requests.SingleOrDefault()?.Field("Max-Forwards"));
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/2", "Max-Forwards: 3\r\n"))).Status);
        Assert.Equal("3", gateway.Upstream.Requests[^1].Field("Max-Forwards"));
    }

    [Theory]
    [InlineData("OPTIONS * HTTP/1.1")]
    [InlineData("OPTIONS http://h HTTP/1.1")]
    public async Task The_server_as_a_whole_answers_for_itself(string line)
    {
        // Proves that OPTIONS * reaches no upstream, says what a call may be, and leaves the connection whole.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(line + "\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
        Assert.Equal(204, answer.Status);
        Assert.Contains("OPTIONS", answer.Field("Allow")!, StringComparison.Ordinal);
        Assert.Null(answer.Field("Content-Length"));
        Assert.Single(answer.All("Date"));
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
        Assert.Equal("GET /raw/2 HTTP/1.1", Assert.Single(gateway.Upstream.Requests).Line);
    }

    [Theory]
    [InlineData("CONNECT raw.test:443 HTTP/1.1\r\nHost: raw.test:443\r\n", 501)]
    [InlineData("TRACE /raw/1 HTTP/1.1\r\nHost: h\r\n", 501)]
    [InlineData("GET /raw/1 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", 501)]
    [InlineData("GET /raw/1 HTTP/1.1\r\nHost: h\r\nExpect: nothing\r\n", 417)]
    [InlineData("GET /raw/1 HTTP/1.1\r\nHost: h\r\nConnection: close, Authorization\r\n", 400)]
    public async Task What_the_gateway_does_not_do_is_refused_and_closed(string head, int status)
    {
        // Proves that no byte after such a head is read as a call, and that nothing reaches an upstream.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        await client.SendAsync(head + "\r\n" + Requests.Get(gateway, "/raw/1"));
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(status, answer.Status);
        Assert.Equal("close", answer.Field("Connection"));
        Assert.Empty(await client.ReadToEndAsync());
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task An_offer_of_another_protocol_is_passed_over()
    {
        // Proves that h2c, which clients offer beside any request, neither tunnels nor disturbs.
        await using MemoryGateway gateway = new(Policies.Standard);
        string fields = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
        Assert.Equal(200, (await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1", fields))).Status);
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        foreach (string name in (string[])["Connection", "Upgrade", "HTTP2-Settings"]) Assert.Null(seen.Field(name));
    }

    [Theory]
    [InlineData(null, "192.0.2.7", "for=192.0.2.7;proto=http;host=\"gateway.test\"", "http", "gateway.test", null)]
    [InlineData("10.0.0.0/8", "192.0.2.7", "for=192.0.2.7;proto=http;host=\"gateway.test\"", "http", "gateway.test",
        null)]
    [InlineData("192.0.2.0/24", "203.0.113.9, 10.1.1.1, 192.0.2.7",
        "for=\"[2001:db8::1]\";proto=https, for=192.0.2.7;proto=http;host=\"gateway.test\"", "https", "shop.test",
        "8443")]
    public async Task Hops_before_are_believed_from_configured_networks_only(
        string? trusted, string addresses, string forwarded, string proto, string host, string? port)
    {
        // Proves that a stranger's story is replaced and a known proxy's is appended to, except where it is unsound.
        await using MemoryGateway gateway = new(Policies.Standard, trustedProxies: trusted);
        const string fields = "X-Forwarded-For: 203.0.113.9\r\nx-forwarded-for: 10.1.1.1\r\nX-Forwarded-For: a\"b\r\n"
            + "Forwarded: for=\"[2001:db8::1]\";proto=https\r\nForwarded: for=\"open\r\nX-Forwarded-Proto: https\r\n"
            + "X-Forwarded-Host: shop.test\r\nX-Forwarded-Port: 8443\r\n";
        Assert.Equal(200, (await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1", fields))).Status);
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal(addresses, seen.Field("X-Forwarded-For"));
        Assert.Equal(forwarded, seen.Field("Forwarded"));
        Assert.Equal(proto, seen.Field("X-Forwarded-Proto"));
        Assert.Equal(host, seen.Field("X-Forwarded-Host"));
        Assert.Equal(port, seen.Field("X-Forwarded-Port"));
    }

    [Theory]
    [InlineData("X-Forwarded-Proto: gopher\r\n")]
    [InlineData("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: https\r\n")]
    [InlineData("X-Forwarded-Host: a/b\r\n")]
    [InlineData("X-Forwarded-Host: a\r\nX-Forwarded-Host: b\r\n")]
    public async Task What_a_known_proxy_says_must_read_one_way(string fields)
    {
        // Proves that an unsound word of a believed proxy is replaced by what this hop sees.
        await using MemoryGateway gateway = new(Policies.Standard, trustedProxies: "192.0.2.7/32");
        await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1", fields));
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal("http", seen.Field("X-Forwarded-Proto"));
        Assert.Equal("gateway.test", seen.Field("X-Forwarded-Host"));
    }

    [Fact]
    public async Task Every_pipelined_request_is_decided_on_its_own()
    {
        // Proves that three requests in one write, the second by somebody who may not, get 200, 403 and 200 in order.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        gateway.Upstream.Reply = request => ScriptedUpstream.Json($$"""{"line":"{{request.Line}}"}""");
        await client.SendAsync(Requests.Get(gateway, "/raw/1")
            + Requests.Post(gateway, "/raw/2", "abc", groups: ["support", "contractors"])
            + Requests.Get(gateway, "/raw/3"));
        Assert.Contains("/raw/1", (await client.ReadAsync())!.Text, StringComparison.Ordinal);
        Assert.Equal(403, (await client.ReadAsync())!.Status);
        Assert.Contains("/raw/3", (await client.ReadAsync())!.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(gateway.Upstream.Requests,
            one => one.Line.Contains("/raw/2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_that_has_said_everything_still_gets_its_answer()
    {
        // Proves half-close: the client ends its side with the request, and the answer that comes later is whole.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await goOn.Task;
            await session.WriteAsync(ScriptedUpstream.Json("{\"late\":1}"));
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Post(gateway, "/raw/1", "abc"));
        Task<byte[]> reading = client.ReadToEndAsync();
        goOn.SetResult();
        Assert.EndsWith("{\"late\":1}", Encoding.UTF8.GetString(await reading), StringComparison.Ordinal);
        await client.ServedAsync();
        Assert.False(client.Connection.WasAborted);
    }

    [Theory]
    [InlineData("HTTP/1.0", "Connection: keep-alive, close\r\n", true)]
    [InlineData("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", true)]
    [InlineData("HTTP/1.0", "", true)]
    [InlineData("HTTP/1.0", "Connection: keep-alive\r\n", false)]
    [InlineData("HTTP/1.1", "", false)]
    public async Task Close_wins(string version, string fields, bool closes)
    {
        // Proves RFC 9112 section 9.3: close is honoured whatever is said beside it.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string request = Requests.Get(gateway, "/raw/1", fields).Replace("HTTP/1.1", version, StringComparison.Ordinal);
        string? expected = closes ? "close" : version == "HTTP/1.0" ? "keep-alive" : null;
        Assert.Equal(expected, (await client.CallAsync(request)).Field("Connection"));
        if (closes) await client.ServedAsync();
        else Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
    }

    [Fact]
    public async Task What_policy_matched_is_what_goes_upstream()
    {
        // Proves that path and query leave byte for byte, whichever form they came in.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        foreach (string target in (string[])["/raw/%41;b?x=%zz&y=/../", "http://gateway.test/raw/%41;b?x=%zz&y=/../"])
        {
            Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, target))).Status);
        }

        Assert.All(gateway.Upstream.Requests, one => Assert.Equal("GET /raw/%41;b?x=%zz&y=/../ HTTP/1.1", one.Line));
    }
}
