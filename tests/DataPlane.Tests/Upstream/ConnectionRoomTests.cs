using System.Collections.Concurrent;
using Countersign.DataPlane.Sockets;
using Countersign.DataPlane.Tests.Calls;
using Countersign.DataPlane.Upstream;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Upstream;

/// <summary>High-risk calls, which dial, over an upstream that bears few connections.</summary>
public sealed class ConnectionRoomTests
{
    private const int ConnectionsMax = 4;
    private const int CallsOfEach = 400;

    [Theory]
    [InlineData("[\"http://192.0.2.1\"]", 1, 4, true)]
    [InlineData("[\"http://192.0.2.1\"]", 1, 4, false)]
    [InlineData("[\"http://192.0.2.1\", \"http://192.0.2.2\"]", 2, 8, true)]
    public async Task As_many_calls_as_connections_are_never_refused(
        string endpoints, int addresses, int clients, bool isMixed)
    {
        // Proves that calls in flight up to the limit always find a connection, by as many clients as there may be
        // connections, each on a thread and in a lane, whose calls are of high risk, or of high risk and low by turns,
        // while the heartbeat prunes and health checks run; and that no address ever has more connections open than
        // the policy says, as its own side counts them.
        await using MemoryGateway gateway = new($$"""
            apiVersion: countersign/v1
            upstreams:
              up:
                endpoints: {{endpoints}}
                maxConnections: {{ConnectionsMax}}
                health: { path: /health, interval: 1s }
            functions:
              up.high: { upstream: up, method: GET, path: /high, risk: high }
              up.low: { upstream: up, method: GET, path: /low, risk: low }
            rules: [ { id: all, subjects: { groups: [support] }, functions: [up.*], effect: allow } ]
            """);
        OpenCount count = new();
        gateway.Upstream.Script = count.ServeAsync;
        string high = Requests.Get(gateway, "/high"), low = Requests.Get(gateway, isMixed ? "/low" : "/high");
        MemoryClient[] callers = [.. Enumerable.Range(0, clients).Select(_ => gateway.Connect())];
        ConcurrentBag<string> refused = [];
        using CancellationTokenSource done = new();
        Task beats = Task.Run(
            async () =>
            {
                while (!done.IsCancellationRequested)
                {
                    gateway.Pools.Beat();
                    await Task.Yield();
                }
            }, TestContext.Current.CancellationToken);
        await Task.WhenAll(callers.Select((client, index) => Task.Run(
            () => CallAsync(gateway, client, index, high, low, refused), TestContext.Current.CancellationToken)));
        await done.CancelAsync();
        await beats;
        Assert.Empty(refused);
        Assert.InRange(count.Most, 1, ConnectionsMax);
        Assert.Equal(addresses, gateway.Pools.Current[0].Members.Length);
        Assert.All(gateway.Pools.Current[0].Members, member => Assert.Equal(0, member.CallsInFlight));
    }

    [Fact]
    public async Task What_no_call_may_ride_is_not_kept()
    {
        // Proves that connections of high-risk calls end with their calls where no other calls come, and are kept for
        // those that may ride them from the first such call on.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Pools.Beat();
        EndpointPool endpoint = Assert.Single(
            gateway.Pools.Current.SelectMany(group => group.Members), member => member.Endpoint.Host == "raw.test");
        await CallInTurnAsync(gateway, "/strict/1", "/strict/1", "/strict/1");
        Assert.Equal((3, 0, 0), (gateway.Upstream.Dials, endpoint.ConnectionsOpen, endpoint.ConnectionsIdle));
        await CallInTurnAsync(gateway, "/raw/1", "/strict/1");
        Assert.Equal((5, 2, 2), (gateway.Upstream.Dials, endpoint.ConnectionsOpen, endpoint.ConnectionsIdle));
        await CallInTurnAsync(gateway, "/raw/1");
        Assert.Equal(5, gateway.Upstream.Dials);
    }

    // A client's answer comes before the call lets go of its connection; its own connection's end comes after.
    private static async Task CallInTurnAsync(MemoryGateway gateway, params string[] targets)
    {
        MemoryClient client = gateway.Connect();
        foreach (string target in targets)
        {
            Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, target))).Status);
        }

        client.Close();
        await client.ServedAsync();
    }

    private static async Task CallAsync(
        MemoryGateway gateway, MemoryClient client, int index, string high, string low, ConcurrentBag<string> refused)
    {
        for (int call = 0; call < CallsOfEach; call++)
        {
            // Idle connections grow stale, and checks fall due.
            if (index == 0 && call % 10 == 0) gateway.Advance(TimeSpan.FromSeconds(1));
            // In a lane as far as the call runs on this thread, which goes on to other work where the call waits.
            Lane.Enter(1 + (index % (Lane.Count - 1)));
            Task<WireMessage> pending = client.CallAsync((call + index) % 2 == 0 ? high : low);
            Lane.Enter(0);
            WireMessage answer = await pending;
            if (answer.Status != 200) refused.Add(answer.Text);
        }
    }

    /// <summary>How many connections of calls each address has, counted by who is called.</summary>
    private sealed class OpenCount
    {
        private readonly ConcurrentDictionary<string, ConcurrentDictionary<UpstreamSession, bool>> _open = new();
        private int _most;

        internal int Most => Volatile.Read(ref _most);

        internal async Task ServeAsync(UpstreamSession session)
        {
            ConcurrentDictionary<UpstreamSession, bool> open = _open.GetOrAdd(session.Address.ToString(), _ => new());
            bool isCounted = false;
            while (await session.ReadAsync() is { IsWhole: true } request)
            {
                if (!isCounted && !request.Line.Contains("/health", StringComparison.Ordinal))
                {
                    isCounted = true;
                    open[session] = true;
                    Note(open.Keys.Count(static one => !one.Connection.WasAborted));
                }

                await session.WriteAsync(ScriptedUpstream.Json("{}"));
            }

            open.TryRemove(session, out _);
        }

        private void Note(int now)
        {
            int most = Most;
            while (now > most)
            {
                int seen = Interlocked.CompareExchange(ref _most, now, most);
                if (seen == most) return;
                most = seen;
            }
        }
    }
}
