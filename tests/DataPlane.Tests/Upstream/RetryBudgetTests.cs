using Countersign.DataPlane.Upstream;

namespace Countersign.DataPlane.Tests.Upstream;

/// <summary>What retries may cost.</summary>
public sealed class RetryBudgetTests
{
    [Theory]
    [InlineData(20, 100, 20)]
    [InlineData(100, 30, 30)]
    [InlineData(1, 99, 0)]
    [InlineData(20, 1_000_000, 100)]
    public void Calls_earn_retries(int percent, int calls, int expected)
    {
        // Proves the share of a budget once its first ten are spent, and that no more than a hundred are saved up.
        RetryBudget budget = new(percent);
        Assert.Equal(10, SpendAll(budget));
        for (int call = 0; call < calls; call++) budget.Earn();
        Assert.Equal(expected, SpendAll(budget));
    }

    [Fact]
    public void Ten_a_second_are_always_there()
    {
        // Proves the floor by time, in heartbeats, and that a long pause gives no more than a second's worth.
        RetryBudget budget = new(1);
        SpendAll(budget);
        for (int beat = 0; beat < 4; beat++) budget.Refill(TimeSpan.FromMilliseconds(250));
        Assert.Equal(10, SpendAll(budget));
        budget.Refill(TimeSpan.FromHours(1));
        Assert.Equal(10, SpendAll(budget));
    }

    [Fact]
    public void None_is_none()
    {
        // Proves that a budget of zero never allows a retry, whatever calls and time bring.
        RetryBudget budget = new(0);
        budget.Earn();
        budget.Refill(TimeSpan.FromSeconds(1));
        Assert.False(budget.TrySpend());
    }

    private static int SpendAll(RetryBudget budget)
    {
        int count = 0;
        while (budget.TrySpend()) count++;
        return count;
    }
}
