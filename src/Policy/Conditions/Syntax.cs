namespace Countersign.Policy.Conditions;

/// <summary>An expression as written, with macros already expanded.</summary>
internal abstract class Syntax
{
    protected Syntax(int offset, params ReadOnlySpan<Syntax> children)
    {
        Offset = offset;
        int depth = 0;
        foreach (Syntax child in children) depth = Math.Max(depth, child.Depth);
        Depth = depth + 1;
        if (Depth > ConditionLimits.DepthMax)
        {
            throw new ConditionSyntaxException(offset, $"nested more than {ConditionLimits.DepthMax} deep");
        }
    }

    /// <summary>Where it stands in the text, in UTF-16 code units from 0: for an operator the operator.</summary>
    public int Offset { get; }

    public int Depth { get; }
}

/// <summary>A value written out.</summary>
internal sealed class LiteralSyntax(int offset, ConditionValue value) : Syntax(offset)
{
    public ConditionValue Value { get; } = value;
}

/// <summary>A name; <paramref name="isRoot"/> if a dot before it passes over the variables of macros.</summary>
internal sealed class NameSyntax(int offset, string name, bool isRoot) : Syntax(offset)
{
    public string Name { get; } = name;

    public bool IsRoot { get; } = isRoot;
}

/// <summary><c>operand.field</c>, or <c>has(operand.field)</c>.</summary>
internal sealed class SelectSyntax(int offset, Syntax operand, string field, bool isTest) : Syntax(offset, operand)
{
    public Syntax Operand { get; } = operand;

    public string Field { get; } = field;

    public bool IsTest { get; } = isTest;
}

/// <summary>A function or an operator; operators have names that nobody can write, <c>_+_</c>.</summary>
internal sealed class CallSyntax(int offset, string function, Syntax? target, Syntax[] arguments)
    : Syntax(offset, target is null ? arguments : [target, .. arguments])
{
    public string Function { get; } = function;

    /// <summary>What it is called on, <c>target.f()</c>; null for <c>f()</c> and for operators.</summary>
    public Syntax? Target { get; } = target;

    public Syntax[] Arguments { get; } = arguments;
}

/// <summary>A list written out.</summary>
internal sealed class ListSyntax(int offset, Syntax[] items) : Syntax(offset, items)
{
    public Syntax[] Items { get; } = items;
}

/// <summary>A map written out.</summary>
internal sealed class MapSyntax(int offset, Syntax[] keys, Syntax[] values) : Syntax(offset, [.. keys, .. values])
{
    public Syntax[] Keys { get; } = keys;

    public Syntax[] Values { get; } = values;
}

/// <summary>What a macro does with what it goes through.</summary>
internal enum LoopKind : byte
{
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

/// <summary>A macro that goes through a list, or a map's keys.</summary>
internal sealed class LoopSyntax(
    int offset, LoopKind kind, Syntax range, string variable, Syntax? predicate, Syntax? transform)
    : Syntax(offset, [range, predicate ?? range, transform ?? range])
{
    public LoopKind Kind { get; } = kind;

    public Syntax Range { get; } = range;

    public string Variable { get; } = variable;

    public Syntax? Predicate { get; } = predicate;

    public Syntax? Transform { get; } = transform;
}
