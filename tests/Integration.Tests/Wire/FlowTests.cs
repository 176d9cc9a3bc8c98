using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Countersign.DataPlane;
using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Wire;

/// <summary>Bytes that come all at once, one at a time, or faster than they are taken, over each transport.</summary>
public sealed class FlowTests
{
    private const int PieceBytes = 65_536;
    private const int Pieces = 1_024;

    // The kernel's buffers of four sockets at their largest, a few MiB each, and the gateway's own of at most 100 KiB;
    // the body offered is 64 MiB.
    private const long HeldBytesMax = 24L * 1024 * 1024;

    [Theory]
    [InlineData(DataTransport.IoUring)]
    [InlineData(DataTransport.Epoll)]
    [InlineData(DataTransport.Kestrel)]
    public async Task A_hundred_requests_in_one_segment_are_a_hundred_answers_in_order(DataTransport transport)
    {
        // Proves pipelining at depth: each answer names its request's target, in the order of the requests.
        await using WireGateway gateway = await WireGateway.StartAsync(transport);
        using WirePeer client = await gateway.ConnectAsync();
        StringBuilder requests = new();
        for (int one = 0; one < 100; one++) requests.Append(gateway.Head("GET", $"/raw/{one}"));
        await client.SendAsync(requests.ToString());
        for (int one = 0; one < 100; one++) Assert.Equal($"/raw/{one}", (await client.ReadMessageAsync()).Body);
        client.FinishSending();
        Assert.Equal(WireEnd.Finished, await client.EndsAsync());
        Assert.Equal(Enumerable.Repeat("ok", 100), await gateway.VerdictsAsync());
    }

    [Theory]
    [InlineData(DataTransport.IoUring)]
    [InlineData(DataTransport.Epoll)]
    [InlineData(DataTransport.Kestrel)]
    public async Task Clients_that_come_one_after_another_use_the_same_upstream_connections(DataTransport transport)
    {
        // Proves that a request which arrives with its connection is served where kept connections are: some calls may
        // find the last one's not back yet, but not most.
        await using WireGateway gateway = await WireGateway.StartAsync(transport);
        for (int one = 0; one < 60; one++)
        {
            using WirePeer client = await gateway.ConnectAsync();
            await client.SendAsync(gateway.Head("GET", $"/raw/{one}"));
            Assert.Equal($"/raw/{one}", (await client.ReadMessageAsync()).Body);
        }

        Assert.InRange(gateway.Upstream.Connections, 1, 20);
    }

    [Theory]
    [InlineData(DataTransport.IoUring)]
    [InlineData(DataTransport.Epoll)]
    [InlineData(DataTransport.Kestrel)]
    public async Task A_byte_at_a_time_both_ways_is_the_same_call(DataTransport transport)
    {
        // Proves that nothing depends on how bytes are cut: a chunked request and its answer, each byte sent alone.
        await using WireGateway gateway = await WireGateway.StartAsync(transport);
        TaskCompletionSource<string> seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        const string Chunks = "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nT: v\r\n\r\n";
        gateway.Upstream.Script = async peer =>
        {
            await peer.ReadHeadAsync();
            StringBuilder body = new();
            while (!body.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                body.Append(await peer.ReadAsync(1));
            }

            seen.SetResult(body.ToString());
            foreach (char one in WireUpstream.Answer("answer")) await peer.SendAsync(one.ToString());
        };
        using WirePeer client = await gateway.ConnectAsync();
        string request = gateway.Head("POST", "/raw/1", "Transfer-Encoding: chunked\r\n") + Chunks;
        foreach (char one in request) await client.SendAsync(one.ToString());
        Assert.Equal("answer", (await client.ReadMessageAsync()).Body);
        Assert.Equal("hello world", Unchunk(await seen.Task));
        client.Dispose();
        Assert.Equal(["ok"], await gateway.VerdictsAsync());
    }

