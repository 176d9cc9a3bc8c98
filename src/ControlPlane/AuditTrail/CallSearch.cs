using System.Text.Json;
using Countersign.Audit;

namespace Countersign.ControlPlane.AuditTrail;

/// <summary>Some records of calls.</summary>
/// <param name="Items">Newest first.</param>
/// <param name="Next">Pass it on as <c>before</c> to go on; 0 at the log's beginning.</param>
/// <param name="IsWhole">False when the log could not be read up to its end.</param>
internal sealed record CallPage(IReadOnlyList<AuditEntry> Items, long Next, bool IsWhole);

/// <summary>Searches a log, which can only be read forwards, from its end.</summary>
internal static class CallSearch
{
    private const long WindowEntriesMin = 2_048;
    private const int WindowGrowth = 8;

    /// <summary>
    /// The newest call records below <paramref name="before"/>, at most <paramref name="limit"/>; of one call, or of
    /// all when <paramref name="call"/> is null. Looks at <see cref="ControlPlaneLimits.CallEntriesScannedMax"/>
    /// entries and may then return fewer, even none, with a <see cref="CallPage.Next"/>.
    /// </summary>
    public static CallPage Newest(string folder, long before, int limit, Guid? call)
    {
        // Each window begins earlier and is read anew: together they cost an eighth more than the last alone.
        long window = Math.Max(WindowEntriesMin, limit * 4L);
        while (true)
        {
            long from = Math.Max(0, before - window);
            Queue<AuditEntry> kept = new();
            if (!TryRead(folder, from, before, limit, call, kept)) return new([], 0, IsWhole: false);
            bool isFull = kept.Count == limit;
            if (isFull || from == 0 || window >= ControlPlaneLimits.CallEntriesScannedMax)
            {
                long next = isFull ? kept.Peek().Index : from;
                return new([.. kept.Reverse()], next, IsWhole: true);
            }

            window = Math.Min(window * WindowGrowth, ControlPlaneLimits.CallEntriesScannedMax);
        }
    }

    /// <summary>The id of the call that a record is of; null for the record of another act.</summary>
    internal static Guid? CallOf(ReadOnlySpan<byte> record)
    {
        Utf8JsonReader reader = new(record);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isCall = reader.ValueTextEquals("call"u8);
                reader.Read();
                if (isCall && reader.TokenType == JsonTokenType.String && reader.TryGetGuid(out Guid call)) return call;
                reader.Skip();
            }
        }
        catch (JsonException)
        {
            // Not a record of ours: the log's verifier speaks of it, a search passes over it.
        }

        return null;
    }

    private static bool TryRead(string folder, long from, long before, int limit, Guid? call, Queue<AuditEntry> kept)
    {
        using AuditReader reader = new(folder, from);
        while (reader.Index < before)
        {
            AuditReadStatus status = reader.Read(out AuditEntry entry);
            if (status == AuditReadStatus.End) return true;
            if (status != AuditReadStatus.Entry) return false;
            if (CallOf(entry.Payload.Span) is not { } found || (call is not null && found != call)) continue;
            if (kept.Count == limit) kept.Dequeue();
            kept.Enqueue(entry);
        }

        return true;
    }
}
