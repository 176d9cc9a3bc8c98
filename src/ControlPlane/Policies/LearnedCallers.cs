using System.Text.Json;
using Countersign.Audit;
using Countersign.Policy.Review;

namespace Countersign.ControlPlane.Policies;

/// <summary>
/// Callers that this gateway's audit saw, for a check that has no directory of people. The newest records alone are
/// read, and what was learned is kept for a minute: a check may be asked for again and again.
/// </summary>
internal sealed class LearnedCallers(AuditLog log, TimeProvider clock)
{
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private PeopleDirectory? _learned;
    private DateTimeOffset _at;

    /// <summary>Null where the log cannot be read.</summary>
    public PeopleDirectory? Find()
    {
        lock (_gate)
        {
            DateTimeOffset now = clock.GetUtcNow();
            bool isFresh = _learned is not null && now - _at < KeptFor;
            if (isFresh) return _learned;
            _learned = Read();
            _at = now;
            return _learned;
        }
    }

    private PeopleDirectory? Read()
    {
        List<Countersign.Policy.Caller> seen = [];
        using AuditReader reader = new(log.Folder, Math.Max(0, log.Size - ControlPlaneLimits.CallEntriesScannedMax));
        while (true)
        {
            AuditReadStatus status = reader.Read(out AuditEntry entry);
            if (status == AuditReadStatus.End) return PeopleDirectory.Learn(seen);
            if (status != AuditReadStatus.Entry) return null;
            if (CallerOf(entry.Payload) is { } caller) seen.Add(caller);
        }
    }

    private static Countersign.Policy.Caller? CallerOf(ReadOnlyMemory<byte> record)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(record);
            return AuditedCaller.Read(document.RootElement);
        }
        catch (JsonException)
        {
            // Not a record of ours: the log's verifier speaks of it.
            return null;
        }
    }
}
