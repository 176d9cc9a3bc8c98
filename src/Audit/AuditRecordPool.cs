namespace Countersign.Audit;

/// <summary>All records there will ever be, made at the start.</summary>
internal sealed class AuditRecordPool
{
    private readonly RecordRing _free;

    internal AuditRecordPool(int recordsMax, int recordBytesMax)
    {
        RecordBytesMax = recordBytesMax;
        _free = new RecordRing(recordsMax);
        for (int record = 0; record < recordsMax; record++) _free.Enqueue(new AuditRecord(this));
    }

    internal int RecordBytesMax { get; }

    /// <summary>Records nobody holds; exact only while nobody moves.</summary>
    internal long FreeRecords => _free.Count;

    [HotPath]
    internal bool TryTakeTwo(out AuditReservation slot)
    {
        slot = default;
        if (!_free.TryDequeue(out AuditRecord intent)) return false;
        if (!_free.TryDequeue(out AuditRecord outcome))
        {
            _free.Enqueue(intent);
            return false;
        }

        intent.BeginLease();
        outcome.BeginLease();
        slot = new AuditReservation(intent, outcome);
        return true;
    }

    [HotPath]
    internal void Return(AuditRecord record)
    {
        record.EndLease();
        _free.Enqueue(record);
    }
}
