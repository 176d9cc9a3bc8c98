using System.Net;
using System.Text;
using Countersign.DataPlane.Tests.Calls;
using Countersign.DataPlane.Transport;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Transport;

/// <summary>Every bound on what a client may send: the bound itself passes, one more is refused.</summary>
public sealed class LimitTests
{
    [Theory]
    [InlineData(0, 200, null)]
    [InlineData(1, 431, "headers-too-large")]
    public async Task Head_bytes(int more, int status, string? problem)
    {
        // Proves headBytesMax, the empty line included.
        await CheckAsync(new Limits { HeadBytesMax = 4_096 }, gateway =>
        {
            string bare = Requests.Get(gateway, "/raw/1", "X: \r\n");
            return Requests.Get(gateway, "/raw/1", $"X: {new string('x', 4_096 - bare.Length + more)}\r\n");
        }, status, problem);
    }

    [Theory]
    [InlineData(3, 200, null)]
    [InlineData(4, 431, "headers-too-large")]
    public async Task Fields(int fields, int status, string? problem)
    {
        // Proves fieldsMax: Host and Authorization are two of five.
        await CheckAsync(new Limits { FieldsMax = 5 }, gateway => Requests.Get(
            gateway, "/raw/1", string.Concat(Enumerable.Repeat("A: b\r\n", fields))), status, problem);
    }

    [Theory]
    [InlineData(64, 200, null)]
    [InlineData(65, 414, "target-too-long")]
    public async Task Target(int bytes, int status, string? problem)
    {
        // Proves targetBytesMax over path and query.
        await CheckAsync(new Limits { TargetBytesMax = 64 }, gateway => Requests.Get(
            gateway, "/raw/1?" + new string('q', bytes - 7)), status, problem);
    }

    [Theory]
    [InlineData(10, false, 200, null)]
    [InlineData(11, false, 413, "body-too-large")]
    [InlineData(10, true, 200, null)]
    [InlineData(11, true, 413, "body-too-large")]
    public async Task Body(int bytes, bool isChunked, int status, string? problem)
    {
        // Proves bodyBytesMax for a length that is told and for one that only shows.
        string body = new('x', bytes);
        await CheckAsync(new Limits { BodyBytesMax = 10 }, gateway => isChunked
            ? Chunked(gateway, $"{bytes:x}\r\n{body}\r\n0\r\n\r\n")
            : Requests.Post(gateway, "/raw/1", body), status, problem);
    }

    [Theory]
    [InlineData(10, 428, "approval-required")]
    [InlineData(11, 413, "body-too-large")]
    public async Task A_body_that_pauses(int bytes, int status, string problem)
    {
        // Proves approvalBodyBytesMax on a JSON text of exactly so many bytes.
        await CheckAsync(new Limits { ApprovalBodyBytesMax = 10 }, gateway => Requests.Post(
            gateway, "/billing/a1/refunds", "\"" + new string('x', bytes - 2) + "\""), status, problem);
    }

    [Theory]
    [InlineData("1;abc\r\nx\r\n1;ab\r\ny\r\n0\r\n\r\n", 200)]
    [InlineData("1;abc\r\nx\r\n1;abc\r\ny\r\n0\r\n\r\n", 400)]
    [InlineData("1\r\nx\r\n0\r\nA: b\r\nCc: d\r\n\r\n", 200)]
    [InlineData("1\r\nx\r\n0\r\nA: b\r\nCcc: d\r\n\r\n", 400)]
    [InlineData("1\r\nx\r\n0\r\nA:b\r\nB:\r\nC:\r\n\r\n", 400)]
    public async Task Chunk_extensions_and_trailers(string body, int status)
    {
        // Proves chunkExtensionBytesMax over all chunks, trailerBytesMax with line ends, and trailersMax.
        Limits limits = new() { ChunkExtensionBytesMax = 5, TrailerBytesMax = 13, TrailersMax = 2 };
        await CheckAsync(limits, gateway => Chunked(gateway, body), status,
            status == 400 ? "malformed-request" : null);
    }

    [Fact]
    public async Task Calls_per_connection()
    {
        // Proves callsPerConnectionMax: the last one is served and told to be the last.
        await using MemoryGateway gateway = new(Policies.Standard, new Limits { CallsPerConnectionMax = 2 });
        MemoryClient client = gateway.Connect();
        Assert.Null((await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Field("Connection"));
        WireMessage last = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
        Assert.Equal((200, "close"), (last.Status, last.Field("Connection")));
        await client.ServedAsync();
        Assert.False(client.Connection.WasAborted);
    }

    [Fact]
    public async Task Connections_in_all()
    {
        // Proves connectionsMax: the next one is told 503 and closed, and one that ends makes room.
        await using MemoryGateway gateway = new(Policies.Standard, new Limits { ConnectionsMax = 1 });
        MemoryClient first = gateway.Connect();
        Assert.Equal(200, (await first.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        MemoryClient second = gateway.Connect("198.51.100.1");
        WireMessage shed = await second.CallAsync(Requests.Get(gateway, "/raw/1"));
        Assert.Equal((503, "close"), (shed.Status, shed.Field("Connection")));
        await second.ServedAsync();
        first.Close();
        await first.ServedAsync();
        Assert.Equal(200, (await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", 503)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", 503)]
    [InlineData("192.0.2.1", "192.0.2.2", 200)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", 503)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", 200)]
    public async Task Connections_per_address(string first, string second, int status)
    {
        // Proves connectionsPerAddressMax: one address has one place, IPv6 by /64, IPv4 in either form.
        await using MemoryGateway gateway = new(Policies.Standard, new Limits { ConnectionsPerAddressMax = 1 });
        MemoryClient one = gateway.Connect(first);
        Assert.Equal(200, (await one.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        WireMessage answer = await gateway.Connect(second).CallAsync(Requests.Get(gateway, "/raw/1"));
        Assert.Equal(status, answer.Status);
        one.Close();
        await one.ServedAsync();
        Assert.Equal(200, (await gateway.Connect(first).CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
    }

    [Fact]
    public void Addresses_without_connections_are_forgotten()
    {
        // Proves that the count per address is no memory of everybody who ever came.
        AddressCounts counts = new();
        for (int low = 0; low < 256; low++) Assert.Equal(1, counts.Enter(IPAddress.Parse($"192.0.2.{low}")));
        Assert.Equal(2, counts.Enter(IPAddress.Parse("192.0.2.9")));
        for (int low = 0; low < 256; low++) counts.Leave(IPAddress.Parse($"192.0.2.{low}"));
        Assert.Equal(1, counts.Addresses);
        counts.Leave(IPAddress.Parse("192.0.2.9"));
        Assert.Equal(0, counts.Addresses);
    }

    private static string Chunked(MemoryGateway gateway, string body) =>
        Requests.Head(gateway, "POST", "/raw/1", "Transfer-Encoding: chunked\r\n") + body;

    private static async Task CheckAsync(
        Limits limits, Func<MemoryGateway, string> request, int status, string? problem)
    {
        await using MemoryGateway gateway = new(Policies.Standard, limits);
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Encoding.Latin1.GetBytes(request(gateway)));
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(status, answer.Status);
        if (problem is null) return;
        Assert.Equal("urn:countersign:" + problem, answer.Json.GetProperty("type").GetString());
    }
}
