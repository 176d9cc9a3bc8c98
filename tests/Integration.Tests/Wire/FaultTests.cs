using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Countersign.DataPlane;
using Countersign.Integration.Tests.EndToEnd;
using Countersign.Kit;
using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Integration.Tests.Wire;

/// <summary>Peers that go away or half away, on real sockets, over each transport.</summary>
public sealed class FaultTests
{
    [Theory]
    [InlineData(DataTransport.IoUring, "Content-Length: 100\r\n\r\nhello", true)]
    [InlineData(DataTransport.Epoll, "Content-Length: 100\r\n\r\nhello", true)]
    [InlineData(DataTransport.IoUring, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true)]
    [InlineData(DataTransport.Epoll, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true)]
    [InlineData(DataTransport.IoUring, "Content-Length: 100\r\n\r\nhello", false)]
    [InlineData(DataTransport.Epoll, "Content-Length: 100\r\n\r\nhello", false)]
    [InlineData(DataTransport.Kestrel, "Content-Length: 100\r\n\r\nhello", true)]
    [InlineData(DataTransport.Kestrel, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true)]
    [InlineData(DataTransport.Kestrel, "Content-Length: 100\r\n\r\nhello", false)]
    public async Task An_upstream_that_goes_mid_body_resets_the_client(
        DataTransport transport, string rest, bool resets)
    {
        // Proves that an answer cut short ends with a reset at the client, however the upstream went.
        await using WireGateway gateway = await WireGateway.StartAsync(transport);
        TaskCompletionSource seen = NewSignal();
        gateway.Upstream.Script = async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\n" + rest);
            await seen.Task;
            if (resets) peer.Reset();
            else peer.Dispose();
        };
        using WirePeer client = await gateway.ConnectAsync();
        await client.SendAsync(gateway.Head("GET", "/raw/1"));
        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadHeadAsync(), StringComparison.Ordinal);
        seen.SetResult();
        Assert.Equal(WireEnd.Reset, await client.EndsAsync());
        Assert.Equal(["upstream-failed"], await gateway.VerdictsAsync());
    }

    [Theory]
    [InlineData(DataTransport.IoUring, true)]
    [InlineData(DataTransport.Epoll, true)]
    [InlineData(DataTransport.IoUring, false)]
    [InlineData(DataTransport.Epoll, false)]
    [InlineData(DataTransport.Kestrel, true)]
    [InlineData(DataTransport.Kestrel, false)]
    public async Task A_client_that_goes_while_the_upstream_streams_ends_the_upstream(
        DataTransport transport, bool resets)
    {
        // Proves that an endless answer ends with its client: the upstream's own sending fails.
        await using WireGateway gateway = await WireGateway.StartAsync(transport);
        TaskCompletionSource<SocketError> cut = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\n\r\n");
            try
            {
                while (true) await peer.SendAsync(new byte[16_384]);
            }
            catch (SocketException fault)
            {
                cut.SetResult(fault.SocketErrorCode);
            }
        };
        using WirePeer client = await gateway.ConnectAsync();
        await client.SendAsync(gateway.Head("GET", "/raw/1"));
        await client.ReadAsync(100_000);
        if (resets) client.Reset();
        else client.Dispose();
        Assert.Contains(await cut.Task.WaitAsync(CountersignProcess.PatienceMax, Test),
            (SocketError[])[SocketError.ConnectionReset, SocketError.Shutdown]);
        Assert.Equal(["client-gone"], await gateway.VerdictsAsync());
    }

    [Theory]
    [InlineData(DataTransport.IoUring, "")]
    [InlineData(DataTransport.Epoll, "")]
    [InlineData(DataTransport.IoUring, "GET /raw/1 HTTP/1.1\r\nHost: a\r\nAuth")]
    [InlineData(DataTransport.Epoll, "GET /raw/1 HTTP/1.1\r\nHost: a\r\nAuth")]
    [InlineData(DataTransport.Kestrel, "")]
    [InlineData(DataTransport.Kestrel, "GET /raw/1 HTTP/1.1\r\nHost: a\r\nAuth")]
    public async Task A_client_that_resets_before_its_request_is_forgotten(DataTransport transport, string sent)
    {
        // Proves that no call is made or written down of a request that never came.
        await using WireGateway gateway = await WireGateway.StartAsync(transport);
        WirePeer client = await gateway.ConnectAsync();
        await client.SendAsync(sent);
        await Until.TrueAsync(() => Task.FromResult(gateway.Listener.Connections == 1));
        client.Reset();
        Assert.Empty(await gateway.VerdictsAsync());
    }

    [Theory]
    [InlineData(DataTransport.IoUring, true)]
    [InlineData(DataTransport.Epoll, true)]
    [InlineData(DataTransport.IoUring, false)]
    [InlineData(DataTransport.Epoll, false)]
    [InlineData(DataTransport.Kestrel, true)]
    [InlineData(DataTransport.Kestrel, false)]
    public async Task A_client_that_goes_mid_body_ends_the_upstreams_request(DataTransport transport, bool resets)
    {
        // Proves that half a body never becomes a whole one upstream: that connection is reset before its length.
        await using WireGateway gateway = await WireGateway.StartAsync(transport);
        TaskCompletionSource half = NewSignal();
        TaskCompletionSource<WireEnd> end = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.ReadAsync(4);
            half.SetResult();
            end.SetResult(await peer.EndsAsync());
        };
        WirePeer client = await gateway.ConnectAsync();
        await client.SendAsync(gateway.Head("POST", "/raw/1", "Content-Length: 10\r\n") + "half");
        await half.Task.WaitAsync(CountersignProcess.PatienceMax, Test);
        if (resets) client.Reset();
        else client.Dispose();
        Assert.Equal(WireEnd.Reset, await end.Task.WaitAsync(CountersignProcess.PatienceMax, Test));
        Assert.Equal(["client-gone"], await gateway.VerdictsAsync());
    }

    [Theory]
    [InlineData(DataTransport.IoUring)]
    [InlineData(DataTransport.Epoll)]
    [InlineData(DataTransport.Kestrel)]
    public async Task A_client_that_has_said_all_gets_its_answer_and_an_end(DataTransport transport)
    {
        // Proves the client's half-close: a call that needs nobody, and one that must be approved and is not held,
        // are answered whole, and the connection ends in order.
        await using WireGateway gateway = await WireGateway.StartAsync(transport);
        using WirePeer client = await gateway.ConnectAsync();
        await client.SendAsync(gateway.Head("GET", "/raw/1")
            + gateway.Head("POST", "/held/1", "Content-Length: 2\r\nPrefer: respond-async\r\n") + "{}"
            + gateway.Head("GET", "/raw/2"));
        client.FinishSending();
        Assert.Equal("/raw/1", (await client.ReadMessageAsync()).Body);
        Assert.StartsWith("HTTP/1.1 202", (await client.ReadMessageAsync()).Head, StringComparison.Ordinal);
        Assert.Equal("/raw/2", (await client.ReadMessageAsync()).Body);
        Assert.Equal(WireEnd.Finished, await client.EndsAsync());
        Assert.Equal(["ok", "approval-accepted", "ok"], await gateway.VerdictsAsync());
    }

    [Theory]
    [InlineData(DataTransport.IoUring)]
    [InlineData(DataTransport.Epoll)]
    [InlineData(DataTransport.Kestrel)]
    public async Task An_upstream_that_has_said_all_is_read_to_its_end(DataTransport transport)
    {
        // Proves the upstream's half-close: an answer without framing is whole, and is chunked on.
        await using WireGateway gateway = await WireGateway.StartAsync(transport);
        gateway.Upstream.Script = async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\n\r\nhello");
            peer.FinishSending();
            await peer.EndsAsync();
        };
        using WirePeer client = await gateway.ConnectAsync();
        await client.SendAsync(gateway.Head("GET", "/raw/1"));
        await client.ReadHeadAsync();
        const string Body = "5\r\nhello\r\n0\r\n\r\n";
        Assert.Equal(Body, (await client.ReadAsync(Body.Length)).ToString());
        client.FinishSending();
        Assert.Equal(WireEnd.Finished, await client.EndsAsync());
        Assert.Equal(["ok"], await gateway.VerdictsAsync());
    }

    [Theory]
    [InlineData(DataTransport.IoUring, true)]
    [InlineData(DataTransport.Epoll, true)]
    [InlineData(DataTransport.IoUring, false)]
    [InlineData(DataTransport.Epoll, false)]
    [InlineData(DataTransport.Kestrel, true)]
    [InlineData(DataTransport.Kestrel, false)]
    public async Task A_held_call_ends_with_its_clients_side(DataTransport transport, bool resets)
    {
        // Proves that nobody's call is claimed: a client that resets, or ends its side and might be gone, is held no
        // longer, and an approval that comes afterwards makes no call.
        await using WireGateway gateway = await WireGateway.StartAsync(transport);
        using WirePeer client = await gateway.ConnectAsync();
        await client.SendAsync(gateway.Head("POST", "/held/1", "Content-Length: 2\r\n") + "{}");
        await Until.TrueAsync(() => Task.FromResult(gateway.Listener.Admission.Parked == 1));
        if (resets) client.Reset();
        else client.FinishSending();
        await gateway.QuietAsync();
        if (!resets) Assert.Equal(WireEnd.Finished, await client.EndsAsync());
        Approval asked = Assert.Single(await gateway.ApprovalsAsync());
        Assert.Equal(ApprovalState.Pending, asked.State);
        await gateway.ApproveAsync(asked);
        Assert.Equal(ApprovalState.Approved, Assert.Single(await gateway.ApprovalsAsync()).State);
        Assert.Equal(["client-gone"], await gateway.VerdictsAsync());
    }

    [Theory]
    [InlineData(DataTransport.IoUring, true)]
    [InlineData(DataTransport.Epoll, true)]
    [InlineData(DataTransport.Kestrel, false)]
    public async Task A_refusal_over_tls_ends_tls_and_then_the_sockets_side(DataTransport transport, bool endsSocket)
    {
        // Proves RFC 9112 section 9.6 over TLS: the answer, the end of TLS and, on our own transports, the socket's end
        // come while the connection lingers, and it is let go when the client ends. Seen late, it lingers no more.
        using TestCertificates certificates = new(TimeProvider.System.GetUtcNow());
        (string certificate, string key) = certificates.IssueFiles("127.0.0.1");
        await using WireGateway gateway = await WireGateway.StartAsync(
            transport, tls: new DataTlsOptions { Certificates = [new CertificateFiles(certificate, key)] });
        bool lingers = false;
        for (int look = 0; look < 5 && !lingers; look++) lingers = await LingersAsync(gateway, endsSocket);
        Assert.True(lingers);
    }

    [Theory]
    [InlineData(DataTransport.IoUring)]
    [InlineData(DataTransport.Epoll)]
    [InlineData(DataTransport.Kestrel)]
    public async Task A_quiet_connection_is_ended_by_tls_before_its_socket(DataTransport transport)
    {
        // Proves RFC 5246 section 7.2.1 for a connection whose time between calls is up: the alert close_notify leaves
        // before the end of the socket, so that the client need not take it for an attack. In TLS 1.2, where a record
        // tells that it is an alert (section 6.2.1).
        const byte Alert = 21;
        using TestCertificates certificates = new(TimeProvider.System.GetUtcNow());
        (string certificate, string key) = certificates.IssueFiles("127.0.0.1");
        await using WireGateway gateway = await WireGateway.StartAsync(
            transport, new Limits { KeepAliveIdle = TimeSpan.FromMilliseconds(100) },
            new DataTlsOptions { Certificates = [new CertificateFiles(certificate, key)] });
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await using SslStream client = await ConnectTlsAsync(gateway, socket, SslProtocols.Tls12);
        await client.WriteAsync("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), Test);
        byte[] buffer = new byte[16_384];
        StringBuilder answer = new();
        while (!answer.ToString().EndsWith('}'))
        {
            int count = await client.ReadAsync(buffer, Test);
            Assert.NotEqual(0, count);
            answer.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        Assert.InRange(await socket.ReceiveAsync(buffer, Test), 1, buffer.Length);
        Assert.Equal(Alert, buffer[0]);
        Assert.Equal(0, await socket.ReceiveAsync(buffer, Test));
        await gateway.QuietAsync();
    }

    private static async Task<SslStream> ConnectTlsAsync(
        WireGateway gateway, Socket socket, SslProtocols protocols = SslProtocols.None)
    {
        Uri address = new(gateway.Listener.Addresses[0]);
        await socket.ConnectAsync(address.Host, address.Port, Test);
        SslStream client = new(new NetworkStream(socket));
        await client.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = address.Host,
                EnabledSslProtocols = protocols,
#pragma warning disable CA5359 // Who is met is not what is tested.
                RemoteCertificateValidationCallback = static (_, _, _, _) => true,
#pragma warning restore CA5359
            },
            Test);
        return client;
    }

    private static async Task<bool> LingersAsync(WireGateway gateway, bool endsSocket)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await using SslStream client = await ConnectTlsAsync(gateway, socket);
        await client.WriteAsync("GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\nmore"u8.ToArray(), Test);
        using StreamReader reader = new(client, Encoding.Latin1, leaveOpen: true);
        Assert.StartsWith("HTTP/1.1 400 ", await reader.ReadToEndAsync(Test), StringComparison.Ordinal);
        if (endsSocket) Assert.Equal(0, await socket.ReceiveAsync(new byte[1], Test));
        bool lingers = gateway.Listener.Connections == 1;
        socket.Shutdown(SocketShutdown.Send);
        await gateway.QuietAsync();
        return lingers;
    }

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
