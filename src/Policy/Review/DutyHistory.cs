using Countersign.Policy.Approvals;

namespace Countersign.Policy.Review;

/// <summary>
/// Who did what to which object: what the store remembers for dynamic separations, here of calls that somebody wrote
/// down or that the audit recorded. One policy's; for one thread.
/// </summary>
public sealed class DutyHistory
{
    private readonly PolicySnapshot _policy;
    private readonly TimeProvider _clock;
    private readonly Dictionary<(string Separation, string Key), List<Deed>> _deeds = [];

    /// <summary>Without any past.</summary>
    public DutyHistory(PolicySnapshot policy, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(clock);
        _policy = policy;
        _clock = clock;
    }

    /// <summary>
    /// False where a dynamic separation of the function finds its object in what an audit does not hold: arguments or
    /// header fields.
    /// </summary>
    public static bool IsToldByTarget(PolicySnapshot policy, Function function)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(function);
        return !policy.DutiesHangOnContent(function);
    }

    /// <summary>
    /// The decision, with what dynamic separations make of it: a call that is not denied anyway is, where its object
    /// cannot be told and where one of its people did something else to it within the window.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="function">The function that the policy finds for it.</param>
    /// <param name="decision">What the rules say.</param>
    /// <param name="fault">Why an object cannot be told; empty if all can.</param>
    public Decision Judge(CallSample call, Function function, Decision decision, out string fault)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(decision);
        fault = "";
        if (decision.Effect == Effect.Deny || !_policy.HasDuties(function)) return decision;
        IReadOnlyList<Duty>? duties = _policy.DutiesOf(function, call.FactsAt(_clock), out fault, out string blind);
        if (duties is null)
        {
            // A function that was only named is no call: nobody can say what it is about.
            bool isCall = call.Target.Length > 0;
            return isCall ? Refusal(decision, blind) : decision;
        }

        if (Meets(function, duties, Duty.PeopleOf(call.Caller), TimeOf(call)) is not { } separation) return decision;
        Decision refusal = Refusal(decision, separation);
        return _policy.Mode == PolicyMode.Enforce ? refusal : decision with { Observed = refusal };
    }

    /// <summary>
    /// The call was made: its people, and those who approved it, did the function to its objects. An object that cannot
    /// be told is not remembered.
    /// </summary>
    public void Act(CallSample call, Function function)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(function);
        if (!_policy.HasDuties(function)) return;
        IReadOnlyList<Duty> duties = _policy.DutiesOf(function, call.FactsAt(_clock), out _, out _) ?? [];
        HashSet<string> people = [.. Duty.PeopleOf(call.Caller)];
        foreach (string approver in call.Approvers)
        {
            people.UnionWith(Duty.PeopleOf(
                new Caller(call.Caller.Issuer, approver, CallerKind.Human, [], [approver], call.Caller.Tenant)));
        }

        foreach (Duty duty in duties)
        {
            (string, string) key = (duty.Separation, duty.Key);
            if (!_deeds.TryGetValue(key, out List<Deed>? deeds)) _deeds.Add(key, deeds = []);
            deeds.Add(new Deed(function.Id, people, TimeOf(call)));
        }
    }

    private string? Meets(
        Function function, IReadOnlyList<Duty> duties, IReadOnlyList<string> people, DateTimeOffset at)
    {
        foreach (Duty duty in duties)
        {
            foreach (Deed deed in _deeds.GetValueOrDefault((duty.Separation, duty.Key)) ?? [])
            {
                bool isOther = deed.Function != function.Id && deed.At <= at && at - deed.At < duty.Window;
                if (isOther && people.Any(deed.People.Contains)) return duty.Separation;
            }
        }

        return null;
    }

    private static Decision Refusal(Decision decision, string separation) =>
        new(Effect.Deny, DecisionCause.Separation, separation, null, decision.Masks);

    private DateTimeOffset TimeOf(CallSample call) => call.At ?? _clock.GetUtcNow();

    private sealed record Deed(string Function, HashSet<string> People, DateTimeOffset At);
}
