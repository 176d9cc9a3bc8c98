using Countersign.Policy.Approvals;
using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <content>Which dynamic separations a call falls under, and what object it is about.</content>
public sealed partial class PolicySnapshot
{
    private readonly DutyTerms[][] _dutiesByFunction;

    /// <summary>True if a dynamic separation covers the function, which is one of this snapshot's.</summary>
    [HotPath]
    public bool HasDuties(Function function) => _dutiesByFunction[function.Index].Length > 0;

    /// <summary>
    /// True if a separation that covers the function finds its object in the arguments, so that the body must be read
    /// first.
    /// </summary>
    [HotPath]
    public bool DutiesReadArguments(Function function)
    {
        foreach (DutyTerms terms in _dutiesByFunction[function.Index])
        {
            if (terms.Object.ReadsArguments) return true;
        }

        return false;
    }

    /// <summary>What a call does that dynamic separations keep apart from other things.</summary>
    /// <param name="function">A function of this snapshot.</param>
    /// <param name="facts">The call.</param>
    /// <param name="fault">What was wrong, without any of the call's content; empty if nothing was.</param>
    /// <returns>Null, and the fault, where an object cannot be told; in observe such a separation is left
    /// out.</returns>
    public IReadOnlyList<Duty>? DutiesOf(Function function, in CallFacts facts, out string fault)
    {
        RequireOurs(function);
        List<Duty> duties = [];
        fault = "";
        foreach (DutyTerms terms in _dutiesByFunction[function.Index])
        {
            if (terms.Object.TryEvaluateScalar(facts, out string named, out string wrong))
            {
                DynamicSeparation separation = terms.Separation;
                duties.Add(Duty.Of(separation.Id, facts.Caller.Tenant, named, separation.Window));
                continue;
            }

            fault = $"the object of separation '{terms.Separation.Id}': {wrong}";
            if (Mode == PolicyMode.Enforce) return null;
        }

        return duties;
    }

    private DutyTerms[][] IndexDuties(PolicyContent content)
    {
        int[][] covering = IndexByFunction([.. content.DynamicSeparations.Select(one => one.Functions)]);
        return [.. covering.Select((numbers, function) => numbers.Select(number => new DutyTerms(
            content.DynamicSeparations[number], content.Objects[(number, function)])).ToArray())];
    }

    private sealed record DutyTerms(DynamicSeparation Separation, ConditionProgram Object);
}
