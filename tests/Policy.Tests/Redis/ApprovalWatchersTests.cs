using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Policy.Tests.Redis;

/// <summary>Who is woken when an approval moves.</summary>
public sealed class ApprovalWatchersTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Whoever_leaves_takes_nobody_along(int leaver)
    {
        // Proves that of three who wait for one approval each may leave, twice even, and the other two are woken.
        ApprovalWatchers watchers = new(NullLogger.Instance);
        int[] woken = new int[3];
        int all = 0, others = 0;
        IDisposable[] watches =
        [
            watchers.Add("a", () => woken[0]++), watchers.Add("a", () => woken[1]++),
            watchers.Add("a", () => woken[2]++),
        ];
        using IDisposable other = watchers.Add("b", () => others++);
        using IDisposable any = watchers.AddForAll(_ => all++);
        watches[leaver].Dispose();
        watches[leaver].Dispose();
        watchers.Wake("a");
        int[] expected = [1, 1, 1];
        expected[leaver] = 0;
        Assert.Equal(expected, woken);
        Assert.Equal((1, 0), (all, others));
        foreach (IDisposable watch in watches) watch.Dispose();
        watchers.Wake("a");
        watchers.WakeAll();
        Assert.Equal(expected, woken);
        Assert.Equal((3, 1), (all, others));
    }
}
