using System.Text;
using Countersign.Audit;
using Countersign.Cli.Shipping;
using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Shipping;

/// <summary>The shipper itself, on a real log, with a destination that fails as it is told.</summary>
public sealed class ShipperTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Whatever_fails_a_destination_ends_with_each_entry_once_in_order(int seed)
    {
        // Proves the property on a random story from a seed: writes that fail, answers that are lost, shippers that are
        // ended at any step without a word, cursors that go missing, destinations that lose their newest entries.
        await using ShippedLog log = new();
        Random dice = new(seed);
        DestinationState state = new();
        state.Before = _ => dice.Next(4) == 0 ? ShipStatus.Away : null;
        state.LosesAnswer = () => dice.Next(4) == 0;
        for (int life = 0; life < 12; life++)
        {
            await log.CallAsync(dice.Next(1, 400));
            await using AuditShipper shipper = log.Shipper(new ScriptedDestination(state));
            for (int step = dice.Next(6); step > 0; step--)
                await shipper.StepAsync(TestContext.Current.CancellationToken);
            if (dice.Next(4) == 0) File.Delete(Path.Combine(ShipCursor.FolderOf(log.Folder), "there.json"));
            if (dice.Next(4) == 0)
                state.Entries.RemoveRange(state.Entries.Count / 2, state.Entries.Count - (state.Entries.Count / 2));
        }

        (state.Before, state.LosesAnswer) = (null, null);
        await using (AuditShipper last = log.Shipper(new ScriptedDestination(state)))
        {
            await ShippedLog.DrainAsync(last);
            Assert.Equal((0, TimeSpan.Zero), (last.Lag, last.Progress.Behind(TimeProvider.System.GetUtcNow())));
        }

        Assert.Equal(log.Truth(), state.Entries.Select(one => one.Leaf));
        Assert.Equal(Enumerable.Range(0, state.Entries.Count).Select(index => (long)index),
            state.Entries.Select(one => one.Index));
    }

    [Fact]
    public async Task A_destination_that_is_away_holds_up_nobody()
    {
        // Proves that one ships all while the other is away, that the other's lag and age are told, and that it catches
        // up by itself once it is there.
        await using ShippedLog log = new();
        DestinationState near = new(), far = new();
        bool isAway = true;
        far.Before = _ => Volatile.Read(ref isAway) ? ShipStatus.Away : null;
        await using AuditShipper one = log.Shipper(new ScriptedDestination(near), "near");
        await using AuditShipper other = log.Shipper(new ScriptedDestination(far), "far");
        using CancellationTokenSource stop = new();
        Task running = Task.WhenAll(one.RunAsync(false, stop.Token), other.RunAsync(false, stop.Token));
        await log.CallAsync(1_500);
        await Until.TrueAsync(() => Task.FromResult(one.Lag == 0 && other.Progress.Failures > 1));
        Assert.Equal((3_000, ShipStatus.Away), (other.Lag, other.Progress.Status));
        Assert.True(other.Progress.Behind(TimeProvider.System.GetUtcNow()) > TimeSpan.Zero);
        Volatile.Write(ref isAway, false);
        await Until.TrueAsync(() => Task.FromResult(other.Lag == 0));
        await stop.CancelAsync();
        await running;
        Assert.Equal(log.Truth(), far.Entries.Select(entry => entry.Leaf));
        Assert.Equal(3_000, ShipCursor.Least(log.Folder, log.Identity(), ["near", "far"]));
    }

    [Fact]
    public async Task A_full_destination_is_asked_again_soon_however_long_it_was_full()
    {
        // Proves that the wait stays within its spread while there is no room, grows while the destination is away, and
        // begins anew after that.
        await using ShippedLog log = new();
        await log.CallAsync(1);
        ShipStatus told = ShipStatus.Full;
        DestinationState state = new() { Before = _ => told };
        await using AuditShipper shipper = log.Shipper(new ScriptedDestination(state));
        TimeSpan full = TimeSpan.Zero, away = TimeSpan.Zero;
        for (int time = 0; time < 12; time++) full = Longer(full, await shipper.StepAsync(Cancel));
        told = ShipStatus.Away;
        for (int time = 0; time < 12; time++) away = Longer(away, await shipper.StepAsync(Cancel));
        told = ShipStatus.Full;
        full = Longer(full, await shipper.StepAsync(Cancel));
        Assert.InRange(full, ShipLimits.FullRetryAfter * 0.75, ShipLimits.FullRetryAfter * 1.25);
        Assert.InRange(away, ShipLimits.RetryAfterMax * 0.75, ShipLimits.RetryAfterMax * 1.25);
        state.Before = null;
        await ShippedLog.DrainAsync(shipper);
        Assert.Equal(log.Truth(), state.Entries.Select(one => one.Leaf));

        static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
    }

    [Fact]
    public async Task What_waits_for_one_that_was_never_there_has_an_age_and_what_it_took_in_part_is_counted()
    {
        // Proves with a destination that does not open that the oldest entry's age is told, and with one that takes a
        // batch and loses the answer, as a stream does that is full in its middle, that no entry is left out of the
        // count.
        await using ShippedLog log = new();
        await log.CallAsync(10);
        DestinationState state = new() { IsAway = true };
        await using AuditShipper shipper = log.Shipper(new ScriptedDestination(state));
        await shipper.StepAsync(Cancel);
        Assert.Equal((ShipStatus.Away, 20), (shipper.Progress.Status, shipper.Lag));
        Assert.True(shipper.Progress.Behind(TimeProvider.System.GetUtcNow()) > TimeSpan.Zero);
        (state.IsAway, state.LosesAnswer) = (false, () => state.LosesAnswer is not null);
        await shipper.StepAsync(Cancel);
        state.LosesAnswer = null;
        await log.CallAsync(5);
        await ShippedLog.DrainAsync(shipper);
        Assert.Equal((30, 30L), (state.Entries.Count, shipper.Progress.Shipped));
        Assert.Equal(TimeSpan.Zero, shipper.Progress.Behind(TimeProvider.System.GetUtcNow()));
    }

    [Fact]
    public async Task A_log_that_was_rolled_back_is_not_shipped_over_what_is_there()
    {
        // Proves that a folder put back from an older copy is contradicted by what it shipped before, while it is
        // shorter and once it has grown over that, and that nothing more is written.
        await using ShippedLog log = new();
        await log.CallAsync(20);
        DestinationState state = new();
        await log.RollBackAsync(async () =>
        {
            await log.CallAsync(30);
            await using AuditShipper before = log.Shipper(new ScriptedDestination(state));
            await ShippedLog.DrainAsync(before);
        });
        Assert.Equal(100, state.Entries.Count);
        foreach (int more in new[] { 5, 40 })
        {
            await log.CallAsync(more);
            await using AuditShipper after = log.Shipper(new ScriptedDestination(state));
            List<string> told = [];
            after.Contradicted += told.Add;
            for (int time = 0; time < 3; time++)
            {
                // Told once: the log grows by it, and so does the number in what would be told next.
                await after.StepAsync(Cancel);
                await log.CallAsync(1);
            }

            Assert.Equal(ShipStatus.Contradicted, after.Progress.Status);
            Assert.NotEmpty(Assert.Single(told));
        }

        Assert.Equal(100, state.Entries.Count);
    }

    [Fact]
    public async Task What_retention_dropped_is_counted_as_lost()
    {
        // Proves that a destination that comes too late gets the rest in order, and that the loss is told in numbers.
        await using ShippedLog log = new();
        DestinationState state = new();
        await log.CallAsync(400);
        long held = await log.DropAsync();
        Assert.True(held > 0);
        await using AuditShipper shipper = log.Shipper(new ScriptedDestination(state));
        await ShippedLog.DrainAsync(shipper);
        Assert.Equal(held, shipper.Progress.Lost);
        Assert.Equal(Enumerable.Range((int)held, 800 - (int)held), state.Entries.Select(one => (int)one.Index));
    }

    [Fact]
    public async Task Retention_holds_what_was_not_shipped()
    {
        // Proves on one log that nothing from a bound on is dropped, and that what lies below is.
        await using ShippedLog log = new();
        await log.CallAsync(400);
        long all = await log.DropAsync();
        await using ShippedLog other = new();
        await other.CallAsync(400);
        DateTimeOffset later = TimeProvider.System.GetUtcNow() + TimeSpan.FromDays(1);
        Assert.Equal(0, other.Log.Retain(later, 0));
        Assert.True(all > 100);
    }

    [Fact]
    public async Task Two_processes_do_not_ship_to_one_destination()
    {
        // Proves that the second is refused while the first is there, and goes on where it left.
        await using ShippedLog log = new();
        await log.CallAsync(3);
        DestinationState state = new();
        await using (AuditShipper first = log.Shipper(new ScriptedDestination(state)))
        {
            await ShippedLog.DrainAsync(first);
            await using AuditShipper second = log.Shipper(new ScriptedDestination(state));
            await second.StepAsync(TestContext.Current.CancellationToken);
            Assert.Equal(ShipStatus.Refused, second.Progress.Status);
        }

        await log.CallAsync(2);
        await using AuditShipper third = log.Shipper(new ScriptedDestination(state));
        await ShippedLog.DrainAsync(third);
        Assert.Equal(log.Truth(), state.Entries.Select(one => one.Leaf));
    }

    [Theory]
    [InlineData("""{"v":1,"request_copy":"a\"b","x":2}""", """{"v":1,"x":2}""")]
    [InlineData("""{"v":1,"x":{"request_copy":"in"},"response_copy":"{}"}""", """{"v":1,"x":{"request_copy":"in"}}""")]
    [InlineData("""{"v":1,"request_copy":"a","response_copy":"b","cut":true}""", """{"v":1,"cut":true}""")]
    [InlineData("""{"v":1,"request_copy_withheld":"x"}""", """{"v":1,"request_copy_withheld":"x"}""")]
    [InlineData("""{"v":1,"request_copy":""", "{}")]
    public void Copies_are_taken_out_and_nothing_else(string record, string rest)
    {
        // Proves by bytes that the two copies of a record are gone, and that what cannot be read is withheld whole.
        Assert.Equal(rest, Encoding.UTF8.GetString(CopyFields.Without(Encoding.UTF8.GetBytes(record)).Span));
    }
}
