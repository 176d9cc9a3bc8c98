using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Countersign.DataPlane.Upstream;
using Countersign.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>What upstreams do wrong, and what the client then gets.</summary>
public sealed class UpstreamFaultTests
{
    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task What_was_sent_is_never_sent_again(string method)
    {
        // Proves that a call whose kept connection closed without a byte is answered 502 and reached the upstream once,
        // whatever its method: nobody knows how much of it was read.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = await WarmAsync(gateway);
        int calls = 0;
        gateway.Upstream.Reply = _ => calls++ == 0 ? null : ScriptedUpstream.Json("{}");
        WireMessage answer = await client.CallAsync(
            method == "GET" ? Requests.Get(gateway, "/raw/2") : Requests.Post(gateway, "/raw/2", "{}"));
        Assert.Equal(502, answer.Status);
        Assert.Equal("urn:countersign:upstream-failed", answer.Json.GetProperty("type").GetString());
        Assert.Equal(1, calls);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
    }

    [Fact]
    public async Task A_strict_call_is_never_retried_and_gets_a_connection_of_its_own()
    {
        // Proves that a high-risk call rides no kept connection and is sent once, even as a GET.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = await WarmAsync(gateway);
        int calls = 0;
        gateway.Upstream.Reply = _ => calls++ == 0 ? null : ScriptedUpstream.Json("{}");
        Assert.Equal(502, (await client.CallAsync(Requests.Get(gateway, "/strict/2"))).Status);
        Assert.Equal(1, calls);
        Assert.Equal(2, gateway.Upstream.Dials);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_cut_in_the_middle_is_cut_for_the_client(bool isChunked)
    {
        // Proves that a reset mid-body aborts the client's connection and never ends the body as if it were whole.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource cut = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            string framing = isChunked ? "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                : "Content-Length: 10\r\n\r\nhello";
            await session.WriteAsync("HTTP/1.1 200 OK\r\n" + framing);
            await cut.Task;
            session.Reset();
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/raw/1"));
        await client.WaitForAsync(100);
        cut.SetResult();
        WireMessage answer = (await client.ReadAsync())!;
        Assert.False(answer.IsWhole);
        Assert.Equal("hello", answer.Text.TrimEnd('\r', '\n'));
        await client.ServedAsync();
        Assert.True(client.Connection.WasAborted);
        var outcome = (await gateway.CloseAuditAsync())[^1];
        Assert.Equal("upstream-failed", outcome.GetProperty("verdict").GetString());
    }

    [Theory]
    [InlineData("Content-Length: 10\r\n\r\nhello")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")]
    public async Task An_answer_that_ends_early_in_good_order_is_cut_too(string rest)
    {
        // Proves that an orderly close before the end of the body never makes a complete-looking answer, even for a
        // client that takes the end of the connection for the end of the body.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync("HTTP/1.1 200 OK\r\n" + rest);
            session.Close();
        };
        foreach (string version in (string[])["HTTP/1.0", "HTTP/1.1"])
        {
            MemoryClient client = gateway.Connect();
            await client.SendAsync(
                Requests.Get(gateway, "/raw/1").Replace("HTTP/1.1", version, StringComparison.Ordinal));
            WireMessage answer = (await client.ReadAsync())!;
            await client.ServedAsync();
            Assert.True(client.Connection.WasAborted);
            if (version == "HTTP/1.1") Assert.False(answer.IsWhole);
        }
    }

    [Fact]
    public async Task Bytes_on_an_idle_connection_disqualify_it()
    {
        // Proves that an answer sent before anything was asked is never taken for the answer of the next call.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource<UpstreamSession> idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            while (await session.ReadAsync() is not null)
            {
                await session.WriteAsync(ScriptedUpstream.Json("{\"good\":1}"));
                idle.TrySetResult(session);
            }
        };
        MemoryClient client = gateway.Connect();
        Assert.Equal("{\"good\":1}", (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Text);
        await (await idle.Task).WriteAsync(ScriptedUpstream.Json("{\"evil\":1}"));
        Assert.Equal("{\"good\":1}", (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Text);
        Assert.Equal(2, gateway.Upstream.Dials);
    }

    [Theory]
    [InlineData("HTTP/2 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 0\n\n")]
    [InlineData("HTTP/1.1 200 OK\r\nA : b\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.9\r\n\r\n")]
    public async Task An_unsound_answer_is_refused(string reply)
    {
        // Proves that a head which could be read two ways becomes 502, and that its connection is used no more.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => reply;
        MemoryClient client = gateway.Connect();
        Assert.Equal(502, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{}");
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal(2, gateway.Upstream.Dials);
    }

    [Fact]
    public async Task Bytes_after_an_answer_disqualify_the_connection()
    {
        // Proves against response smuggling: a second, unasked answer is never given to the next call.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = request => request.Line.Contains("/raw/1", StringComparison.Ordinal)
            ? ScriptedUpstream.Json("{}") + ScriptedUpstream.Json("{\"evil\":1}")
            : ScriptedUpstream.Json("{\"good\":1}");
        MemoryClient client = gateway.Connect();
        Assert.Equal("{}", (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Text);
        Assert.Equal("{\"good\":1}", (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Text);
        Assert.Equal(2, gateway.Upstream.Dials);
    }

    [Fact]
    public async Task An_upstream_that_is_silent_times_out()
    {
        // Proves that the policy's timeout, by the clock that is passed in, ends in 504.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            arrived.SetResult();
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/raw/1"));
        await arrived.Task;
        gateway.Advance(TimeSpan.FromSeconds(6));
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(504, answer.Status);
        Assert.Equal("urn:countersign:upstream-timeout", answer.Json.GetProperty("type").GetString());
    }

    [Fact]
    public async Task An_upstream_that_is_away_is_answered_502()
    {
        // Proves that a refused connection is 502, and the client's connection goes on.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.IsAway = true;
        MemoryClient client = gateway.Connect();
        Assert.Equal(502, (await client.CallAsync(Requests.Post(gateway, "/raw/1", "{}"))).Status);
        gateway.Upstream.IsAway = false;
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
    }

    [Fact]
    public async Task An_idle_connection_ages_out()
    {
        // Proves that a connection idle for longer than upstreams keep theirs is not used again.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = await WarmAsync(gateway);
        gateway.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
        Assert.Equal(2, gateway.Upstream.Dials);
    }

    [Fact]
    public async Task A_client_that_reads_nothing_is_let_go()
    {
        // Proves that an answer which trickles to a client that never reads ends by the stall limit, not never.
        await using MemoryGateway gateway = new(Policies.Standard,
            new Limits { ClientStall = TimeSpan.FromSeconds(3), AnswerBytesPerSecondMin = 0 });
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync("HTTP/1.1 200 OK\r\n\r\n");
            string piece = new('x', 20_000);
            for (int count = 0; count < 4; count++) await session.WriteAsync(piece);
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/raw/1"));
        gateway.Advance(TimeSpan.FromSeconds(4));
        await client.ServedAsync();
        Assert.True(client.Connection.WasAborted);
        Assert.Equal("client-gone", (await gateway.CloseAuditAsync())[^1].GetProperty("verdict").GetString());
    }

    [Theory]
    [InlineData("GET", "/raw/1")]
    [InlineData("POST", "/raw/1")]
    [InlineData("GET", "/strict/1")]
    public async Task A_server_that_refuses_behind_the_handshake_failed_in_tls(string method, string target)
    {
        // Proves that it is told as what it is: the caller hears that TLS failed, the audit which alert, the connection
        // counts as one that failed to open, and the call, which had left, is not made again.
        await using MemoryGateway gateway = new(Policies.Standard);
        using TestCertificates certificates = new(gateway.Clock.GetUtcNow());
        using X509Certificate2 certificate = certificates.Issue("raw.test");
        UpstreamTlsFront front = new(gateway.Clock, NullLogger.Instance);
        gateway.Upstream.Script = session => TlsPeer.RefuseAsync(session.Connection, certificate);
        gateway.Upstream.Meeting = async connection =>
        {
            UpstreamTlsOutcome met = await front.SecureAsync(
                connection, "raw.test", new(certificates.RootFile, null, null, null), TimeSpan.FromSeconds(5));
            return new Dialled(met.Connection, met.Refusal);
        };
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(
            method == "GET" ? Requests.Get(gateway, target) : Requests.Post(gateway, target, "{}"));
        Assert.Equal((502, "TLS with the function failed before it answered."),
            (answer.Status, answer.Json.GetProperty("detail").GetString()));
        Assert.DoesNotContain("alert", answer.Text, StringComparison.Ordinal);
        UpstreamMetrics metrics = gateway.Pools.Metrics;
        Assert.Equal((1, 1, 0), (gateway.Upstream.Dials, metrics.ConnectsFailed, metrics.Retries));
        JsonElement outcome = (await gateway.CloseAuditAsync())[^1];
        Assert.Equal(("upstream-failed", "TLS with the function failed: alert bad_record_mac."),
            (outcome.GetProperty("verdict").GetString(), outcome.GetProperty("detail").GetString()));
    }

    private static async Task<MemoryClient> WarmAsync(MemoryGateway gateway)
    {
        MemoryClient client = gateway.Connect();
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal(1, gateway.Upstream.Dials);
        return client;
    }
}
