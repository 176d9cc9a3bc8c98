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

    /// <summary>True if the object of one is in the arguments or the header fields of a call.</summary>
    internal bool DutiesHangOnContent(Function function) => Array.Exists(
        _dutiesByFunction[function.Index], terms => terms.Object.ReadsArguments || terms.Object.ReadsHeaders);

    /// <summary>The dynamic separations that cover a function, in document order.</summary>
    internal IEnumerable<DynamicSeparation> SeparationsAt(Function function) =>
        _dutiesByFunction[function.Index].Select(terms => terms.Separation);

    /// <summary>What a call does that dynamic separations keep apart from other things.</summary>
    /// <param name="function">A function of this snapshot.</param>
    /// <param name="facts">The call.</param>
    /// <param name="fault">What was wrong, without any of the call's content; empty if nothing was.</param>
    /// <returns>Null, and the fault, where an object cannot be told; in observe such a separation is left
    /// out.</returns>
    public IReadOnlyList<Duty>? DutiesOf(Function function, in CallFacts facts, out string fault) =>
        DutiesOf(function, facts, out fault, out _);

    /// <summary>The same, with the separation whose object cannot be told.</summary>
    internal IReadOnlyList<Duty>? DutiesOf(
        Function function, in CallFacts facts, out string fault, out string separation)
    {
        RequireOurs(function);
        List<Duty> duties = [];
        fault = "";
        separation = "";
        foreach (DutyTerms terms in _dutiesByFunction[function.Index])
        {
            if (terms.Object.TryEvaluateScalar(facts, out string named, out string wrong))
            {
                DynamicSeparation covering = terms.Separation;
                duties.Add(Duty.Of(covering.Id, facts.Caller.Tenant, named, covering.Window));
                continue;
            }

            separation = terms.Separation.Id;
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
