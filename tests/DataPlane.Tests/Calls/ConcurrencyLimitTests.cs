using Countersign.DataPlane.Calls;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>The adaptive limit against a simulated upstream: so many workers, one queue, virtual time.</summary>
public sealed class ConcurrencyLimitTests
{
    // Microseconds, so that a timestamp is one.
    private const long Second = 1_000_000;
    private const long Work = 10_000;

    [Fact]
    public void A_fixed_limit_takes_as_many_as_it_says()
    {
        // Proves the bound itself and one more; and that what leaves makes room, at any latency.
        ConcurrencyLimit limit = new(1, 3, isAdaptive: false, 1, Second);
        for (int call = 0; call < 3; call++) Assert.True(limit.TryEnter());
        Assert.False(limit.TryEnter());
        limit.Leave();
        Assert.True(limit.TryEnter());
        for (int call = 0; call < 1_000; call++) limit.Note(call * Second, call * Second);
        Assert.Equal(3, limit.Current);
    }

    [Fact]
    public void Twice_the_load_is_shed_to_what_can_be_done()
    {
        // Proves convergence: 20 workers of 10 ms can do 2,000 calls a second; 4,000 come. After a quiet minute the
        // limit is learnt, half is shed, what is served takes a few times its best and nearly all workers are busy.
        Simulation upstream = new(workers: 20, min: 8, max: 4_000);
        upstream.Run(seconds: 10, perSecond: 500);
        Assert.Equal(0, upstream.Shed);
        Assert.Equal(4_000, upstream.Limit.Current);
        upstream.Run(seconds: 15, perSecond: 4_000);
        upstream.Forget();
        upstream.Run(seconds: 20, perSecond: 4_000);
        Assert.InRange(upstream.Limit.Current, 20, 100);
        Assert.InRange(upstream.Served, 36_000, 40_100);
        Assert.InRange(upstream.Shed, 39_000, 44_000);
        Assert.InRange(upstream.SlowestLatency, Work, 6 * Work);
    }

    [Fact]
    public void A_limit_that_sank_rises_when_the_upstream_recovers()
    {
        // Proves the way back: after the overload the same load as before is served whole again.
        Simulation upstream = new(workers: 20, min: 8, max: 4_000);
        upstream.Run(seconds: 10, perSecond: 500);
        upstream.Run(seconds: 20, perSecond: 4_000);
        Assert.InRange(upstream.Limit.Current, 8, 100);
        upstream.Workers = 100;
        upstream.Run(seconds: 20, perSecond: 4_000);
        upstream.Forget();
        upstream.Run(seconds: 10, perSecond: 4_000);
        Assert.Equal(0, upstream.Shed);
        Assert.InRange(upstream.Limit.Current, 200, 4_000);
    }

    [Fact]
    public void It_never_sinks_below_its_least()
    {
        // Proves the safe minimum: an upstream that becomes a hundred times slower still gets that many calls.
        Simulation upstream = new(workers: 20, min: 64, max: 4_000);
        upstream.Run(seconds: 5, perSecond: 500);
        upstream.WorkEach = 100 * Work;
        upstream.Run(seconds: 120, perSecond: 500);
        Assert.InRange(upstream.Limit.Current, 64, 128);
        Assert.True(upstream.Served > 0);
    }

    [Fact]
    public void A_slower_upstream_with_room_sheds_nothing()
    {
        // Proves that slowness alone sheds no call while there is twice the room that is used.
        Simulation upstream = new(workers: 1_000, min: 8, max: 4_000);
        upstream.Run(seconds: 5, perSecond: 500);
        upstream.WorkEach = 10 * Work;
        upstream.Run(seconds: 60, perSecond: 500);
        Assert.Equal(0, upstream.Shed);
    }

    /// <summary>Calls come at even distances; each takes the first worker that is free.</summary>
    private sealed class Simulation(int workers, int min, int max)
    {
        private readonly PriorityQueue<long, long> _ends = new();
        private readonly PriorityQueue<long, long> _free = new();
        private long _now;

        internal ConcurrencyLimit Limit { get; } = new(min, max, isAdaptive: true, Work / 10, Second);

        internal int Workers { get; set; } = workers;

        internal long WorkEach { get; set; } = Work;

        internal int Served { get; private set; }

        internal int Shed { get; private set; }

        internal long SlowestLatency { get; private set; }

        internal void Forget() => (Served, Shed, SlowestLatency) = (0, 0, 0);

        internal void Run(int seconds, int perSecond)
        {
            long until = _now + (seconds * Second);
            for (; _now < until; _now += Second / perSecond)
            {
                while (_ends.TryPeek(out long cameAt, out long endsAt) && endsAt <= _now)
                {
                    _ends.Dequeue();
                    Limit.Leave();
                    Limit.Note(endsAt - cameAt, endsAt);
                    SlowestLatency = Math.Max(SlowestLatency, endsAt - cameAt);
                    Served++;
                }

                if (Limit.TryEnter()) Begin();
                else Shed++;
            }
        }

        private void Begin()
        {
            while (_free.Count < Workers) _free.Enqueue(_now, _now);
            long startsAt = Math.Max(_free.Dequeue(), _now), endsAt = startsAt + WorkEach;
            _free.Enqueue(endsAt, endsAt);
            _ends.Enqueue(_now, endsAt);
        }
    }
}
