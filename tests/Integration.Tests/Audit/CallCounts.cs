using System.Text;
using Countersign.Audit;

namespace Countersign.Integration.Tests.Audit;

/// <summary>How many records of each kind a log holds, by the call's id.</summary>
internal sealed record CallCounts(Dictionary<string, int> Intents, Dictionary<string, int> Outcomes)
{
    /// <summary>Reads a log from its beginning.</summary>
    internal static CallCounts Of(string folder)
    {
        Dictionary<string, int> intents = [], outcomes = [];
        foreach (AuditEntry entry in AuditReader.Between(folder, 0, long.MaxValue))
        {
            string text = Encoding.UTF8.GetString(entry.Payload.Span);
            int at = text.IndexOf("\"call\":\"", StringComparison.Ordinal);
            if (at < 0) continue;
            string call = text.Substring(at + 8, 36);
            bool isIntent = text.StartsWith("{\"v\":1,\"type\":\"intent\"", StringComparison.Ordinal);
            Dictionary<string, int> counts = isIntent ? intents : outcomes;
            counts[call] = counts.GetValueOrDefault(call) + 1;
        }

        return new CallCounts(intents, outcomes);
    }
}
