using Countersign.Policy.Approvals;

namespace Countersign.Kit;

/// <summary>Who did what to which object, in memory, as the real stores keep it.</summary>
internal sealed class DutyBook
{
    private const int PeopleMax = 1_000;

    private readonly Dictionary<string, Dictionary<string, Dictionary<string, DateTimeOffset>>> _objects =
        new(StringComparer.Ordinal);

    /// <summary>The separation that refuses it, or would where it is not enforced; null if none does.</summary>
    internal string? Act(
        IReadOnlyList<Duty> duties, string function, IReadOnlyList<string> people, bool writes, bool enforces,
        DateTimeOffset now)
    {
        string? met = duties.FirstOrDefault(duty => people.Any(person => HasOther(duty, function, person, now)))
            ?.Separation;
        string? full = met is null && writes
            ? duties.FirstOrDefault(duty => Held(duty).Keys.Union(people).Count() > PeopleMax)?.Separation
            : null;
        bool isWritten = writes && full is null && (met is null || !enforces);
        if (!isWritten) return met ?? full;
        foreach (Duty duty in duties)
        {
            foreach (string person in people)
            {
                if (!Held(duty).TryGetValue(person, out Dictionary<string, DateTimeOffset>? done))
                    Held(duty)[person] = done = new(StringComparer.Ordinal);
                done[function] = now;
            }
        }

        return met;
    }

    private bool HasOther(Duty duty, string function, string person, DateTimeOffset now) =>
        Held(duty).TryGetValue(person, out Dictionary<string, DateTimeOffset>? done)
        && done.Any(one => one.Key != function && one.Value + duty.Window > now);

    private Dictionary<string, Dictionary<string, DateTimeOffset>> Held(Duty duty)
    {
        string key = duty.Separation + ":" + duty.Key;
        if (!_objects.TryGetValue(key, out Dictionary<string, Dictionary<string, DateTimeOffset>>? held))
            _objects[key] = held = new(StringComparer.Ordinal);
        return held;
    }
}
