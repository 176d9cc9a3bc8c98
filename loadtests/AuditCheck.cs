using System.Text.Json;
using Countersign.Audit;

namespace Countersign.LoadTests;

/// <summary>What the audit log was found to hold, after the gateway ended.</summary>
/// <param name="Entries">Entries proven by the signed root.</param>
/// <param name="Violations">What is wrong; empty if nothing is.</param>
internal sealed record AuditFindings(long Entries, IReadOnlyList<string> Violations);

/// <summary>Holds the audit log against the calls that were sent: one outcome for each, one intent for each
/// forwarded.</summary>
internal static class AuditCheck
{
    /// <summary>Verifies the log, then counts.</summary>
    internal static AuditFindings Run(string folder, IReadOnlyCollection<CallResult> calls)
    {
        List<string> violations = [];
        AuditVerification verification = AuditVerifier.Verify(folder);
        string finding = $"{verification.Kind}: {verification.Message}";
        if (!verification.IsOk) violations.Add("the audit does not verify: " + finding);
        else if (verification.TailEntries > 0) violations.Add($"{verification.TailEntries} entries were left unsigned");
        Dictionary<Guid, int> intents = [], outcomes = [];
        string? damage = Count(folder, intents, outcomes);
        if (damage is not null) violations.Add(damage);
        Compare(calls, intents, outcomes, violations);
        return new AuditFindings(verification.EntriesProven, violations);
    }

    private static string? Count(string folder, Dictionary<Guid, int> intents, Dictionary<Guid, int> outcomes)
    {
        using AuditReader reader = new(folder);
        while (reader.Read(out AuditEntry entry) == AuditReadStatus.Entry)
        {
            using JsonDocument record = JsonDocument.Parse(entry.Payload);
            string? type = record.RootElement.GetProperty("type").GetString();
            if (type is not ("intent" or "outcome")) continue;
            Guid call = record.RootElement.GetProperty("call").GetGuid();
            Dictionary<Guid, int> counts = type == "intent" ? intents : outcomes;
            counts[call] = counts.GetValueOrDefault(call) + 1;
        }

        return reader.Damage is { } damage ? $"the audit cannot be read: {damage}" : null;
    }

    private static void Compare(
        IReadOnlyCollection<CallResult> calls, Dictionary<Guid, int> intents, Dictionary<Guid, int> outcomes,
        List<string> violations)
    {
        HashSet<Guid> known = [];
        foreach (CallResult call in calls)
        {
            // A call without an id was reported when it was answered.
            if (call.Call == Guid.Empty) continue;
            if (!known.Add(call.Call)) violations.Add($"the call id {call.Call} was given twice");
            int intent = intents.GetValueOrDefault(call.Call), outcome = outcomes.GetValueOrDefault(call.Call);
            if (outcome != 1) violations.Add($"{call.Call} ({call.Kind.Name}) has {outcome} outcomes");
            int expected = call.Kind.IsForwarded ? 1 : 0;
            if (intent != expected) violations.Add($"{call.Call} ({call.Kind.Name}) has {intent} intents");
        }

        int strangers = outcomes.Keys.Concat(intents.Keys).Distinct().Count(call => !known.Contains(call));
        if (strangers > 0) violations.Add($"the audit knows {strangers} calls that got no answer or were not sent");
    }
}
