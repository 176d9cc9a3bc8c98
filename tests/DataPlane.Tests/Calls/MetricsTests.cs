using System.Diagnostics.Metrics;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>What is measured, read as an exporter reads it.</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task Calls_are_counted_by_verdict_and_timed()
    {
        // Proves counts, calls in flight and durations by three calls of two verdicts and one that is held.
        await using MemoryGateway gateway = new(Policies.Standard);
        using MeterReading reading = new(gateway.Meter);
        MemoryClient client = gateway.Connect();
        await client.CallAsync(Requests.Get(gateway, "/raw/1"));
        await client.CallAsync(Requests.Get(gateway, "/raw/2"));
        await client.CallAsync(Requests.Get(gateway, "/nowhere"));
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            arrived.SetResult();
        };
        await client.SendAsync(Requests.Get(gateway, "/strict/1"));
        await arrived.Task;
        Assert.Equal(2, reading.Of("countersign.calls", "ok"));
        Assert.Equal(1, reading.Of("countersign.calls", "unknown-function"));
        Assert.Equal(0, reading.Of("countersign.calls", "denied"));
        Assert.Equal(1, reading.Of("countersign.calls.active"));
        Assert.Equal(3, reading.Durations);
        Assert.Equal(1, reading.Of("countersign.upstream.calls.active", "raw"));
        Assert.Equal(0, reading.Of("countersign.upstream.calls.active", "people"));
    }

    [Fact]
    public async Task Endpoints_show_their_connections_and_state()
    {
        // Proves the gauges per endpoint by one call that left a connection behind, and the labels: upstream, endpoint
        // and address, nothing else.
        await using MemoryGateway gateway = new(Policies.Standard);
        using MeterReading reading = new(gateway.Meter);
        MemoryClient client = gateway.Connect();
        await client.CallAsync(Requests.Get(gateway, "/raw/secret-7"));
        await client.CallAsync(Requests.Get(gateway, "/nowhere")); // answered once the call before has ended
        Assert.Equal(1, reading.Of("countersign.upstream.endpoint.connections.open", "raw"));
        Assert.Equal(1, reading.Of("countersign.upstream.endpoint.connections.idle", "raw"));
        Assert.Equal(0, reading.Of("countersign.upstream.endpoint.calls.active", "raw"));
        Assert.Equal(1, reading.Of("countersign.upstream.endpoint.healthy", "raw"));
        Assert.Equal(0, reading.Of("countersign.upstream.endpoint.circuit", "raw"));
        gateway.Upstream.IsAway = true;
        await gateway.Connect().CallAsync(Requests.Get(gateway, "/strict/1"));
        Assert.Equal(1, reading.Of("countersign.upstream.connects.failed"));
        Assert.Equal(0, reading.Of("countersign.upstream.retries"));
        Assert.Equal(["address", "endpoint", "upstream", "verdict"], reading.Labels.Order());
        Assert.DoesNotContain(reading.Values, value => value.Contains("secret", StringComparison.Ordinal));
    }

    private sealed class MeterReading : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly Dictionary<string, double> _values = [];
        private int _durations;

        internal MeterReading(Meter meter)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter == meter) listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
            _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Note(instrument, value, tags));
            _listener.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref _durations));
            _listener.Start();
        }

        internal int Durations => Volatile.Read(ref _durations);

        internal HashSet<string> Labels { get; } = [];

        internal HashSet<string> Values { get; } = [];

        internal double Of(string name, string label = "")
        {
            _values.Clear();
            _listener.RecordObservableInstruments();
            return _values[name + "/" + label];
        }

        public void Dispose() => _listener.Dispose();

        private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                Labels.Add(tag.Key);
                Values.Add((string)tag.Value!);
            }

            _values[instrument.Name + "/" + (tags.IsEmpty ? "" : tags[0].Value)] = value;
        }
    }
}
