using System.Net;
using System.Text;
using Countersign.DataPlane.Sockets;
using Countersign.DataPlane.Upstream;
using Countersign.Kit;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.DataPlane.Tests.Upstream;

/// <summary>The idle connections of one address.</summary>
public sealed class EndpointPoolTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void The_connection_kept_last_is_taken_first()
    {
        // Proves last in first out over more than one round, and that a bound of three keeps three.
        EndpointPool pool = Pool(idleMax: 3);
        UpstreamConnection[] made = [.. Enumerable.Range(0, 4).Select(_ => Connection(pool))];
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal([true, true, true, false], made.Select(pool.TryReturn));
            Assert.Equal(3, pool.ConnectionsIdle);
            Assert.Equal([made[2], made[1], made[0], null], Enumerable.Range(0, 4).Select(_ => pool.TryTake()));
            Assert.Equal(0, pool.ConnectionsIdle);
        }
    }

    [Fact]
    public async Task A_lane_takes_only_what_was_kept_in_it()
    {
        // Proves that lanes do not mix, unless asked for any, and that the bound holds over all lanes, by threads that
        // are loops of lanes one and two.
        EndpointPool pool = Pool(idleMax: 2);
        UpstreamConnection one = Connection(pool), two = Connection(pool), three = Connection(pool);
        await InLaneAsync(1, () => Assert.True(pool.TryReturn(one)));
        await InLaneAsync(2, () => Assert.True(pool.TryReturn(two)));
        await InLaneAsync(1, () => Assert.False(pool.TryReturn(three)));
        Assert.Null(pool.TryTake());
        await InLaneAsync(2, () => Assert.Same(two, pool.TryTake()));
        await InLaneAsync(2, () => Assert.Null(pool.TryTake()));
        Assert.Same(one, pool.TryTakeAny());
    }

    [Theory]
    [InlineData("http://a.test", "a.test")]
    [InlineData("https://a.test:8443", "a.test:8443")]
    [InlineData("http://192.0.2.1:81", "192.0.2.1:81")]
    [InlineData("http://[2001:db8::6]", "[2001:db8::6]")]
    [InlineData("http://[2001:db8::6]:81", "[2001:db8::6]:81")]
    public void The_host_value_is_the_endpoints(string endpoint, string host)
    {
        // Proves the Host value (RFC 9110 section 7.2), brackets and all, by a table.
        EndpointPool pool = new(new Uri(endpoint), new IPEndPoint(IPAddress.Loopback, 80), null, idleMax: 1);
        Assert.Equal(host, Encoding.ASCII.GetString(pool.Authority));
    }

    [Fact]
    public void Pruning_drops_what_is_stale_and_keeps_the_order_of_the_rest()
    {
        // Proves the prune: the connection that is too old and the one that was closed go, the rest stay in order.
        EndpointPool pool = Pool(idleMax: 8);
        UpstreamConnection old = Connection(pool);
        Assert.True(pool.TryReturn(old));
        _clock.Advance(TimeSpan.FromSeconds(3));
        MemoryConnection closed = new();
        UpstreamConnection[] fresh = [Connection(pool), Connection(pool, closed), Connection(pool)];
        foreach (UpstreamConnection connection in fresh) Assert.True(pool.TryReturn(connection));

        closed.CloseFar();
        _clock.Advance(TimeSpan.FromSeconds(2));
        pool.Prune();
        Assert.Equal(2, pool.ConnectionsIdle);
        Assert.Equal([fresh[2], fresh[0], null], Enumerable.Range(0, 3).Select(_ => pool.TryTake()));
    }

    [Fact]
    public void A_retired_pool_keeps_nothing()
    {
        // Proves that an address which is gone drains: what is idle is cut, and nothing is kept any more.
        EndpointPool pool = Pool(idleMax: 8);
        MemoryConnection idle = new();
        Assert.True(pool.TryReturn(Connection(pool, idle)));
        UpstreamConnection busy = Connection(pool);
        pool.Retire();
        Assert.True(idle.WasAborted);
        Assert.False(pool.TryReturn(busy));
        Assert.Equal(0, pool.ConnectionsIdle);
    }

    [Fact]
    public async Task No_connection_is_lost_or_given_twice()
    {
        // Proves the stack under contention: four threads that take and put back 100,000 times never hold the same
        // connection, and all sixteen are there in the end.
        EndpointPool pool = Pool(idleMax: 16);
        HashSet<UpstreamConnection> made = [.. Enumerable.Range(0, 16).Select(_ => Connection(pool))];
        foreach (UpstreamConnection connection in made) Assert.True(pool.TryReturn(connection));
        Dictionary<UpstreamConnection, int[]> holders = made.ToDictionary(one => one, _ => new int[1]);
        int clashes = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int round = 0; round < 100_000; round++)
            {
                if (pool.TryTake() is not { } taken) continue;
                if (Interlocked.Increment(ref holders[taken][0]) != 1) Interlocked.Increment(ref clashes);
                Interlocked.Decrement(ref holders[taken][0]);
                if (!pool.TryReturn(taken)) Interlocked.Increment(ref clashes);
            }
        })));
        Assert.Equal(0, clashes);
        HashSet<UpstreamConnection> left = [];
        while (pool.TryTake() is { } connection) Assert.True(left.Add(connection));
        Assert.True(made.SetEquals(left));
    }

    private static Task InLaneAsync(int lane, Action action) => Task.Factory.StartNew(
        () =>
        {
            Lane.Enter(lane);
            action();

            // What waits for this may go on on this very thread.
            Lane.Enter(0);
        },
        CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static EndpointPool Pool(int idleMax) =>
        new(new Uri("http://a.test"), new IPEndPoint(IPAddress.Loopback, 80), null, idleMax);

    private UpstreamConnection Connection(EndpointPool pool, MemoryConnection? transport = null) =>
        new(transport ?? new MemoryConnection(), pool, _clock);
}