    [Theory]
    [InlineData(DataTransport.IoUring)]
    [InlineData(DataTransport.Epoll)]
    [InlineData(DataTransport.Kestrel)]
    public async Task A_client_that_does_not_read_stops_the_upstream_and_is_cut(DataTransport transport)
    {
        // Proves back-pressure by what the upstream could send of 64 MiB before the gateway gave the client up, and
        // that it was given up.
        Limits limits = new() { AnswerBytesPerSecondMin = 100_000_000, RateWindow = TimeSpan.FromSeconds(2) };
        await using WireGateway gateway = await WireGateway.StartAsync(transport, limits);
        TaskCompletionSource<long> sent = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {(long)Pieces * PieceBytes}\r\n\r\n");
            sent.SetResult(await SendAsync(peer));
        };
        using WirePeer client = await gateway.ConnectAsync(receiveBytes: 16_384);
        await client.SendAsync(gateway.Head("GET", "/raw/1"));
        Assert.InRange(await sent.Task.WaitAsync(CountersignProcess.PatienceMax, Test), 1, HeldBytesMax);
        Assert.Equal(WireEnd.Reset, await client.EndsAsync());
        Assert.Equal(["client-gone"], await gateway.VerdictsAsync());
    }

    [Theory]
    [InlineData(DataTransport.IoUring)]
    [InlineData(DataTransport.Epoll)]
    [InlineData(DataTransport.Kestrel)]
    public async Task An_upstream_that_does_not_read_stops_the_client(DataTransport transport)
    {
        // Proves the same upwards: what the client could send of 64 MiB before the upstream, which read the head and no
        // more, ran out of time.
        await using WireGateway gateway = await WireGateway.StartAsync(transport);
        gateway.Upstream.Script = static peer => peer.ReadHeadAsync();
        using WirePeer client = await gateway.ConnectAsync();
        await client.SendAsync(gateway.Head("POST", "/brief/1", $"Content-Length: {(long)Pieces * PieceBytes}\r\n"));
        Assert.InRange(await SendAsync(client), 1, HeldBytesMax);
        Assert.Equal(["upstream-timeout"], await gateway.VerdictsAsync());
    }

    [Theory]
    [InlineData(DataTransport.IoUring)]
    [InlineData(DataTransport.Epoll)]
    [InlineData(DataTransport.Kestrel)]
    public async Task A_large_body_passes_whole_through_a_small_window(DataTransport transport)
    {
        // Proves that waiting for the client loses and repeats no byte: 16 MiB through a receive buffer of 16 KiB.
        await using WireGateway gateway = await WireGateway.StartAsync(transport);
        byte[] body = RandomNumberGenerator.GetBytes(16 * 1024 * 1024);
        gateway.Upstream.Script = async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n");
            await peer.SendAsync(body);
        };
        using WirePeer client = await gateway.ConnectAsync(receiveBytes: 16_384);
        await client.SendAsync(gateway.Head("GET", "/raw/1"));
        await client.ReadHeadAsync();
        string received = await client.ReadAsync(body.Length);
        Assert.Equal(SHA256.HashData(body), SHA256.HashData(Encoding.Latin1.GetBytes(received)));
        client.Dispose();
        Assert.Equal(["ok"], await gateway.VerdictsAsync());
    }

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    // Sends pieces until the other end lets go; how many bytes the kernel took.
    private static async Task<long> SendAsync(WirePeer peer)
    {
        byte[] piece = new byte[PieceBytes];
        long sent = 0;
        try
        {
            for (int count = 0; count < Pieces; count++)
            {
                await peer.SendAsync(piece);
                sent += PieceBytes;
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // That is what is waited for.
        }

        return sent;
    }

    private static string Unchunk(string chunks)
    {
        StringBuilder body = new();
        for (int at = 0; ;)
        {
            int line = chunks.IndexOf("\r\n", at, StringComparison.Ordinal);
            int count = Convert.ToInt32(chunks[at..line], 16);
            if (count == 0) return body.ToString();
            body.Append(chunks, line + 2, count);
            at = line + 2 + count + 2;
        }
    }
}
