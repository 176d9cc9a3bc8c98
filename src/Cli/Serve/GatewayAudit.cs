using Countersign.Audit;
using Countersign.Cli.Configuration;
using Countersign.Cli.Shipping;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>
/// The process's own log: opened, its loose ends closed, and what the process itself does written down.
/// </summary>
internal sealed class GatewayAudit : IAsyncDisposable
{
    private static readonly TimeSpan RetainEvery = TimeSpan.FromMinutes(10);

    private readonly AuditSettings _settings;
    private readonly string _gateway;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private Task _keeping = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;
    private long _unshipped;

    private GatewayAudit(AuditLog log, AuditSettings settings, string gateway, TimeProvider clock, ILogger logger)
    {
        _settings = settings;
        _log = logger;
        Log = log;
        Chain = new AuditChain(log, clock, settings.WitnessQuorum);
        _gateway = gateway;
        _clock = clock;
    }

    /// <summary>The log.</summary>
    internal AuditLog Log { get; }

    /// <summary>Entries that retention would have dropped, or has, and some destination has not taken.</summary>
    internal long Unshipped => Volatile.Read(ref _unshipped);

    /// <summary>How it stands with those who watch it.</summary>
    internal AuditChain Chain { get; }

    /// <summary>
    /// Opens the log and closes, as <c>unknown</c>, the calls that a killed process left open in it.
    /// </summary>
    internal static async Task<GatewayAudit> OpenAsync(GatewayOptions options, TimeProvider clock, ILogger log)
    {
        AuditLogOpening opening = AuditLog.Open(
            new AuditLogOptions
            {
                Folder = options.AuditFolder,
                Origin = "countersign/" + options.Name,
                KeepFor = options.Audit.KeepFor,
                KeepBytes = options.Audit.KeepBytes,
            },
            clock);
        if (opening.Log is null)
        {
            throw new StartRefusedException(
                $"The audit log in {options.AuditFolder} cannot be used: {opening.Message}");
        }

        if (opening.Status == AuditOpenStatus.OpenedAfterCut) ProcessLog.AuditTailCut(log, opening.TailCutBytes);
        int closed = await InterruptedCalls.CloseAsync(opening.Log, opening.Interrupted, options.Name, clock);
        if (closed < 0)
        {
            await opening.Log.DisposeAsync();
            throw new StartRefusedException($"The audit log cannot be written: {opening.Log.Fault}");
        }

        if (closed > 0) ProcessLog.CallsInterrupted(log, closed);
        GatewayAudit audit = new(opening.Log, options.Audit, options.Name, clock, log);
        audit._watching = audit.WatchAsync();
        if (options.Audit.KeepFor > TimeSpan.Zero || options.Audit.KeepBytes > 0) audit._keeping = audit.KeepAsync();
        return audit;
    }

    private async Task WatchAsync()
    {
        AuditHealth health = new(_log, _clock);
        using PeriodicTimer timer = new(AuditHealth.LookEvery, _clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                if (health.Look(Log) is { } told) Record("audit-resumed", told);
            }
        }
        catch (OperationCanceledException)
        {
            // The process ends.
        }
    }

    private async Task KeepAsync()
    {
        using PeriodicTimer timer = new(RetainEvery, _clock);
        try
        {
            long held = 0;
            do
            {
                // Off the thread that writes, and off this one's caller: what is dropped is read once more.
                long first = await Task.Run(Retain, _stop.Token);
                if (first <= held) continue;
                held = first;
                Record("retention", $"entries before {first} are no longer held; their hashes are", $"{first}");
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            // The process ends.
        }
    }

    // By the cursors on disk, so that it holds for destinations that another process ships to.
    private long ShippedTo() =>
        _settings.Ship.Count == 0 ? long.MaxValue
        : LogIdentity.Read(Log.Folder) is not { } log ? 0
        : ShipCursor.Least(Log.Folder, log, _settings.Ship.Select(one => one.Name));

    private long Retain()
    {
        try
        {
            DateTimeOffset now = _clock.GetUtcNow();
            long before = ShippedTo();
            long held = Log.FirstToHold(now);
            Volatile.Write(ref _unshipped, Math.Max(0, held - before));
            if (held > before) ProcessLog.Unshipped(_log, before, held - 1, _settings.KeepsUnshipped);
            return Log.Retain(now, _settings.KeepsUnshipped ? before : long.MaxValue);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            ProcessLog.NotRetained(_log, fault);
            return 0;
        }
    }

    /// <summary>Writes that the process runs, and under which configuration.</summary>
    internal void RecordStart(GatewayOptions options, Roles roles)
    {
        string text = ConfigurationText.Of(options, roles);
        Record("configuration", text, ConfigurationText.Digest(text));
        Record("started");
    }

    /// <summary>Writes something that the process does or notices, if there is room.</summary>
    internal void Record(string name, string detail = "", string subject = "")
    {
        if (!Log.TryReserve(out AuditReservation slot)) return;
        EventRecord told = new()
        {
            At = _clock.GetUtcNow(), Gateway = _gateway, Event = name, Subject = subject, Detail = detail,
        };
        told.WriteTo(slot.Outcome);
        Log.Enqueue(slot.Outcome);
        Log.Return(slot);
    }

    /// <summary>Closes the log.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _keeping;
        await _watching;
        _stop.Dispose();
        await Log.DisposeAsync();
    }
}
