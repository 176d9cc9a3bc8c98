using System.Text;
using System.Text.Json;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Which header fields pass, in either direction, and which are the gateway's own.</summary>
public sealed class FieldTests
{
    [Fact]
    public async Task What_ends_at_this_hop_does_not_reach_the_upstream()
    {
        // Proves that hop-by-hop fields, those that Connection names, and all caller credentials stay behind.
        await using MemoryGateway gateway = new(Policies.Standard);
        const string fields = "Connection: X-Private, keep-alive\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n"
            + "TE: gzip\r\n"
            + "Upgrade: h2c\r\nProxy-Authorization: Basic x\r\nProxy-Connection: close\r\nCookie: s=1\r\nDPoP: x\r\n"
            + "Countersign-Reason: why\r\nCountersign-Call: forged\r\nCountersign-Admin: yes\r\n"
            + "X-Forwarded-For: 10.9.9.9\r\n"
            + "Forwarded: for=10.9.9.9\r\nPrefer: wait=1\r\nX-Kept: a\r\nx-kept: b\r\nAccept-Encoding: gzip\r\n";
        Assert.Equal(200, (await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1?q=%20", fields))).Status);
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        string[] gone =
        [
            "Connection", "X-Private", "Keep-Alive", "TE", "Upgrade", "Proxy-Authorization", "Proxy-Connection",
                "Cookie",
            "DPoP", "Authorization", "Countersign-Reason", "Countersign-Admin", "Prefer",
        ];
        foreach (string name in gone) Assert.Empty(seen.All(name));
        Assert.Equal("GET /raw/1?q=%20 HTTP/1.1", seen.Line);
        Assert.Equal("raw.test", seen.Field("Host"));
        Assert.Equal(["a", "b"], seen.All("X-Kept"));
        Assert.Equal("gzip", seen.Field("Accept-Encoding"));
        Assert.Equal("192.0.2.7", seen.Field("X-Forwarded-For"));
        Assert.Equal("for=192.0.2.7;proto=http;host=\"gateway.test\"", seen.Field("Forwarded"));
        Assert.True(Guid.TryParse(seen.Field("Countersign-Call"), out _));
    }

    [Fact]
    public async Task What_ends_at_this_hop_does_not_reach_the_client()
    {
        // Proves the same for answers, and that an upstream cannot speak in the gateway's name.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json(
            "{}",
            "Connection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n"
            + "Upgrade: h2c\r\n"
            + "Trailer: X\r\nCountersign-Masked: 9\r\nCountersign-Call: forged\r\nCountersign-Else: x\r\n"
            + "X-Kept: a\r\nSet-Cookie: a=1\r\n");
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1"));
        foreach (string name in (string[])["Connection", "X-Private", "Keep-Alive", "Proxy-Authenticate", "Upgrade",
            "Trailer", "Countersign-Masked", "Countersign-Else"])
        {
            Assert.Empty(answer.All(name));
        }

        Assert.Equal("a", answer.Field("X-Kept"));
        Assert.True(Guid.TryParse(answer.Field("Countersign-Call"), out Guid call));
        Assert.Equal(call.ToString(), Assert.Single(gateway.Upstream.Requests).Field("Countersign-Call"));
        Assert.Single(answer.All("Date"));
    }

    [Fact]
    public async Task The_upstream_sees_the_lent_credential()
    {
        // Proves that the credential is a JWT of the gateway's for this function, reused only for the same low-risk
        // one.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string asAnn = Requests.Get(gateway, "/people/1");
        await client.CallAsync(asAnn);
        await client.CallAsync(asAnn);
        await client.CallAsync(Requests.Get(gateway, "/billing/1"));
        await client.CallAsync(Requests.Get(gateway, "/people/1", subject: "bob"));
        string[] lent = [.. gateway.Upstream.Requests.Select(one => one.Field("Authorization")!)];
        Assert.Equal(lent[0], lent[1]);
        Assert.NotEqual(lent[0], lent[3]);
        JsonElement claims = ClaimsOf(lent[0]);
        Assert.Equal("people", claims.GetProperty("aud").GetString());
        Assert.Equal("people.get", claims.GetProperty("sub").GetString());
        Assert.Equal("ann", claims.GetProperty("act").GetProperty("sub").GetString());
        Assert.Equal(gateway.Upstream.Requests[0].Field("Countersign-Call"), claims.GetProperty("jti").GetString());
        Assert.Equal("billing.get", ClaimsOf(lent[2]).GetProperty("sub").GetString());
    }

    [Theory]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\n", true)]
    [InlineData("", false)]
    [InlineData("traceparent: 00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-00\r\n", false)]
    [InlineData("traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-00\r\n", false)]
    [InlineData("traceparent: 01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\n", false)]
    public async Task A_trace_is_continued_or_begun(string field, bool continues)
    {
        // Proves that a sound traceparent keeps its trace and flags under a new parent, and that any other begins one.
        await using MemoryGateway gateway = new(Policies.Standard);
        await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1", field));
        string sent = Assert.Single(gateway.Upstream.Requests).Field("traceparent")!;
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$", sent);
        Assert.DoesNotContain("b7ad6b7169203331", sent, StringComparison.Ordinal);
        Assert.Equal(continues, sent.StartsWith("00-0af7651916cd43dd8448eb211c80319c-", StringComparison.Ordinal));
        Assert.EndsWith(continues ? "-00" : "-01", sent, StringComparison.Ordinal);
    }

    private static JsonElement ClaimsOf(string authorization)
    {
        string part = authorization["Bearer ".Length..].Split('.')[1];
        return JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(part)).RootElement;
    }

