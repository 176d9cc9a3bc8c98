using System.Runtime.CompilerServices;
using Xunit;

namespace Countersign.DataPlane.Tests;

public sealed class KeptTaskTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Gives_the_result_whether_or_not_it_waited(bool waits)
    {
        // Proves the two ways of a method: to its end at once, and over a wait with its locals kept.
        Gate gate = new();
        if (!waits) gate.Open();
        ValueTask<int> sum = SumAsync(gate, 20, 22);
        Assert.Equal(!waits, sum.IsCompleted);
        gate.Open();
        Assert.Equal(42, await sum);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Gives_the_fault_to_whoever_awaits_it(bool isOpen)
    {
        // Proves that an exception before a wait and one after it both come out of the await, and nowhere else.
        Gate gate = new();
        if (isOpen) gate.Open();
        ValueTask failing = FailAsync(gate);
        gate.Open();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await failing);
        Assert.Equal(3, await SumAsync(gate, 1, 2));
    }

    [Fact]
    public void Many_waits_at_once_are_kept_for_the_next_ones()
    {
        // Proves what the framework's pools do not: with a hundred calls under way, a second hundred makes nothing.
        Gate[] gates = [.. Enumerable.Range(0, 100).Select(_ => new Gate())];
        ValueTask<int>[] running = new ValueTask<int>[gates.Length];
        long sum = 0, allocated = 0;
        for (int turn = 0; turn < 3; turn++)
        {
            foreach (Gate gate in gates) gate.Close();
            long before = GC.GetAllocatedBytesForCurrentThread();
#pragma warning disable CA2012, xUnit1031, VSTHRD002 // Kept to have many at once; each is over when it is taken, once.
            for (int at = 0; at < gates.Length; at++) running[at] = SumAsync(gates[at], at, turn);
            foreach (Gate gate in gates) gate.Open();
            foreach (ref ValueTask<int> one in running.AsSpan()) sum += one.GetAwaiter().GetResult();
#pragma warning restore CA2012, xUnit1031, VSTHRD002
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal((3 * 4_950) + 300, sum);
        Assert.Equal(0, allocated);
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private static async ValueTask<int> SumAsync(Gate gate, int left, int right)
    {
        await gate;
        int sum = left + right;
        await gate;
        return sum;
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder))]
    private static async ValueTask FailAsync(Gate gate)
    {
        await gate;
        throw new InvalidOperationException("as it should");
    }

    // Waits until it is opened, and allocates nothing.
    private sealed class Gate : ICriticalNotifyCompletion
    {
        private Action? _waiter;

        public bool IsCompleted { get; private set; }

        public Gate GetAwaiter() => this;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => _waiter = continuation;

        public void UnsafeOnCompleted(Action continuation) => _waiter = continuation;

        public void Close() => IsCompleted = false;

        public void Open()
        {
            IsCompleted = true;
            Action? waiter = _waiter;
            _waiter = null;
            waiter?.Invoke();
        }
    }
}
