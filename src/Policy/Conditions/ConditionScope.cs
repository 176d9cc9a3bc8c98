namespace Countersign.Policy.Conditions;

/// <summary>A compiled expression and what is known of its value.</summary>
internal readonly record struct Typed(ConditionNode Node, ConditionType Type);

/// <summary>What a condition may name.</summary>
internal abstract class ConditionScope
{
    /// <summary>Names that could be meant by one that is unknown.</summary>
    public abstract IEnumerable<string> Names { get; }

    /// <summary>The variable of this name; null if there is none.</summary>
    public abstract Typed? Find(string name, int offset);

    /// <summary>
    /// A part of a variable that is known by name and has a way of its own; null to leave it to the evaluation.
    /// </summary>
    /// <exception cref="ConditionSyntaxException">There is no such part.</exception>
    public virtual Typed? FindPart(ConditionNode whole, string name, int offset) => null;
}

/// <summary>
/// The inputs of one function: <c>args</c>, <c>path</c>, <c>query</c>, <c>headers</c>, <c>caller</c> and <c>now</c>.
/// </summary>
/// <param name="functionId">For error messages.</param>
/// <param name="path">The parameters of its path.</param>
/// <param name="args">What its arguments are, as far as a schema says.</param>
internal sealed class FunctionScope(string functionId, PathInput[] path, ConditionType args) : ConditionScope
{
    private static readonly string[] Known = ["args", "path", "query", "headers", "caller", "now"];
    private static readonly ConditionType Texts = ConditionType.MapOf(ConditionType.String, ConditionType.String);
    private static readonly ConditionType CallerType = ConditionType.ObjectOf(
        CallerFacts.Names.ToDictionary(name => name, TypeOfField), ConditionType.Dyn, isClosed: true);

    public override IEnumerable<string> Names => Known;

    public override Typed? Find(string name, int offset) => name switch
    {
        "args" => new Typed(new FactNode(offset, FactKind.Args, path), args),
        "path" => new Typed(new FactNode(offset, FactKind.Path, path), PathType()),
        "query" => new Typed(new FactNode(offset, FactKind.Query, path), Texts),
        "headers" => new Typed(new FactNode(offset, FactKind.Headers, path), Texts),
        "caller" => new Typed(new FactNode(offset, FactKind.Caller, path), CallerType),
        "now" => new Typed(new FactNode(offset, FactKind.Now, path), ConditionType.Timestamp),
        _ => null,
    };

    public override Typed? FindPart(ConditionNode whole, string name, int offset)
    {
        if (whole is not FactNode fact) return null;
        switch (fact.Fact)
        {
            case FactKind.Path:
                PathInput input = Array.Find(path, one => one.Name == name)
                    ?? throw new ConditionSyntaxException(
                        offset, $"the path of '{functionId}' has no parameter '{name}'{Hint(name)}");
                return new Typed(new PathNode(offset, input), TypeOf(input));
            case FactKind.Caller:
                int index = Array.IndexOf(CallerFacts.Names, name);
                if (index < 0) return null;
                return new Typed(new CallerNode(offset, (CallerField)index), TypeOfField(name));
            case FactKind.Headers when name.AsSpan().ContainsAnyInRange('A', 'Z'):
                throw new ConditionSyntaxException(
                    offset, $"the names of headers are in lower case: write '{name.ToLowerInvariant()}'");
            case FactKind.Headers when FieldMap.IsCredential(System.Text.Encoding.UTF8.GetBytes(name)):
                throw new ConditionSyntaxException(offset, $"no condition sees the header '{name}'");
            default:
                return null;
        }
    }

    private string Hint(string name) =>
        Suggestion.Nearest(name, path.Select(one => one.Name)) is { } near ? $"; did you mean '{near}'?" : "";

    private static ConditionType TypeOf(PathInput input) => input.IsInt ? ConditionType.Int : ConditionType.String;

    private ConditionType PathType() => ConditionType.ObjectOf(
        path.ToDictionary(one => one.Name, TypeOf), ConditionType.Dyn, isClosed: true);

    private static ConditionType TypeOfField(string name) => name switch
    {
        "groups" or "chain" => ConditionType.ListOf(ConditionType.String),
        "delegated" => ConditionType.Bool,
        _ => ConditionType.String,
    };
}
