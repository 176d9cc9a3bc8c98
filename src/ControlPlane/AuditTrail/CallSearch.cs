using Countersign.Audit;

namespace Countersign.ControlPlane.AuditTrail;

/// <summary>Some records.</summary>
/// <param name="Items">Newest first.</param>
/// <param name="Next">Pass it on as <c>before</c> to go on; 0 where there is no more.</param>
/// <param name="IsWhole">False when the log could not be read up to its end.</param>
internal sealed record RecordPage(IReadOnlyList<AuditEntry> Items, long Next, bool IsWhole);

/// <summary>Searches a log, which can only be read forwards, from its end.</summary>
internal static class CallSearch
{
    private const long WindowEntriesMin = 2_048;
    private const int WindowGrowth = 8;

    /// <summary>
    /// The newest records below <paramref name="before"/> that are asked for, at most <paramref name="limit"/>. Looks
    /// at <see cref="ControlPlaneLimits.CallEntriesScannedMax"/> entries and may then return fewer, even none, with a
    /// <see cref="RecordPage.Next"/>.
    /// </summary>
    public static RecordPage Newest(string folder, long before, int limit, AuditQuery query)
    {
        long least = EarliestOf(folder, query);
        if (query.To is { } to) before = Math.Min(before, AuditTimes.EntryAfter(folder, to));
        // Each window begins earlier and is read anew: together they cost an eighth more than the last alone.
        long window = Math.Max(WindowEntriesMin, limit * 4L);
        while (true)
        {
            long from = Math.Max(least, before - window);
            Queue<AuditEntry> kept = new();
            if (!TryRead(folder, from, before, limit, query, kept)) return new([], 0, IsWhole: false);
            bool isFull = kept.Count == limit;
            if (isFull || from <= least || window >= ControlPlaneLimits.CallEntriesScannedMax)
            {
                long next = isFull ? kept.Peek().Index : from <= least ? 0 : from;
                return new([.. kept.Reverse()], next, IsWhole: true);
            }

            window = Math.Min(window * WindowGrowth, ControlPlaneLimits.CallEntriesScannedMax);
        }
    }

    // No record of a call stands before its id was made.
    private static long EarliestOf(string folder, AuditQuery query)
    {
        DateTimeOffset? from = query.From;
        if (query.Call is { } call && (from is null || CallStory.TimeOf(call) > from)) from = CallStory.TimeOf(call);
        return from is { } time ? AuditTimes.EntryBefore(folder, time) : 0;
    }

    private static bool TryRead(
        string folder, long from, long before, int limit, AuditQuery query, Queue<AuditEntry> kept)
    {
        using AuditReader reader = new(folder, from);
        while (reader.Index < before)
        {
            AuditReadStatus status = reader.Read(out AuditEntry entry);
            if (status == AuditReadStatus.End) return true;
            if (status != AuditReadStatus.Entry) return false;
            if (!query.Matches(entry.Payload)) continue;
            if (kept.Count == limit) kept.Dequeue();
            kept.Enqueue(entry);
        }

        return true;
    }
}
