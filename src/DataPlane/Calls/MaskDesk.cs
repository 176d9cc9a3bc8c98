using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Countersign.Masking;
using Countersign.Masking.Content;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>Masks, compiled once per decision, and maskers, kept for the next answer.</summary>
/// <param name="keys">What tokens are made with, by the names that policy knows them by.</param>
internal sealed class MaskDesk(IReadOnlyDictionary<string, TokenKey> keys)
{
    // Policies come and go; the masks of long gone versions are let go of in one sweep.
    private const int SetsMax = 4_096;

    private readonly ConditionalWeakTable<Decision, MaskPlan> _plans = [];
    private readonly ConditionalWeakTable<Function, MaskPlan> _audited = [];
    private readonly ConcurrentDictionary<MaskSet, MaskPlan> _bySet = new();
    private readonly ConcurrentQueue<BodyMasker> _idle = new();

    /// <summary>A decision's masks, compiled; null where none applies.</summary>
    [HotPath]
    internal MaskPlan? PlanFor(Decision decision)
    {
        if (decision.Masks.Count == 0) return null;
        return _plans.TryGetValue(decision, out MaskPlan? plan) ? plan : Add(decision);
    }

    /// <summary>All masks on a function's bodies, whoever looks: what the audit keeps is under them.</summary>
    internal MaskPlan AuditPlanFor(PolicySnapshot policy, Function function) =>
        _audited.TryGetValue(function, out MaskPlan? plan) ? plan : AddAudited(policy, function);

    /// <summary>A masker for one answer.</summary>
    [HotPath]
    internal BodyMasker Rent() => _idle.TryDequeue(out BodyMasker? masker) ? masker : new BodyMasker();

    /// <summary>Takes a masker back.</summary>
    [HotPath]
    internal void Return(BodyMasker masker)
    {
        masker.End();
        _idle.Enqueue(masker);
    }

    private MaskPlan AddAudited(PolicySnapshot policy, Function function)
    {
        MaskPlan plan = new(policy.MasksFor([], function.Id), keys);
        _audited.AddOrUpdate(function, plan);
        return plan;
    }

    // Callers have decisions of their own, but few sets of masks: those with the same masks share one plan.
    private MaskPlan Add(Decision decision)
    {
        if (_bySet.Count > SetsMax) _bySet.Clear();
        MaskPlan plan = _bySet.GetOrAdd(
            new MaskSet(decision.Masks), static (set, keys) => new MaskPlan(set.Masks, keys), keys);
        _plans.AddOrUpdate(decision, plan);
        return plan;
    }

    private readonly struct MaskSet(IReadOnlyList<MaskTerms> masks) : IEquatable<MaskSet>
    {
        internal IReadOnlyList<MaskTerms> Masks => masks;

        public bool Equals(MaskSet other) => masks.SequenceEqual(other.Masks);

        public override bool Equals(object? obj) => obj is MaskSet other && Equals(other);

        public override int GetHashCode()
        {
            HashCode hash = default;
            foreach (MaskTerms mask in masks) hash.Add(mask);
            return hash.ToHashCode();
        }
    }
}
