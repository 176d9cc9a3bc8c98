using System.Text.Json;

namespace Countersign.Audit;

/// <summary>
/// Where in a log a time may be, so that a search need not read all of it: by the first record of each segment that was
/// written when it says. An intent is none, since it tells when its call began, which may have been held since.
/// </summary>
public static class AuditTimes
{
    // Intents that may stand before the first record that tells its own time.
    private const int LookMax = 4_096;

    // Records of several threads are queued in another order than they were timed in, and clocks are set.
    private static readonly TimeSpan Slack = TimeSpan.FromMinutes(1);

    /// <summary>An entry such that no record before it was written at <paramref name="at"/> or later.</summary>
    public static long EntryBefore(string folder, DateTimeOffset at)
    {
        List<long> firsts = LogFolder.Segments(folder);
        int last = LastBegunBefore(folder, firsts, at - Slack);
        return firsts.Count == 0 ? 0 : firsts[Math.Max(last, 0)];
    }

    /// <summary>An entry such that no record from it on was written before <paramref name="at"/>.</summary>
    public static long EntryAfter(string folder, DateTimeOffset at)
    {
        List<long> firsts = LogFolder.Segments(folder);
        int last = LastBegunBefore(folder, firsts, at + Slack);
        return last + 1 < firsts.Count ? firsts[last + 1] : long.MaxValue;
    }

    // The last segment that had begun by then; -1 for none.
    private static int LastBegunBefore(string folder, List<long> firsts, DateTimeOffset at)
    {
        (int low, int high) = (-1, firsts.Count - 1);
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (BeginOf(folder, firsts[middle]) is { } begun && begun > at) high = middle - 1;
            else low = middle;
        }

        return low;
    }

    private static DateTimeOffset? BeginOf(string folder, long first)
    {
        foreach (AuditEntry entry in AuditReader.Between(folder, first, first + LookMax))
        {
            if (OpenCalls.TryIntent(entry.Payload.Span, out _)) continue;
            if (AtOf(entry.Payload.Span) is { } at) return at;
        }

        return null;
    }

    /// <summary>The record's time; null for what is no record.</summary>
    internal static DateTimeOffset? AtOf(ReadOnlySpan<byte> payload)
    {
        Utf8JsonReader reader = new(payload);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isTime = reader.ValueTextEquals("at"u8);
                reader.Read();
                if (isTime && reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var at))
                    return at;
                reader.Skip();
            }
        }
        catch (JsonException)
        {
            // Not a record of ours: whoever verifies the log hears of it.
        }

        return null;
    }
}
