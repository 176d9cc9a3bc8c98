using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Countersign.Integration.Tests.Store;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>A gateway that goes while it is used, and the one that takes its place.</summary>
public sealed class HandOverTests : IAsyncLifetime
{
    private const int Clients = 4;

    private readonly RedisServer _redis = new();
    private readonly HeldUpstream _held = new();
    private Backends _backends = null!;
    private ServeSetup _setup = null!;

    public async ValueTask InitializeAsync()
    {
        await _redis.StartAsync();
        _backends = await Backends.StartAsync();
        string policy = ServeSetup.Policy(
            _backends.Upstream, $"  held: {{ endpoints: [{_held.Address}], timeout: 40s }}\n",
            "  held.get: { upstream: held, method: GET, path: /held, risk: low }\n",
            "  - { id: held, subjects: { groups: [staff, support] }, functions: [held.get], effect: allow }\n");
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, policy);
    }

    public async ValueTask DisposeAsync()
    {
        await _held.DisposeAsync();
        await _backends.DisposeAsync();
        _setup.Dispose();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_hand_over_under_load_loses_no_accepted_call()
    {
        // Proves the restart: clients call without pause over kept connections, the old process is asked to go while
        // the new one waits for its port; every request that was sent is answered whole, once in the audit, by 200.
        await using CountersignProcess old = await _setup.StartAsync(_redis.Connection, "audit-old");
        string data = old.Ready["data"]!.ToString(), address = new Uri(data).Authority;
        using CancellationTokenSource ends = new();
        Load load = new(data, _backends.TokenOf("alice"));
        Task[] clients = [.. Enumerable.Range(0, Clients).Select(_ => Task.Run(() => load.RunAsync(ends.Token)))];
        await load.ReachesAsync(200);
        Task<CountersignProcess> starting = _setup.StartAtAsync(
            address, _redis.Connection, "audit-new", ("LIMITS__BINDWITHIN", "45s"));
        await load.ReachesAsync(load.Count + 200);
        int exitCode = await old.StopAsync();
        await using CountersignProcess young = await starting;
        await load.ReachesAsync(load.Count + 200);
        await ends.CancelAsync();
        await Task.WhenAll(clients);
        Assert.Equal(0, exitCode);
        Assert.Equal(0, await young.StopAsync());
        Assert.Empty(load.Lost);
        string[] leaving = Outcomes("audit-old"), coming = Outcomes("audit-new");
        Assert.True(leaving.Length > 0 && coming.Length > 0);
        Assert.Equal(load.Answered.Order(StringComparer.Ordinal), leaving.Concat(coming).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Readiness_falls_before_the_listener_closes()
    {
        // Proves the grace: 503 draining on the control listener while the data listener still takes calls; then the
        // drain ends and the exit code is 0.
        await using CountersignProcess gateway = await _setup.StartAsync(
            _redis.Connection, "audit", ("LIMITS__DRAINGRACE", "3s"));
        using GatewayClient client = new(
            gateway.Ready["data"]!.ToString(), gateway.Ready["control"]!.ToString(), _backends.TokenOf);
        Assert.Equal("ready", (await client.GetAsync(client.Control + "/health/ready"))["status"]);
        await gateway.TerminateAsync();
        await Until.TrueAsync(async () =>
            (await client.GetAsync(client.Control + "/health/ready"))["status"] == "draining");
        Assert.Equal(503, (await client.GetAsync(client.Control + "/health/ready")).Status);
        string token = _backends.TokenOf("alice");
        await using RawConnection fresh = await RawConnection.OpenAsync(client.Data);
        await fresh.SendAsync($"GET /people/1 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\r\n");
        Assert.Equal(200, (await fresh.ReadAsync()).Status);
        Assert.Equal(0, await gateway.ExitAsync());
    }

    [Fact]
    public async Task A_second_signal_ends_the_process_at_once()
    {
        // Proves the way out of a drain: with a call in flight the first signal waits, the second does not, and the
        // exit code says that it was a signal.
        await using CountersignProcess gateway = await _setup.StartAsync(
            _redis.Connection, "audit", ("LIMITS__DRAINWITHIN", "1h"));
        string data = gateway.Ready["data"]!.ToString();
        string token = _backends.TokenOf("alice");
        await using RawConnection caller = await RawConnection.OpenAsync(data);
        await caller.SendAsync($"GET /held HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\r\n");
        await _held.Arrived;
        await gateway.TerminateAsync();
        await Until.TrueAsync(async () => !await AcceptsAsync(new Uri(data)));
        await gateway.TerminateAsync();
        Assert.Equal(143, await gateway.ExitAsync());
    }

    private static async Task<bool> AcceptsAsync(Uri address)
    {
        using TcpClient probe = new();
        try
        {
            await probe.ConnectAsync(address.Host, address.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private string[] Outcomes(string folder)
    {
        using Countersign.Audit.AuditReader reader = new(Path.Combine(_setup.Folder, folder));
        List<string> calls = [];
        while (reader.Read(out Countersign.Audit.AuditEntry entry) == Countersign.Audit.AuditReadStatus.Entry)
        {
            JsonNode record = JsonNode.Parse(entry.Payload.Span)!;
            if (record["type"]!.ToString() == "outcome") calls.Add(record["call"]!.ToString());
        }

        return [.. calls];
    }

    /// <summary>Clients that call again and again, and know of every request whether it was answered.</summary>
    private sealed class Load(string data, string token)
    {
        private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(5);

        private int _count;

        internal ConcurrentQueue<string> Answered { get; } = new();

        internal ConcurrentQueue<string> Lost { get; } = new();

        internal int Count => Volatile.Read(ref _count);

        internal Task ReachesAsync(int count) => Until.TrueAsync(() => Task.FromResult(Count >= count));

        internal async Task RunAsync(CancellationToken ends)
        {
            RawConnection? connection = null;
            while (!ends.IsCancellationRequested)
            {
                connection ??= await ConnectAsync();
                if (connection is null) continue;
                if (await CallAsync(connection)) continue;
                await connection.DisposeAsync();
                connection = null;
            }

            if (connection is not null) await connection.DisposeAsync();
        }

        // Nothing was sent yet, so a port that nobody listens on costs no call.
        private async Task<RawConnection?> ConnectAsync()
        {
            try
            {
                return await RawConnection.OpenAsync(data);
            }
            catch (SocketException)
            {
                await Task.Delay(Between, CancellationToken.None);
                return null;
            }
        }

        // True if the connection may carry another call.
        private async Task<bool> CallAsync(RawConnection connection)
        {
            try
            {
                await connection.SendAsync(
                    $"GET /people/1 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\r\n");
                RawAnswer answer = await connection.ReadAsync();
                Interlocked.Increment(ref _count);
                Answered.Enqueue(answer.Field("Countersign-Call"));
                if (answer.Status != 200) Lost.Enqueue(answer.StatusLine);
                return answer.Field("Connection") != "close";
            }
            catch (Exception fault) when (fault is IOException or Xunit.Sdk.XunitException)
            {
                Lost.Enqueue(fault.Message);
                return false;
            }
        }
    }
}
