using Countersign.Audit;
using Countersign.Cli.Configuration;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>
/// The process's own log: opened, its loose ends closed, and what the process itself does written down.
/// </summary>
internal sealed class GatewayAudit : IAsyncDisposable
{
    private static readonly TimeSpan RetainEvery = TimeSpan.FromMinutes(10);

    private readonly string _gateway;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private Task _keeping = Task.CompletedTask;

    private GatewayAudit(AuditLog log, string gateway, TimeProvider clock, ILogger logger, int quorum)
    {
        _log = logger;
        Log = log;
        Chain = new AuditChain(log, clock, quorum);
        _gateway = gateway;
        _clock = clock;
    }

    /// <summary>The log.</summary>
    internal AuditLog Log { get; }

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
        GatewayAudit audit = new(opening.Log, options.Name, clock, log, options.Audit.WitnessQuorum);
        if (options.Audit.KeepFor > TimeSpan.Zero || options.Audit.KeepBytes > 0) audit._keeping = audit.KeepAsync();
        return audit;
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

    private long Retain()
    {
        try
        {
            return Log.Retain(_clock.GetUtcNow());
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
        _stop.Dispose();
        await Log.DisposeAsync();
    }
}