    [Theory]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\n", true)]
    [InlineData("traceparent: nonsense\r\n", false)]
    [InlineData("", false)]
    public async Task Trace_state_goes_on_only_with_its_trace(string trace, bool goesOn)
    {
        // Proves that vendor state is dropped with a trace that does not go on, by sending it with and without one.
        await using MemoryGateway gateway = new(Policies.Standard);
        string fields = trace + "tracestate: vendor=1\r\n";
        Assert.Equal(200, (await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1", fields))).Status);
        string[] expected = goesOn ? ["vendor=1"] : [];
        Assert.Equal(expected, Assert.Single(gateway.Upstream.Requests).All("tracestate"));
    }

    [Theory]
    [InlineData("GET", "/people/1", "If-Modified-Since")]
    [InlineData("HEAD", "/people/1", "If-Modified-Since")]
    [InlineData("GET", "/raw/1", "If-Match,If-None-Match,If-Range,If-Modified-Since,Range")]
    public async Task A_guessed_tag_is_not_confirmed_under_a_mask(string method, string target, string passes)
    {
        // Proves that conditions on the unmasked body's tag do not reach the upstream where its answer is masked.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\nContent-Length: 9\r\n\r\n";
        const string fields = "If-Match: \"a\"\r\nIf-None-Match: \"b\"\r\nIf-Range: \"c\"\r\n"
            + "If-Modified-Since: Sun, 01 Mar 2026 12:00:00 GMT\r\nRange: bytes=0-1\r\n";
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Head(gateway, method, target, fields), false);
        Assert.Equal(304, answer.Status);
        Assert.Equal(target == "/raw/1", answer.Field("ETag") is not null);
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        string[] names = ["If-Match", "If-None-Match", "If-Range", "If-Modified-Since", "Range"];
        Assert.Equal(passes, string.Join(',', names.Where(name => seen.Field(name) is not null)));
    }

    [Fact]
    public async Task Digests_of_the_unmasked_body_do_not_pass_with_a_masked_one()
    {
        // Proves that digests, which no longer hold and would confirm guesses, are dropped under a mask only.
        const string digests = "Content-MD5: a\r\nContent-Digest: b\r\nRepr-Digest: c\r\nDigest: d\r\n"
            + "ETag: \"e\"\r\nAccept-Ranges: bytes\r\nContent-Range: bytes */2\r\n";
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{}", digests);
        WireMessage masked = await gateway.Connect().CallAsync(Requests.Get(gateway, "/people/1"));
        WireMessage raw = await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1"));
        foreach (string name in (string[])["Content-MD5", "Content-Digest", "Repr-Digest", "Digest", "ETag",
            "Accept-Ranges", "Content-Range"])
        {
            Assert.Empty(masked.All(name));
            Assert.Single(raw.All(name));
        }
    }
}
