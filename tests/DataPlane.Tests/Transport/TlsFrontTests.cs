using System.IO.Pipelines;
using System.Security.Authentication;
using System.Text;
using Countersign.DataPlane.Tests.Calls;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Transport;

/// <summary>TLS on the data listener, over in-memory connections: the whole gateway behind a real handshake.</summary>
public sealed class TlsFrontTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TestCertificates _certificates = new(Now);

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Calls_are_served_over_tls(SslProtocols version)
    {
        // Proves the handshake, ALPN, two calls on one connection, and that the upstream is told of https.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        using TlsPeer client = await TlsPeer.AsClientAsync(
            gateway.Connect().Connection, protocols: version, alpn: ["h2", "http/1.1"]);
        Assert.Equal(version, client.Stream.SslProtocol);
        Assert.Equal("http/1.1", client.Stream.NegotiatedApplicationProtocol.ToString());
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
        Assert.All(gateway.Upstream.Requests, request => Assert.Equal("https", request.Field("X-Forwarded-Proto")));
        Assert.Contains("proto=https", gateway.Upstream.Requests[0].Field("Forwarded"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Large_bodies_pass_whole_both_ways()
    {
        // Proves that many records in a row, larger than any block, come out as they went in, in both directions.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        string body = string.Concat(Enumerable.Range(0, 60_000).Select(number => $"{number:x8}"));
        gateway.Upstream.Reply = request => ScriptedUpstream.Json("\"" + request.Text.Length + request.Text + "\"");
        using TlsPeer client = await TlsPeer.AsClientAsync(gateway.Connect().Connection);
        Task<WireMessage?> reading = client.ReadAsync();
        await client.SendAsync(Requests.Post(gateway, "/raw/1", body));
        WireMessage answer = (await reading)!;
        Assert.True(answer.IsWhole);
        Assert.Equal("\"" + body.Length + body + "\"", answer.Text);
    }

    [Fact]
    public async Task Pipelined_calls_in_one_record_are_answered_in_order()
    {
        // Proves that what one record holds beyond the first request waits for the second.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        gateway.Upstream.Reply = request => ScriptedUpstream.Json("\"" + request.Head.Split(' ')[1] + "\"");
        using TlsPeer client = await TlsPeer.AsClientAsync(gateway.Connect().Connection);
        await client.SendAsync(Requests.Get(gateway, "/raw/1") + Requests.Get(gateway, "/raw/2"));
        Assert.Equal("\"/raw/1\"", (await client.ReadAsync())!.Text);
        Assert.Equal("\"/raw/2\"", (await client.ReadAsync())!.Text);
    }

    [Fact]
    public async Task A_client_that_offers_only_another_protocol_is_refused()
    {
        // Proves RFC 7301 section 3.2: no protocol in common ends the handshake.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        MemoryClient raw = gateway.Connect();
        await Assert.ThrowsAnyAsync<Exception>(() => TlsPeer.AsClientAsync(raw.Connection, alpn: ["h2"]));
        await raw.ServedAsync();
        Assert.Equal(0, gateway.Handler.Count);
    }

    [Fact]
    public async Task A_version_below_the_least_is_refused()
    {
        // Proves minVersion: a TLS 1.2 client fails and a TLS 1.3 client is served.
        await using MemoryGateway gateway = new(
            Policies.Standard, tls: Options() with { MinVersion = SslProtocols.Tls13 });
        MemoryClient raw = gateway.Connect();
        await Assert.ThrowsAnyAsync<Exception>(
            () => TlsPeer.AsClientAsync(raw.Connection, protocols: SslProtocols.Tls12));
        using TlsPeer client = await TlsPeer.AsClientAsync(gateway.Connect().Connection);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
    }

    [Theory]
    [InlineData("gateway.test", "CN=gateway.test")]
    [InlineData("API.example.test", "CN=api.example.test")]
    [InlineData("one.wild.test", "CN=*.wild.test")]
    [InlineData("two.one.wild.test", "CN=gateway.test")]
    [InlineData("unknown.test", "CN=gateway.test")]
    [InlineData("192.0.2.1", "CN=gateway.test")]
    public async Task The_certificate_is_the_one_for_the_name(string host, string subject)
    {
        // Proves the choice by SNI: a whole name, a wildcard for one label, and the first for everybody else.
        DataTlsOptions options = Options() with
        {
            Certificates = [Files("gateway.test"), Files("api.example.test"), Files("*.wild.test")],
        };
        await using MemoryGateway gateway = new(Policies.Standard, tls: options);
        using TlsPeer client = await TlsPeer.AsClientAsync(gateway.Connect().Connection, host);
        Assert.Equal(subject, client.Subject);
    }

    [Fact]
    public async Task Plain_http_gets_a_plain_answer()
    {
        // Proves that a request in the clear on a TLS port is answered 400 in the clear, closed, and reaches nobody.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
        Assert.Equal(400, answer.Status);
        Assert.Equal("close", answer.Field("Connection"));
        Assert.Equal("urn:countersign:malformed-request", answer.Json.GetProperty("type").GetString());
        client.Close();
        await client.ServedAsync();
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Theory]
    [InlineData("\u0000\u0001\u0002")]
    [InlineData("\u0016\u0003\u0001\u0000\u0005hello")]
    [InlineData("\u0016\u0003\u0001\u00ff\u00ff")]
    public async Task What_is_neither_http_nor_tls_is_closed(string bytes)
    {
        // Proves that no bytes at the door are a fault of the gateway: the connection is let go.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Encoding.Latin1.GetBytes(bytes));
        await client.Connection.FarOutput.CompleteAsync();
        await client.ServedAsync();
        Assert.Equal(0, gateway.Handler.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\u0016\u0003\u0001")]
    public async Task A_handshake_that_takes_too_long_is_ended(string sent)
    {
        // Proves the deadline, for a client that sends nothing and for one that begins and stops.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        MemoryClient client = gateway.Connect();
        if (sent.Length > 0) await client.SendAsync(sent);
        gateway.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(client.Served.IsCompleted);
        gateway.Advance(TimeSpan.FromSeconds(0.2));
        await client.ServedAsync();
        Assert.Equal(0, gateway.Handler.Count);
    }

    [Fact]
    public async Task Handshakes_in_progress_are_bounded()
    {
        // Proves that one handshake too many is closed at once, and that room comes back when one ends.
        await using MemoryGateway gateway = new(
            Policies.Standard, new Limits { HandshakesMax = 1 }, tls: Options());
        MemoryClient slow = gateway.Connect();
        await slow.SendAsync("\u0016\u0003\u0001");
        MemoryClient refused = gateway.Connect();
        await refused.SendAsync("\u0016\u0003\u0001");
        await refused.ServedAsync();
        Assert.False(slow.Served.IsCompleted);
        slow.Close();
        await slow.ServedAsync();
        using TlsPeer client = await TlsPeer.AsClientAsync(gateway.Connect().Connection);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
    }

    [Fact]
    public async Task An_idle_connection_is_ended_in_order()
    {
        // Proves that the heartbeat's cancelled read ends TLS with its own close, on a connection that had been served.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        MemoryClient raw = gateway.Connect();
        using TlsPeer client = await TlsPeer.AsClientAsync(raw.Connection);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        gateway.Advance(TimeSpan.FromSeconds(121));
        await raw.ServedAsync();
        Assert.Null(await client.ReadAsync());
        Assert.False(raw.Connection.WasAborted);
    }

    [Fact]
    public async Task A_drain_ends_idle_connections_and_those_that_never_began()
    {
        // Proves that neither an idle TLS connection nor a silent one at the door holds up the drain.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        MemoryClient silent = gateway.Connect(), raw = gateway.Connect();
        using TlsPeer client = await TlsPeer.AsClientAsync(raw.Connection);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Task<bool> draining = gateway.Handler.DrainAsync(TimeSpan.FromSeconds(5));
        while (!draining.IsCompleted)
        {
            // A moment of real time for each step: the connections must get their turn before the drain's time is over.
            gateway.Advance(TimeSpan.FromMilliseconds(20));
            await Task.WhenAny(draining, Task.Delay(5, TestContext.Current.CancellationToken));
        }

        Assert.True(await draining);
        await silent.ServedAsync();
        await raw.ServedAsync();
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task What_is_refused_hears_the_end_of_tls_at_once_and_may_go_on_sending(SslProtocols version)
    {
        // Proves the end of the gateway's side (RFC 9112 section 9.6): while the clock stands still the answer and the
        // end of TLS are read, what comes after is taken, and the client's end lets the connection go in order.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        MemoryClient raw = gateway.Connect();
        using TlsPeer client = await TlsPeer.AsClientAsync(raw.Connection, protocols: version);
        Assert.Equal(400, (await client.CallAsync("GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n" + "more")).Status);
        Assert.Null(await client.ReadAsync());
        Assert.False(raw.Served.IsCompleted);
        await client.SendAsync(new string('x', 20_000));
        Assert.False(raw.Served.IsCompleted);
        await client.Stream.ShutdownAsync();
        await raw.ServedAsync();
        Assert.False(raw.Connection.WasAborted);
    }

    [Fact]
    public async Task A_cut_answer_is_cut_without_an_end_of_tls()
    {
        // Proves that what broke upstream resets the connection beneath: no close_notify makes a part look whole.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        TaskCompletionSource cut = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
            await cut.Task;
            session.Reset();
        };
        MemoryClient raw = gateway.Connect();
        using TlsPeer client = await TlsPeer.AsClientAsync(raw.Connection);
        await client.SendAsync(Requests.Get(gateway, "/raw/1"));
        byte[] answer = new byte[4_096];
        Assert.NotEqual(0, await client.Stream.ReadAtLeastAsync(
            answer, 100, cancellationToken: TestContext.Current.CancellationToken));
        cut.SetResult();
        await raw.ServedAsync();
        Assert.True(raw.Connection.WasAborted);
        Assert.False(raw.Connection.FarInput.TryRead(out ReadResult left) && !left.Buffer.IsEmpty);
    }

    [Fact]
    public async Task A_client_that_goes_away_without_ending_tls_is_gone()
    {
        // Proves that an end which TLS did not announce ends a call's body as broken, never as whole.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        MemoryClient raw = gateway.Connect();
        using TlsPeer client = await TlsPeer.AsClientAsync(raw.Connection);
        string request = Requests.Post(gateway, "/raw/1", "{\"a\":1}");
        await client.SendAsync(request[..^3]);
        await raw.Connection.FarOutput.CompleteAsync();
        await raw.ServedAsync();
        Assert.DoesNotContain(gateway.Upstream.Requests, received => received.IsWhole);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task A_record_that_cannot_be_read_ends_its_connection_and_nothing_else(SslProtocols version)
    {
        // Proves that TLS which fails behind the handshake is a peer that is lost: no fault, no connection counted on.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        MemoryClient raw = gateway.Connect();
        using TlsPeer client = await TlsPeer.AsClientAsync(raw.Connection, protocols: version);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        await raw.SendAsync("\u0017\u0003\u0003\u0000\u0028" + new string('x', 40));
        await raw.ServedAsync();
        Assert.Equal(0, gateway.Handler.Count);
    }

    [Fact]
    public async Task Stray_cancellations_lose_and_double_nothing()
    {
        // Proves that reads and flushes cancelled at any moment change no byte: every call is answered, in order.
        await using MemoryGateway gateway = new(Policies.Standard, tls: Options());
        gateway.Upstream.Reply = request => ScriptedUpstream.Json("\"" + request.Head.Split(' ')[1] + "\"");
        MemoryClient raw = gateway.Connect();
        using TlsPeer client = await TlsPeer.AsClientAsync(raw.Connection);
        for (int call = 0; call < 20; call++)
        {
            raw.Connection.Transport.Input.CancelPendingRead();
            raw.Connection.Transport.Output.CancelPendingFlush();
            string request = Requests.Get(gateway, $"/raw/{call}");
            await client.SendAsync(request[..40]);
            raw.Connection.Transport.Input.CancelPendingRead();
            WireMessage answer = await client.CallAsync(request[40..]);
            Assert.Equal($"\"/raw/{call}\"", answer.Text);
        }
    }

    private DataTlsOptions Options() => new() { Certificates = [Files("gateway.test")] };

    private CertificateFiles Files(string name)
    {
        (string certificate, string key) = _certificates.IssueFiles(name);
        return new CertificateFiles(certificate, key);
    }
}
