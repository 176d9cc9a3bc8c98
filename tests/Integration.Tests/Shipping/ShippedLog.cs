using Countersign.Audit;
using Countersign.Cli.Configuration;
using Countersign.Cli.Shipping;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Shipping;

/// <summary>A log of its own, and shippers of it.</summary>
internal sealed class ShippedLog : IAsyncDisposable
{
    internal static readonly DateTimeOffset Noon = new(2026, 3, 9, 12, 0, 0, TimeSpan.Zero);

    private readonly string _root = Directory.CreateTempSubdirectory("countersign-ship-").FullName;
    private readonly AuditLogOptions _options;
    private AuditLog? _log;

    internal ShippedLog(string origin = "countersign/test")
    {
        _options = new()
        {
            Folder = Path.Combine(_root, "log"), Origin = origin, CheckpointEvery = TimeSpan.FromMilliseconds(5),
            CommitEvery = TimeSpan.FromMilliseconds(1), SegmentBytesMax = 65_536,
        };
        _log = AuditLog.Open(_options, TimeProvider.System).Log!;
    }

    internal string Folder => _options.Folder;

    internal AuditLog Log => _log!;

    internal string PathOf(string name) => Path.Combine(_root, name);

    /// <summary>Adds calls, each an intent and an outcome with copies, and waits until they are signed.</summary>
    internal async Task CallAsync(int calls, string caller = "bot", DateTimeOffset? at = null)
    {
        long from = Log.Size;
        for (int call = 0; call < calls; call++)
        {
            Guid id = Guid.CreateVersion7();
            await WriteAsync(record => Call(CallRecordType.Intent, id, caller, at).WriteTo(record));
            await WriteAsync(record => Call(CallRecordType.Outcome, id, caller, at).WriteTo(record));
        }

        await SignedAsync(from + (2 * calls));
    }

    /// <summary>Adds one record.</summary>
    internal async Task WriteAsync(Action<AuditRecord> write)
    {
        AuditReservation slot;
        while (!Log.TryReserve(out slot)) await Task.Yield();
        write(slot.Outcome);
        Log.Enqueue(slot.Outcome);
        Log.Return(slot);
    }

    internal Task SignedAsync(long size) => EndToEnd.Until.TrueAsync(
        () => Task.FromResult(Log.LastCheckpoint?.Size >= size));

    /// <summary>Every entry's leaf hash, in order: what every destination must end with.</summary>
    internal string[] Truth() =>
    [
        .. AuditReader.Between(Folder, 0, long.MaxValue).Select(entry => Leaf(LogIdentity.Leaf(entry.Payload.Span))),
    ];

    internal static string Leaf(byte[] hash) => Convert.ToBase64String(hash);

    internal LogIdentity Identity() => LogIdentity.Read(Folder)!;

    /// <summary>A shipper to a destination, from its cursor.</summary>
    internal AuditShipper Shipper(IAuditDestination destination, string name = "there", bool payloads = false) => new(
        Folder, name, new ShipSource(Folder, payloads, () => Log.LastCheckpoint?.Size ?? 0), destination,
        TimeProvider.System, new Random(1), NullLogger.Instance);

    /// <summary>A shipper as the configuration makes it.</summary>
    internal AuditShipper Shipper(ShipSetting setting, params (string Name, string Value)[] environment)
    {
        Dictionary<string, string> variables = environment.ToDictionary(one => one.Name, one => one.Value);
        ShipDestinations make = new(variables, TimeProvider.System, NullLoggerFactory.Instance);
        return Shipper(make.Make(setting), setting.Name, setting.Payloads);
    }

    /// <summary>Ships all that is signed.</summary>
    internal static async Task DrainAsync(AuditShipper shipper)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        await shipper.RunAsync(untilDone: true, patience.Token);
        Assert.False(patience.IsCancellationRequested, shipper.Progress.Status + " " + shipper.Progress.Message);
    }

    /// <summary>The log as an older copy of its folder would have it.</summary>
    internal async Task RollBackAsync(Func<Task> meanwhile)
    {
        await _log!.DisposeAsync();
        string old = PathOf("old");
        Copy(Folder, old);
        _log = AuditLog.Open(_options, TimeProvider.System).Log!;
        await meanwhile();
        await _log.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
        Directory.Move(old, Folder);
        _log = AuditLog.Open(_options, TimeProvider.System).Log!;
    }

    /// <summary>Drops the oldest segments, all but the last of which are complete.</summary>
    internal async Task<long> DropAsync()
    {
        await _log!.DisposeAsync();
        _log = AuditLog.Open(_options with { KeepFor = TimeSpan.FromHours(1) }, TimeProvider.System).Log!;
        return _log.Retain(TimeProvider.System.GetUtcNow() + TimeSpan.FromDays(1));
    }

    public async ValueTask DisposeAsync()
    {
        await _log!.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    private static CallRecord Call(CallRecordType type, Guid call, string caller, DateTimeOffset? at) => new(type)
    {
        Call = call, At = at ?? TimeProvider.System.GetUtcNow(), Gateway = "gw", Issuer = "https://i", Subject = caller,
        Kind = "agent", Chain = ["ada"], Function = "billing.refund", Method = "POST"u8, Target = "/billing/7"u8,
        Risk = "high", Decision = "approve", Rule = "big-money", PolicyVersion = 3, Approval = "apr_1",
        Approvers = ["eve"], Verdict = "ok", Status = 200, Masked = 2, DurationMicroseconds = 1_000,
        RequestCopy = "{\"amount\":7,\"note\":\"secret-of-the-body\"}"u8,
    };

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
