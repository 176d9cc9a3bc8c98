using Countersign.Audit;

namespace Countersign.Bench.Operations;

/// <summary>An audit log in a folder of its own, gone afterwards.</summary>
internal sealed class AuditSetup : IAsyncDisposable
{
    private static readonly string[] Groups = ["support", "staff"];
    private static readonly string[] Chain = ["alice"];

    private const int QueueRecordsMax = 4_096;

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-bench-").FullName;
    private readonly Guid _call = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
    private readonly DateTimeOffset _at = TimeProvider.System.GetUtcNow();
    private readonly byte[] _digest = new byte[32];

    internal AuditSetup()
    {
        // Signed at the end only: checkpoints come by the clock, and would make the count depend on the machine.
        AuditLogOptions options = new()
        {
            Folder = Path.Combine(_folder, "audit"),
            Origin = "countersign/bench",
            CheckpointEvery = TimeSpan.FromHours(1),

            // As many as are kept ready: where the disk is behind it is waited for, and no record is made.
            QueueRecordsMax = QueueRecordsMax,
        };
        Log = AuditLog.Open(options, TimeProvider.System).Log
            ?? throw new InvalidOperationException("the audit log does not open");
    }

    internal AuditLog Log { get; }

    /// <summary>Room for a call, waited for where the disk is behind.</summary>
    internal AuditReservation Reserve()
    {
        AuditReservation slot;
        while (!Log.TryReserve(out slot))
        {
            if (!Log.IsHealthy) throw new InvalidOperationException("the audit log has faulted");
            Thread.Yield();
        }

        return slot;
    }

    internal void Fill(AuditRecord target, CallRecordType type)
    {
        CallRecord record = new(type)
        {
            Call = _call,
            At = _at,
            Gateway = "gateway-1",
            Issuer = "https://issuer.test",
            Subject = "alice",
            Kind = "human",
            Groups = Groups,
            Chain = Chain,
            Function = "billing.refund",
            Method = "POST"u8,
            Target = "/billing/42/refunds"u8,
            Risk = "high",
            Decision = "allow",
            Rule = "small-refund",
            PolicyVersion = 7,
            Digest = _digest,
            RequestBytes = 58,
        };
        if (type == CallRecordType.Outcome)
        {
            record.Verdict = "ok";
            record.Status = record.UpstreamStatus = 200;
            record.ResponseBytes = 4_096;
            record.ResponseDigest = _digest;
            record.Masked = 2;
            record.DurationMicroseconds = 1_250;
        }

        record.WriteTo(target);
    }

    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>What every call does: one reservation, an intent and an outcome, queued.</summary>
/// <param name="countsWriter">The writer's thread is counted too: what it does for each tile, spread over its
/// calls.</param>
internal sealed class AuditAppend(bool countsWriter) : InlineOperation
{
    private readonly AuditSetup _setup = new();

    internal override bool SpansThreads => countsWriter;

    protected override void Run()
    {
        AuditReservation slot = _setup.Reserve();
        _setup.Fill(slot.Intent, CallRecordType.Intent);
        _setup.Log.Enqueue(slot.Intent);
        _setup.Fill(slot.Outcome, CallRecordType.Outcome);
        _setup.Log.Enqueue(slot.Outcome);
        _setup.Log.Return(slot);
    }

    protected override ValueTask ReleaseAsync() => _setup.DisposeAsync();
}

/// <summary>What a strict call does: its intent is on disk before it goes on. The writer's part is counted
/// too.</summary>
internal sealed class AuditCommit : Operation
{
    private readonly AuditSetup _setup = new();

    internal override bool SpansThreads => true;

    internal override async Task RunAsync(int count)
    {
        for (int turn = 0; turn < count; turn++)
        {
            AuditReservation slot = _setup.Reserve();
            _setup.Fill(slot.Intent, CallRecordType.Intent);
            Require(await _setup.Log.CommitAsync(slot.Intent));
            _setup.Log.Return(slot);
        }
    }

    protected override ValueTask ReleaseAsync() => _setup.DisposeAsync();
}
