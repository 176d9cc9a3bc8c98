using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Waiting for behaviour instead of for time.</summary>
public static class Until
{
    // Far longer than anything takes on a machine that does much besides: only what never happens takes so long.
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(25);

    /// <summary>Looks again until it is so, or fails the test.</summary>
    public static async Task TrueAsync(Func<Task<bool>> isSo, TimeSpan? within = null) =>
        Assert.True(await IsTrueAsync(isSo, within ?? PatienceMax), "what must happen did not");

    /// <summary>Looks again until it is so; false if it has not become so in that time, where it need not.</summary>
    public static async Task<bool> IsTrueAsync(Func<Task<bool>> isSo, TimeSpan within)
    {
        long startedAt = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            if (TimeProvider.System.GetElapsedTime(startedAt) >= within) return false;
            await Task.Delay(Between);
        }

        return true;
    }
}
