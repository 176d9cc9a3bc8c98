using System.Buffers;
using System.IO.Pipelines;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Countersign.DataPlane.Tls;
using Countersign.DataPlane.Upstream;
using Countersign.Kit;
using Countersign.Policy;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.DataPlane.Tests.Upstream;

/// <summary>TLS to upstreams, over in-memory connections: who is trusted, what is shown, what is said.</summary>
public sealed class UpstreamTlsFrontTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(5);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private readonly TestCertificates _ours = new(Now);
    private readonly TestCertificates _theirs = new(Now);
    private readonly FakeTimeProvider _clock = new(Now);
    private readonly NotedLog _log = new();
    private readonly UpstreamTlsFront _front;

    public UpstreamTlsFrontTests() => _front = new UpstreamTlsFront(_clock, _log);

    public void Dispose()
    {
        _ours.Dispose();
        _theirs.Dispose();
    }

    [Theory]
    [InlineData("billing.test", null, 90, "")]
    [InlineData("billing.test", "elsewhere.test", 90, "does not name the host")]
    [InlineData("elsewhere.test", "elsewhere.test", 90, "")]
    [InlineData("elsewhere.test", null, 90, "does not name the host")]
    [InlineData("billing.test", null, -1, "is not valid at this time")]
    public async Task A_certificate_is_verified(string named, string? asked, int validDays, string refusal)
    {
        // Proves the name, by the endpoint's host or serverName, and the time, by the gateway's clock.
        using X509Certificate2 certificate = _ours.Issue(named, validDays: validDays);
        UpstreamTls terms = new(_ours.RootFile, null, null, asked);
        (UpstreamTlsOutcome outcome, _, MemoryConnection connection) = await MeetAsync(certificate, terms);
        CheckOutcome(outcome, connection, refusal);
    }

    [Theory]
    [InlineData("stranger")]
    [InlineData("system")]
    [InlineData("client")]
    public async Task Nobody_else_is_trusted(string kind)
    {
        // Proves that another authority of the same name, and ours where only the system's roots count, are no root,
        // and that a certificate for clients is none for a server.
        using X509Certificate2 certificate = kind switch
        {
            "stranger" => _theirs.Issue("billing.test"),
            "client" => _ours.Issue("billing.test", CertificatePurpose.Client),
            _ => _ours.Issue("billing.test"),
        };
        UpstreamTls? terms = kind == "system" ? null : new(_ours.RootFile, null, null, null);
        (UpstreamTlsOutcome outcome, _, MemoryConnection connection) = await MeetAsync(certificate, terms);
        CheckOutcome(outcome, connection, kind == "client" ? "not one for servers" : "does not lead to a root");
    }

    [Fact]
    public async Task Its_own_certificate_is_shown_where_the_upstream_asks()
    {
        // Proves the client certificate, and that bytes pass both ways behind the handshake.
        (string own, string key) = _ours.IssueFiles("gateway-1", CertificatePurpose.Client);
        using X509Certificate2 certificate = _ours.Issue("billing.test");
        UpstreamTls terms = new(_ours.RootFile, own, key, null);
        (UpstreamTlsOutcome outcome, TlsPeer? peer, _) = await MeetAsync(certificate, terms, asks: true);
        Assert.Equal("CN=gateway-1", peer!.Subject);
        IDuplexPipe pipes = outcome.Connection!.Transport;
        await pipes.Output.WriteAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray(), Stop);
        Assert.StartsWith("GET / ", (await peer.ReadAsync(isResponse: false))!.Head, StringComparison.Ordinal);
        await peer.SendAsync("HTTP/1.1 204 No Content\r\n\r\n");
        Assert.Equal(27, (await pipes.Input.ReadAsync(Stop)).Buffer.Length);
    }

    [Fact]
    public async Task Files_are_followed()
    {
        // Proves that roots which change are taken at the next look, and that bad ones are said and not taken.
        string roots = _ours.Write(_theirs.Root.ExportCertificatePem());
        UpstreamTls terms = new(roots, null, null, null);
        using X509Certificate2 certificate = _ours.Issue("billing.test");
        Assert.NotEqual("", (await MeetAsync(certificate, terms)).Outcome.Refusal);
        File.WriteAllText(roots, _ours.Root.ExportCertificatePem());
        _front.Refresh();
        Assert.Equal("", (await MeetAsync(certificate, terms)).Outcome.Refusal);
        File.WriteAllText(roots, "nothing");
        _front.Refresh();
        Assert.Contains(roots, _log.Lines[^1].Text, StringComparison.Ordinal);
        Assert.Equal("", (await MeetAsync(certificate, terms)).Outcome.Refusal);
    }

    [Fact]
    public async Task Files_that_cannot_be_used_refuse()
    {
        // Proves that a missing file is a refusal and no other trust, and that its coming is seen.
        string roots = _ours.Write("");
        UpstreamTls terms = new(roots, null, null, null);
        using X509Certificate2 certificate = _ours.Issue("billing.test");
        (UpstreamTlsOutcome outcome, _, MemoryConnection connection) = await MeetAsync(certificate, terms);
        CheckOutcome(outcome, connection, "cannot be used");
        File.WriteAllText(roots, _ours.Root.ExportCertificatePem());
        _front.Refresh();
        Assert.Equal("", (await MeetAsync(certificate, terms)).Outcome.Refusal);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n", "failed")]
    [InlineData("", "too long")]
    public async Task An_endpoint_without_tls_is_refused(string answer, string refusal)
    {
        // Proves that neither plain text nor silence is ever talked to in the clear.
        MemoryConnection connection = new();
        ValueTask<UpstreamTlsOutcome> meeting = _front.SecureAsync(connection, "billing.test", null, Within);
        await connection.FarInput.ReadAtLeastAsync(5, Stop);
        if (answer.Length > 0) await connection.FarOutput.WriteAsync(Encoding.ASCII.GetBytes(answer), Stop);
        else _clock.Advance(Within);
        CheckOutcome(await meeting, connection, refusal);
    }

    [Fact]
    public async Task An_idle_connection_is_seen_to_end()
    {
        // Proves that a kept connection shows unasked bytes and an end of TLS without waiting, and that silence is
        // none.
        using X509Certificate2 certificate = _ours.Issue("billing.test");
        UpstreamTls terms = new(_ours.RootFile, null, null, null);
        (UpstreamTlsOutcome first, TlsPeer? talking, _) = await MeetAsync(certificate, terms);
        PipeReader input = first.Connection!.Transport.Input;
        Assert.False(input.TryRead(out _));
        await talking!.SendAsync("HTTP/1.1 408 \r\n\r\n");
        Assert.True(input.TryRead(out ReadResult unasked));
        Assert.Equal(17, unasked.Buffer.Length);
        (UpstreamTlsOutcome second, TlsPeer? leaving, _) = await MeetAsync(certificate, terms);
        input = second.Connection!.Transport.Input;
        Assert.False(input.TryRead(out _));
        await leaving!.Stream.ShutdownAsync();
        Assert.True(input.TryRead(out ReadResult end));
        Assert.True(end.IsCompleted);
        (UpstreamTlsOutcome third, _, MemoryConnection connection) = await MeetAsync(certificate, terms);
        connection.CloseFar();
        Assert.ThrowsAny<IOException>(() => third.Connection!.Transport.Input.TryRead(out _));
    }

    [Fact]
    public async Task What_a_read_leaves_waits_for_the_next()
    {
        // Proves the pipe's own rules: unconsumed bytes come again, unexamined ones at once, and a block may grow.
        using X509Certificate2 certificate = _ours.Issue("billing.test");
        (UpstreamTlsOutcome outcome, TlsPeer? peer, _) = await MeetAsync(
            certificate, new(_ours.RootFile, null, null, null));
        PipeReader input = outcome.Connection!.Transport.Input;
        string sent = string.Concat(Enumerable.Range(0, 10_000).Select(number => $"{number:x8}"));
        Task sending = peer!.SendAsync(sent);
        ReadResult result = await input.ReadAsync(Stop);
        while (result.Buffer.Length < 50_000)
        {
            input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            result = await input.ReadAsync(Stop);
        }

        input.AdvanceTo(result.Buffer.GetPosition(8), result.Buffer.GetPosition(8));
        int had = (int)result.Buffer.Length;
        result = await input.ReadAsync(Stop);
        Assert.Equal(had - 8, result.Buffer.Length);
        while (result.Buffer.Length < sent.Length - 8)
        {
            input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            result = await input.ReadAsync(Stop);
        }

        await sending;
        Assert.Equal(sent[8..], Encoding.ASCII.GetString(result.Buffer.ToArray()));
        input.AdvanceTo(result.Buffer.End);
        ValueTask<ReadResult> waiting = input.ReadAsync(Stop);
        Assert.False(waiting.IsCompleted);
        input.CancelPendingRead();
        ReadResult cancelled = await waiting;
        Assert.True(cancelled.IsCanceled && cancelled.Buffer.IsEmpty && !cancelled.IsCompleted);
        input.AdvanceTo(cancelled.Buffer.End);
        await peer.SendAsync("more");
        Assert.Equal(4, (await input.ReadAsync(Stop)).Buffer.Length);
    }

    [Fact]
    public async Task A_refusal_behind_the_handshake_is_told_with_its_alert()
    {
        // Proves what TLS 1.3 makes of a certificate that is missing or not wanted: the handshake is over, the first
        // read tells of an alert, and so does the log. An end without one is none.
        using X509Certificate2 certificate = _ours.Issue("billing.test");
        MemoryConnection connection = new();
        Task refusing = TlsPeer.RefuseAsync(connection, certificate);
        UpstreamTlsOutcome outcome = await _front.SecureAsync(
            connection, "billing.test", new(_ours.RootFile, null, null, null), Within);
        PipeReader input = outcome.Connection!.Transport.Input;
        TlsFailedException failed = await Assert.ThrowsAsync<TlsFailedException>(
            async () => await input.ReadAsync(Stop));
        Assert.Equal("alert bad_record_mac", failed.Message);
        Assert.Contains("billing.test failed", _log.Lines[^1].Text, StringComparison.Ordinal);
        Assert.EndsWith("(alert bad_record_mac)", _log.Lines[^1].Text, StringComparison.Ordinal);
        await outcome.Connection.DisposeAsync();
        await refusing;
        (UpstreamTlsOutcome cut, _, MemoryConnection beneath) = await MeetAsync(
            certificate, new(_ours.RootFile, null, null, null));
        beneath.CloseFar();
        await Assert.ThrowsAsync<ConnectionResetException>(
            async () => await cut.Connection!.Transport.Input.ReadAsync(Stop));
    }

    [Theory]
    [InlineData("error:0A00045C:SSL routines::tlsv13 alert certificate required", "alert certificate_required")]
    [InlineData("error:0A000418:SSL routines::tlsv1 alert unknown ca", "alert unknown_ca")]
    [InlineData("error:0A000412:SSL routines::ssl/tls alert bad certificate", "alert bad_certificate")]
    [InlineData("error:0A0000F4:SSL routines::unexpected message", "error:0A0000F4:SSL routines::unexpected message")]
    public void An_alert_is_named_as_the_protocol_does(string words, string told)
    {
        // Proves the name behind the library's words, of the innermost fault; and the words where there is no alert.
        IOException fault = new("The decryption failed.", new AuthenticationException("", new TimeoutException(words)));
        Assert.True(TlsFailedException.Is(fault));
        Assert.Equal(told, TlsFailedException.Explain(fault));
    }

    private static void CheckOutcome(UpstreamTlsOutcome outcome, MemoryConnection connection, string refusal)
    {
        Assert.Equal(refusal.Length == 0, outcome.Connection is TlsConnection);
        Assert.Equal(refusal.Length > 0, connection.WasAborted);
        Assert.Contains(refusal, outcome.Refusal, StringComparison.Ordinal);
    }

    private async Task<(UpstreamTlsOutcome Outcome, TlsPeer? Peer, MemoryConnection Connection)> MeetAsync(
        X509Certificate2 certificate, UpstreamTls? terms, bool asks = false)
    {
        MemoryConnection connection = new();
        Task<TlsPeer> serving = TlsPeer.AsServerAsync(connection, certificate, asks);
        UpstreamTlsOutcome outcome = await _front.SecureAsync(connection, "billing.test", terms, Within);
        if (outcome.Connection is not null) return (outcome, await serving, connection);
        _ = serving.ContinueWith(
            static failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.None,
            TaskScheduler.Default);
        return (outcome, null, connection);
    }
}
