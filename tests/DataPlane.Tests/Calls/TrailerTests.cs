using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Fields after a body: which go on, to whom, and which end the call.</summary>
public sealed class TrailerTests
{
    private const string ManyTrailers = "X-Sum: 1\r\nDigest: a=b\r\ngrpc-status: 0\r\nAuthorization: Bearer x\r\n"
        + "Set-Cookie: a=b\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nCountersign-Masked: 9\r\n"
        + "Countersign-Call: x\r\nX-Forwarded-For: 1.1.1.1\r\nConnection: close\r\nTrailer: X\r\nTE: trailers\r\n"
        + "Cache-Control: no-store\r\nETag: \"1\"\r\nCookie: a\r\nExpect: 100-continue\r\nRange: bytes=0-1\r\n"
        + "Content-Security-Policy: x\r\ntraceparent: x\r\nUpgrade: x\r\nKeep-Alive: x\r\nVia: x\r\n";

    private static readonly string[] Kept = ["X-Sum: 1", "Digest: a=b", "grpc-status: 0"];

    [Fact]
    public async Task Trailers_of_a_request_go_on_as_far_as_they_may()
    {
        // Proves that a streamed request keeps harmless trailers and their announcement, and loses all that would
        // frame, route, authenticate or speak for the gateway.
        await using MemoryGateway gateway = new(Policies.Standard);
        string head = Requests.Head(gateway, "POST", "/raw/1",
            "Transfer-Encoding: chunked\r\nTrailer: X-Sum, Authorization, Digest\r\n"
            + "Trailer: Content-Length, bad name\r\n");
        MemoryClient client = gateway.Connect();
        Assert.Equal(200, (await client.CallAsync(head + "3\r\nabc\r\n0\r\n" + ManyTrailers + "\r\n")).Status);
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal("abc", seen.Text);
        Assert.Equal(Kept, seen.Trailers);
        Assert.Equal("X-Sum, Digest", seen.Field("Trailer"));
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
    }

    [Fact]
    public async Task Trailers_of_an_approved_request_stay_behind()
    {
        // Proves that what was approved by digest leaves as approved: the buffered body, without fields after it.
        await using MemoryGateway gateway = new(Policies.Standard);
        string request = Requests.Head(gateway, "POST", "/billing/1/refunds",
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n") + "2\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n";
        MemoryClient client = gateway.Connect();
        string id = (await client.CallAsync(request)).Json.GetProperty("approval").GetString()!;
        await gateway.DecideAsync(id, "fay", "finance-leads");
        Assert.Equal(200, (await client.CallAsync(request)).Status);
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal("2", seen.Field("Content-Length"));
        Assert.Empty(seen.Trailers);
    }

    [Theory]
    [InlineData("Content-Length: 3")]
    [InlineData("Transfer-Encoding: chunked")]
    [InlineData("Host: other")]
    [InlineData("X : 1")]
    public async Task A_trailer_that_reads_two_ways_ends_the_call(string trailer)
    {
        // Proves that such a request is refused and that the upstream never sees it end.
        await using MemoryGateway gateway = new(Policies.Standard);
        string head = Requests.Head(gateway, "POST", "/raw/1", "Transfer-Encoding: chunked\r\n");
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(head + "3\r\nabc\r\n0\r\n" + trailer + "\r\n\r\n");
        Assert.Equal(400, answer.Status);
        Assert.Equal("close", answer.Field("Connection"));
        await client.ReadToEndAsync();
        await client.ServedAsync();
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Theory]
    [InlineData("TE: trailers\r\n", true)]
    [InlineData("TE: gzip;q=0.5, Trailers\r\nConnection: TE\r\n", true)]
    [InlineData("TE: gzip\r\n", false)]
    [InlineData("", false)]
    public async Task Trailers_of_an_answer_go_to_who_asked_for_them(string fields, bool asks)
    {
        // Proves that TE decides, that it is asked of the upstream in turn, and that the same filter applies.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => "HTTP/1.1 200 OK\r\nTrailer: X-Sum, Set-Cookie\r\nTransfer-Encoding: chunked\r\n"
            + "\r\n3\r\nabc\r\n0\r\n" + ManyTrailers + "\r\n";
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(Requests.Get(gateway, "/raw/1", fields));
        Assert.Equal("abc", answer.Text);
        Assert.Equal(asks ? Kept : [], answer.Trailers);
        Assert.Equal(asks ? "X-Sum" : null, answer.Field("Trailer"));
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal(asks ? "trailers" : null, seen.Field("TE"));
        Assert.Equal(asks ? "TE" : null, seen.Field("Connection"));
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
        Assert.Equal(1, gateway.Upstream.Dials);
    }

    [Fact]
    public async Task No_trailer_passes_a_mask()
    {
        // Proves that a trailer cannot carry out what the mask took away, asked for or not.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTrailer: X-Ssn\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n18\r\n{\"ssn\":\"123-45-6789\"}  \n\r\n"
            + "0\r\nX-Ssn: 123-45-6789\r\n\r\n";
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/people/1", "TE: trailers\r\n"));
        Assert.Equal(200, answer.Status);
        Assert.Equal(["Countersign-Masked: 1"], answer.Trailers);
        Assert.Equal("Countersign-Masked", answer.Field("Trailer"));
        Assert.Null(Assert.Single(gateway.Upstream.Requests).Field("TE"));
    }

    [Fact]
    public async Task An_unsound_trailer_of_an_answer_cuts_it()
    {
        // Proves that the last chunk is not passed on where the section after it could be read two ways.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
            + "Content-Length: 9\r\n\r\n";
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(Requests.Get(gateway, "/raw/1", "TE: trailers\r\n"));
        Assert.False(answer.IsWhole);
        await client.ServedAsync();
        Assert.True(client.Connection.WasAborted);
    }
}
