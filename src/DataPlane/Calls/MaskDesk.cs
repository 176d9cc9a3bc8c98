using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Countersign.Masking;
using Countersign.Policy;
using MaskAction = Countersign.Masking.MaskAction;
using MaskRule = Countersign.Masking.MaskRule;

namespace Countersign.DataPlane.Calls;

/// <summary>Mask programs, compiled once per decision, and maskers, kept for the next answer.</summary>
internal sealed class MaskDesk
{
    // Policies come and go; programs of long gone versions are let go of in one sweep.
    private const int SetsMax = 4_096;

    private static readonly MaskProgram Everything = MaskProgram.Compile([new MaskRule("$", MaskAction.Redact)]);

    private readonly ConditionalWeakTable<Decision, MaskProgram> _programs = [];
    private readonly ConcurrentDictionary<MaskSet, MaskProgram> _bySet = new();
    private readonly ConcurrentQueue<JsonMasker> _idle = new();

    /// <summary>The program for a decision's masks; null where none applies.</summary>
    [HotPath]
    internal MaskProgram? ProgramFor(Decision decision)
    {
        if (decision.Masks.Count == 0) return null;
        return _programs.TryGetValue(decision, out MaskProgram? program) ? program : Add(decision);
    }

    /// <summary>A masker for one answer.</summary>
    [HotPath]
    internal JsonMasker Rent(MaskProgram program)
    {
        if (!_idle.TryDequeue(out JsonMasker? masker)) masker = new JsonMasker();
        masker.Reset(program);
        return masker;
    }

    /// <summary>Takes a masker back.</summary>
    [HotPath]
    internal void Return(JsonMasker masker) => _idle.Enqueue(masker);

    /// <summary>Compiles masks as the policy names them.</summary>
    internal static MaskProgram Compile(IReadOnlyList<MaskTerms> masks)
    {
        List<MaskRule> rules = [];
        foreach (MaskTerms mask in masks)
        {
            MaskAction action = mask.Action == Policy.MaskAction.KeepLast4 ? MaskAction.KeepLast4 : MaskAction.Redact;
            foreach (string field in mask.Fields) rules.Add(new MaskRule(field, action));
        }

        try
        {
            return MaskProgram.Compile(rules);
        }
        catch (ArgumentException)
        {
            // Each field was checked when the policy was read; all together may still be too many for one program.
            return Everything;
        }
    }

    // Callers have decisions of their own, but few sets of masks: those with the same masks share one program.
    private MaskProgram Add(Decision decision)
    {
        if (_bySet.Count > SetsMax) _bySet.Clear();
        MaskProgram program = _bySet.GetOrAdd(new MaskSet(decision.Masks), static set => Compile(set.Masks));
        _programs.AddOrUpdate(decision, program);
        return program;
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
