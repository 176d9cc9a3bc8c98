using System.Diagnostics.Tracing;
using System.Globalization;
using Countersign.Bench.Operations;

namespace Countersign.Bench.Gate;

/// <summary>Says which types an operation allocates once it is warm, from the runtime's allocation ticks: for when the
/// gate fails.</summary>
internal static class AllocationTrace
{
    private static readonly TimeSpan WarmFor = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan TraceFor = TimeSpan.FromSeconds(10);

    /// <summary>Runs the operation and prints the types, most bytes first. The runtime samples once per 100
    /// KiB.</summary>
    internal static async Task<int> RunAsync(string name, TextWriter output, TimeProvider clock)
    {
        CatalogueEntry? entry = Catalogue.All.FirstOrDefault(one => one.Name == name);
        if (entry is null)
        {
            string names = string.Join(", ", Catalogue.All.Select(one => one.Name));
            output.WriteLine($"there is no operation '{name}': {names}");
            return 1;
        }

        await using Operation operation = entry.Create();
        await operation.PrepareAsync();
        await RepeatAsync(operation, WarmFor, clock);
        using Ticks ticks = new();
        long count = await RepeatAsync(operation, TraceFor, clock);
        foreach ((string type, long bytes) in ticks.Bytes())
        {
            string each = ((double)bytes / count).ToString("0.00", CultureInfo.InvariantCulture);
            output.WriteLine($"{each,10} B/op  {type}");
        }

        return 0;
    }

    private static async Task<long> RepeatAsync(Operation operation, TimeSpan time, TimeProvider clock)
    {
        const int Batch = 100;
        long startedAt = clock.GetTimestamp(), count = 0;
        for (; clock.GetElapsedTime(startedAt) < time; count += Batch) await operation.RunAsync(Batch);
        return count;
    }

    private sealed class Ticks : EventListener
    {
        private const string RuntimeSource = "Microsoft-Windows-DotNETRuntime";
        private const EventKeywords GarbageCollection = (EventKeywords)1;
        private const string TickEvent = "GCAllocationTick";

        private readonly Dictionary<string, long> _bytesByType = new(StringComparer.Ordinal);

        internal IReadOnlyList<KeyValuePair<string, long>> Bytes()
        {
            lock (_bytesByType) return [.. _bytesByType.OrderByDescending(one => one.Value)];
        }

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == RuntimeSource) EnableEvents(eventSource, EventLevel.Verbose, GarbageCollection);
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventName?.StartsWith(TickEvent, StringComparison.Ordinal) != true) return;
            int type = eventData.PayloadNames!.IndexOf("TypeName");
            int amount = eventData.PayloadNames.IndexOf("AllocationAmount64");
            string name = (string)eventData.Payload![type]!;
            long bytes = Convert.ToInt64(eventData.Payload[amount], CultureInfo.InvariantCulture);
            lock (_bytesByType) _bytesByType[name] = _bytesByType.GetValueOrDefault(name) + bytes;
        }
    }
}
