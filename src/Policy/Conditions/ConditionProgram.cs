namespace Countersign.Policy.Conditions;

/// <summary>What a program answers. Zero is an error, which denies.</summary>
public enum ConditionAnswer : byte
{
    /// <summary>There is no answer: <see cref="ConditionProgram"/> says why.</summary>
    Error = 0,

    /// <summary>The condition does not hold.</summary>
    False,

    /// <summary>The condition holds.</summary>
    True,
}

/// <summary>
/// One compiled CEL expression of a policy: a condition, or an expression that names an object. Immutable and shared;
/// evaluating it waits for nothing and, over scalars, allocates nothing.
/// </summary>
public sealed class ConditionProgram
{
    private readonly ConditionNode _root;

    private ConditionProgram(string text, ConditionNode root)
    {
        Text = text;
        _root = root;
        ReadsArguments = Mentions(root, FactKind.Args);
        ReadsHeaders = Mentions(root, FactKind.Headers);
    }

    /// <summary>As the policy writes it.</summary>
    public string Text { get; }

    /// <summary>True if it looks at <c>args</c>, so that a call's body must be read first.</summary>
    public bool ReadsArguments { get; }

    /// <summary>True if it looks at header fields.</summary>
    internal bool ReadsHeaders { get; }

    internal ConditionNode Root => _root;

    /// <summary>A condition: true or false. Null, and all that is wrong, if it does not compile.</summary>
    internal static ConditionProgram? CompileCondition(
        string text, ConditionScope scope, out IReadOnlyList<ConditionError> errors) =>
        Compile(text, scope, isCondition: true, out errors);

    /// <summary>An expression whose value is text, a number or a bool: what <see cref="TryEvaluateScalar"/> takes.
    /// </summary>
    internal static ConditionProgram? CompileScalar(
        string text, ConditionScope scope, out IReadOnlyList<ConditionError> errors) =>
        Compile(text, scope, isCondition: false, out errors);

    /// <summary>Whether the condition holds for a call.</summary>
    /// <param name="facts">The call.</param>
    /// <param name="fault">Why there is no answer, without any of the call's content; empty if there is one.</param>
    public ConditionAnswer Evaluate(in CallFacts facts, out string fault)
    {
        Evaluation evaluation = Evaluation.Rent(facts);
        ConditionValue value = _root.Evaluate(evaluation);
        evaluation.Return();
        ConditionAnswer answer = AnswerOf(value);
        fault = answer == ConditionAnswer.Error ? Describe(value) : "";
        return answer;
    }

    /// <summary>
    /// The expression's value as text: a number by its exact value, whichever way it is written and also where it is
    /// written in a string; any other string itself, <c>true</c> or <c>false</c>. 7, 7u, 7.0, 70e-1 and "7.0" give the
    /// same. False, and why, for an error and for any other value.
    /// </summary>
    public bool TryEvaluateScalar(in CallFacts facts, out string text, out string fault)
    {
        Evaluation evaluation = Evaluation.Rent(facts);
        ConditionValue value = _root.Evaluate(evaluation);
        bool isScalar = value.IsNumber || value.Kind is ValueKind.String or ValueKind.Bool;
        if (isScalar) value = Converting.Convert(Operation.ToText, value, evaluation);
        isScalar &= value.Kind == ValueKind.String;
        string? name = isScalar ? NumberText.NameOf(value.Text) : null;
        evaluation.Return();
        text = name ?? "";
        fault = name is not null ? "" : isScalar ? "the exponent of a number has too many digits"
            : value.IsError ? Describe(value) : "the value is no text, number or bool";
        return name is not null;
    }

    /// <summary>One of several conditions of a call, which share its steps and its arguments' index.</summary>
    [HotPath]
    internal ConditionValue Run(Evaluation evaluation) => _root.Evaluate(evaluation);

    internal static ConditionAnswer AnswerOf(in ConditionValue value) =>
        value.IsTrue ? ConditionAnswer.True : value.IsFalse ? ConditionAnswer.False : ConditionAnswer.Error;

    /// <summary>What went wrong, and where in the condition.</summary>
    internal static string Describe(in ConditionValue value)
    {
        if (!value.IsError) return "the condition is neither true nor false";
        string what = ConditionFaults.Describe(value.Fault);
        return value.FaultOffset < 0 ? what : $"at character {value.FaultOffset + 1}: {what}";
    }

    /// <summary>What is wrong with a text as an expression, whatever it names; null if nothing is.</summary>
    internal static ConditionError? FaultOf(string text)
    {
        try
        {
            ConditionParser.Parse(text);
            return null;
        }
        catch (ConditionSyntaxException fault)
        {
            return fault.Error;
        }
    }

    private static ConditionProgram? Compile(
        string text, ConditionScope scope, bool isCondition, out IReadOnlyList<ConditionError> errors)
    {
        errors = [];
        try
        {
            if (text.Length > ConditionLimits.CharactersMax)
            {
                throw new ConditionSyntaxException(0, $"longer than {ConditionLimits.CharactersMax} characters");
            }

            Syntax syntax = ConditionParser.Parse(text);
            ConditionChecker checker = new(scope);
            ConditionNode root = isCondition ? checker.CheckCondition(syntax) : checker.CheckScalar(syntax);
            errors = [.. checker.Errors.Concat(LiteralFaults.Find(root)).OrderBy(error => error.Offset)];
            if (errors.Count > 0) return null;
            double cost = ConditionCost.Of(root);
            if (cost <= ConditionLimits.StepsMax) return new ConditionProgram(text, root);
            throw new ConditionSyntaxException(
                syntax.Offset, "over large arguments this could take too many steps: macros within macros multiply; "
                + "give the lists a maxItems in the function's args");
        }
        catch (ConditionSyntaxException fault)
        {
            errors = [fault.Error];
            return null;
        }
    }

    private static bool Mentions(ConditionNode node, FactKind fact)
    {
        if (node is FactNode one && one.Fact == fact) return true;
        foreach (ConditionNode child in node.Children)
        {
            if (Mentions(child, fact)) return true;
        }

        return false;
    }
}
