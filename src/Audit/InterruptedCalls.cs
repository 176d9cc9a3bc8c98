using System.Text.Json;

namespace Countersign.Audit;

/// <summary>
/// Closes what a crash left open: an intent without an outcome gets one that says <c>unknown</c>, since nobody can tell
/// whether the call took effect.
/// </summary>
public static class InterruptedCalls
{
    private const string Detail =
        "The gateway ended before it could write what came of this call; it may have taken effect.";

    // What only an intent says, and what the outcome says for itself.
    private static readonly string[] NotShared = ["v", "type", "call", "at", "cut"];

    /// <summary>
    /// Writes an outcome for each of <paramref name="intents"/>, as <see cref="AuditLogOpening.Interrupted"/> names
    /// them, and returns once they are on disk: their count, or -1 if the log has faulted. Call it once, before the log
    /// takes other calls.
    /// </summary>
    public static async Task<int> CloseAsync(
        AuditLog log, IReadOnlyList<AuditEntry> intents, string gateway, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(intents);
        ArgumentNullException.ThrowIfNull(clock);
        foreach (AuditEntry intent in intents)
        {
            AuditReservation slot;
            while (!log.TryReserve(out slot))
            {
                if (!log.IsHealthy) return -1;
                await Task.Yield();
            }

            // The members of the intent are taken over whole, so it waits until there is room for that.
            while (slot.Outcome.BytesMax < AuditLimits.RecordBytesPromised + intent.Payload.Length
                && slot.Outcome.IsNarrow)
            {
                slot.Outcome.Narrow();
                if (!log.IsHealthy) return -1;
                await Task.Yield();
            }

            bool isWritten = Write(intent.Payload, gateway, clock.GetUtcNow(), slot.Outcome)
                && await log.CommitAsync(slot.Outcome).ConfigureAwait(false);
            log.Return(slot);
            if (!isWritten && !log.IsHealthy) return -1;
        }

        return intents.Count;
    }

    private static bool Write(ReadOnlyMemory<byte> intent, string gateway, DateTimeOffset at, AuditRecord outcome)
    {
        if (!OpenCalls.TryIntent(intent.Span, out Guid call)) return false;
        using JsonDocument told = JsonDocument.Parse(intent);
        outcome.Clear();
        AuditJson head = new(outcome);
        head.Number("v"u8, 1);
        head.Text("type"u8, "outcome"u8);
        head.Id("call"u8, call);
        head.Time("at"u8, at);
        if (!told.RootElement.TryGetProperty("gateway", out _)) head.Text("gateway"u8, gateway);
        bool isCut = false;
        foreach (JsonProperty member in told.RootElement.EnumerateObject())
        {
            isCut |= member.NameEquals("cut"u8);
            if (Array.IndexOf(NotShared, member.Name) < 0) head.Member(member);
        }

        head.Text("verdict"u8, "unknown"u8);
        head.Number("masked"u8, 0);
        head.Text("detail"u8, Detail);
        head.End(isCut);
        return true;
    }
}
