using Countersign.DataPlane.Upstream;
using Countersign.Policy;

namespace Countersign.DataPlane.Tests.Upstream;

/// <summary>The states of one endpoint's circuit, with a timestamp for a second.</summary>
public sealed class CircuitTests
{
    private static readonly EjectionTerms Terms = new()
    {
        After = 3, For = TimeSpan.FromSeconds(10), ForMax = TimeSpan.FromSeconds(35),
    };

    [Fact]
    public void Failures_in_a_row_open_it_and_an_answer_between_them_does_not()
    {
        // Proves what opens a circuit: three failures in a row, not three in all.
        Circuit circuit = new();
        Assert.False(Fail(circuit, 100));
        Assert.False(Fail(circuit, 100));
        Assert.False(circuit.IsCalm);
        Assert.False(circuit.Succeed(100));
        Assert.True(circuit.IsCalm);
        Assert.False(Fail(circuit, 100));
        Assert.False(Fail(circuit, 100));
        Assert.Equal(CircuitState.Closed, circuit.State);
        Assert.True(Fail(circuit, 100));
        Assert.Equal(CircuitState.Open, circuit.State);
    }

    [Fact]
    public void Each_ejection_is_twice_as_long_up_to_the_longest()
    {
        // Proves the back-off: 10, 20, 35, 35 seconds while each trial fails at once, to the second.
        Circuit circuit = new();
        long now = Open(circuit, 100);
        foreach (int seconds in new[] { 10, 20, 35, 35 })
        {
            Assert.False(circuit.Beat(now + seconds - 1));
            Assert.Equal(CircuitState.Open, circuit.State);
            now += seconds;
            Assert.True(circuit.Beat(now));
            Assert.Equal(CircuitState.HalfOpen, circuit.State);
            Assert.True(Fail(circuit, now));
        }
    }

    [Fact]
    public void One_call_tries_it_and_its_answer_closes_it()
    {
        // Proves half-open: one trial at a time, one more if that said nothing, closed by an answer; a calm as long as
        // the longest ejection makes the next one short again.
        Circuit circuit = new();
        long now = Open(circuit, 100) + 10;
        circuit.Beat(now);
        Assert.True(circuit.TryBeginTrial());
        Assert.False(circuit.TryBeginTrial());
        circuit.EndTrial();
        Assert.True(circuit.TryBeginTrial());
        Assert.True(circuit.Succeed(now));
        Assert.Equal(CircuitState.Closed, circuit.State);
        now = Open(circuit, now + 36);
        Assert.True(circuit.Beat(now + 10));
    }

    [Fact]
    public void Soon_after_it_closed_the_next_ejection_is_longer()
    {
        // Proves that a circuit which flaps is ejected for longer: the second time within the calm takes 20 seconds.
        Circuit circuit = new();
        long now = Open(circuit, 100) + 10;
        circuit.Beat(now);
        circuit.Succeed(now);
        now = Open(circuit, now + 30);
        Assert.False(circuit.Beat(now + 19));
        Assert.True(circuit.Beat(now + 20));
    }

    [Fact]
    public void An_answer_from_before_the_ejection_does_not_close_it()
    {
        // Proves that calls which were in flight when it opened, and end well, change nothing.
        Circuit circuit = new();
        Open(circuit, 100);
        Assert.False(circuit.Succeed(101));
        Assert.Equal(CircuitState.Open, circuit.State);
    }

    [Fact]
    public void One_that_may_not_open_is_avoided_for_as_long()
    {
        // Proves that where too many are ejected, the next stays closed, is avoided, and is tried again in time.
        Circuit circuit = new();
        for (int count = 0; count < 3; count++) circuit.Fail(Terms, mayOpen: false, 100, frequency: 1);
        Assert.Equal(CircuitState.Closed, circuit.State);
        Assert.True(circuit.IsAvoided);
        circuit.Beat(109);
        Assert.True(circuit.IsAvoided);
        circuit.Beat(110);
        Assert.False(circuit.IsAvoided);
        Assert.True(circuit.IsCalm);
    }

    private static bool Fail(Circuit circuit, long now) => circuit.Fail(Terms, mayOpen: true, now, frequency: 1);

    private static long Open(Circuit circuit, long now)
    {
        for (int count = 0; count < 3; count++) Fail(circuit, now);
        Assert.Equal(CircuitState.Open, circuit.State);
        return now;
    }
}
