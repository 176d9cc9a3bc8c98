using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <summary>Compiles the conditions of rules, each against the inputs of every function that its rule covers.</summary>
internal sealed class ConditionReader
{
    private readonly PolicyContent _content;
    private readonly PolicyErrors _errors;
    private readonly Dictionary<string, int> _byId = new(StringComparer.Ordinal);
    private readonly string[] _inputs;
    private readonly int[] _counts;

    /// <summary>All functions have been read.</summary>
    public ConditionReader(PolicyContent content, PolicyErrors errors)
    {
        _content = content;
        _errors = errors;
        _inputs = new string[content.Functions.Count];
        _counts = new int[content.Functions.Count];
        for (int index = 0; index < _inputs.Length; index++)
        {
            (Function function, PathTemplate path) = content.Functions[index];
            _byId[function.Id] = index;
            IEnumerable<string> inputs = path.Parameters.Select(one => $"{one.Segment} {one.Name} {one.IsInt}");
            _inputs[index] = string.Join('/', inputs) + "/" + function.Arguments?.Text;
        }
    }

    /// <summary>Compiles a rule's condition; what is wrong with it is said once, where it is written.</summary>
    /// <param name="when">The condition.</param>
    /// <param name="rule">The rule's place among the rules.</param>
    /// <param name="covered">The rule's functions and patterns; unknown ones were reported.</param>
    public void Compile(DocumentNode when, int rule, List<string> covered)
    {
        Dictionary<string, ConditionProgram> byInputs = new(StringComparer.Ordinal);
        SortedSet<int> functions = FunctionsOf(covered);
        if (functions.Count == 0 && ConditionProgram.FaultOf(when.Text) is { } broken)
        {
            _errors.AddWithin(when, broken.Offset, broken.Message);
        }

        foreach (int index in functions)
        {
            (Function function, PathTemplate path) = _content.Functions[index];
            if (!byInputs.TryGetValue(_inputs[index], out ConditionProgram? program))
            {
                FunctionScope scope = new(function.Id, path.Parameters, TypeOf(function));
                program = ConditionProgram.CompileCondition(
                    when.Text, scope, out IReadOnlyList<ConditionError> errors);
                if (program is null)
                {
                    AddAll(when, errors);
                    return;
                }

                byInputs.Add(_inputs[index], program);
            }

            if (_content.Conditions.Count == ConditionLimits.PairsMax)
            {
                _errors.Add(when, $"the conditions cover more than {ConditionLimits.PairsMax} functions together");
                return;
            }

            if (++_counts[index] > ConditionLimits.PerFunctionMax)
            {
                string fault = $"'{function.Id}' has more than {ConditionLimits.PerFunctionMax} rules with conditions";
                _errors.Add(when, fault);
                return;
            }

            _content.Conditions.Add((rule, index), program);
        }
    }

    /// <summary>
    /// Compiles what names the object of a dynamic separation, for each function that it covers: two at the least, or
    /// there is nothing to keep apart.
    /// </summary>
    public void CompileObject(DocumentNode named, int separation, List<string> covered)
    {
        SortedSet<int> functions = FunctionsOf(covered);
        if (covered.Count > 0 && functions.Count < 2)
            _errors.Add(named, "a dynamic separation needs two functions or more to keep apart");
        foreach (int index in functions)
        {
            (Function function, PathTemplate path) = _content.Functions[index];
            FunctionScope scope = new(function.Id, path.Parameters, TypeOf(function));
            ConditionProgram? program = ConditionProgram.CompileScalar(
                named.Text, scope, out IReadOnlyList<ConditionError> errors);
            if (program is null)
            {
                AddAll(named, errors);
                return;
            }

            if (_content.Objects.Count == ConditionLimits.PairsMax)
            {
                _errors.Add(named, $"the separations cover more than {ConditionLimits.PairsMax} functions together");
                return;
            }

            if (++_counts[index] > PolicyLimits.DutiesPerFunctionMax)
            {
                const int Most = PolicyLimits.DutiesPerFunctionMax;
                _errors.Add(named, $"'{function.Id}' is under more than {Most} dynamic separations");
                return;
            }

            _content.Objects.Add((separation, index), program);
        }
    }

    private void AddAll(DocumentNode text, IReadOnlyList<ConditionError> errors)
    {
        foreach (ConditionError error in errors) _errors.AddWithin(text, error.Offset, error.Message);
    }

    private static ConditionType TypeOf(Function function) => function.Arguments?.Type ?? ConditionType.Dyn;

    private SortedSet<int> FunctionsOf(List<string> covered)
    {
        SortedSet<int> functions = [];
        foreach (string written in covered)
        {
            if (!Glob.IsPattern(written) && !FunctionReference.IsTag(written))
            {
                if (_byId.TryGetValue(written, out int named)) functions.Add(named);
                continue;
            }

            for (int index = 0; index < _inputs.Length; index++)
            {
                Function function = _content.Functions[index].Function;
                if (FunctionReference.Covers(written, function.Id, function.Tags)) functions.Add(index);
            }
        }

        return functions;
    }
}
