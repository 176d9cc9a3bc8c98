using Countersign.Cli.Configuration;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Shipping;

/// <summary>All shippers of one log: each runs by itself, none waits for another.</summary>
internal sealed class ShipperSet : IAsyncDisposable
{
    private readonly List<AuditShipper> _shippers = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeProvider _clock;
    private ShipMetrics? _metrics;
    private Task _running = Task.CompletedTask;

    private ShipperSet(TimeProvider clock) => _clock = clock;

    /// <summary>The shippers, in the order of the settings.</summary>
    internal IReadOnlyList<AuditShipper> Shippers => _shippers;

    /// <summary>Makes a shipper for each destination.</summary>
    /// <param name="folder">The log's folder.</param>
    /// <param name="settings">The destinations.</param>
    /// <param name="destinations">Makes them.</param>
    /// <param name="signed">How many entries are signed.</param>
    /// <param name="clock">The time.</param>
    /// <param name="logs">Where they log.</param>
    internal static async Task<ShipperSet> MakeAsync(
        string folder, IReadOnlyList<ShipSetting> settings, ShipDestinations destinations, Func<long> signed,
        TimeProvider clock, ILoggerFactory logs)
    {
        ShipperSet set = new(clock);
        ILogger log = logs.CreateLogger<AuditShipper>();
        try
        {
            foreach (ShipSetting setting in settings)
            {
                set._shippers.Add(new AuditShipper(
                    folder, setting.Name, new ShipSource(folder, setting.Payloads, signed), destinations.Make(setting),
                    clock, new Random(System.Security.Cryptography.RandomNumberGenerator.GetInt32(int.MaxValue)), log));
            }
        }
        catch
        {
            await set.DisposeAsync();
            throw;
        }

        return set;
    }

    /// <summary>Begins to ship and to be measured, until disposed of.</summary>
    internal void Start()
    {
        _metrics = new ShipMetrics(_shippers, _clock);
        _running = RunAsync(untilDone: false, _stop.Token);
    }

    /// <summary>Ships until cancelled, or until all that is signed is shipped.</summary>
    internal Task RunAsync(bool untilDone, CancellationToken cancellation) => Task.WhenAll(
        _shippers.Select(shipper => Task.Run(() => shipper.RunAsync(untilDone, cancellation), CancellationToken.None)));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        foreach (AuditShipper shipper in _shippers) await shipper.DisposeAsync();
        _metrics?.Dispose();
        _stop.Dispose();
    }
}
