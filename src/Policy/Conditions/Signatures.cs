namespace Countersign.Policy.Conditions;

/// <summary>One overload of a function or operator.</summary>
/// <param name="Operation">What it does.</param>
/// <param name="IsMember">True for <c>a.f(b)</c>, whose first parameter is <c>a</c>.</param>
/// <param name="Parameters">What it takes.</param>
/// <param name="Result">What it gives.</param>
internal sealed record Signature(
    Operation Operation, bool IsMember, ConditionType[] Parameters, ConditionType Result);

/// <summary>The functions and operators whose types can be listed (cel-spec, Standard Definitions).</summary>
internal static class Signatures
{
    private static readonly ConditionType B = ConditionType.Bool;
    private static readonly ConditionType I = ConditionType.Int;
    private static readonly ConditionType U = ConditionType.Uint;
    private static readonly ConditionType D = ConditionType.Double;
    private static readonly ConditionType S = ConditionType.String;
    private static readonly ConditionType Y = ConditionType.Bytes;
    private static readonly ConditionType T = ConditionType.Timestamp;
    private static readonly ConditionType P = ConditionType.Duration;
    private static readonly ConditionType L = ConditionType.ListOf(ConditionType.Dyn);
    private static readonly ConditionType M = ConditionType.MapOf(ConditionType.Dyn, ConditionType.Dyn);
    private static readonly ConditionType Any = ConditionType.Dyn;

    private static readonly Dictionary<string, List<Signature>> ByName = new(StringComparer.Ordinal);

    static Signatures()
    {
        Same("!_", Operation.Not, 1, B);
        Same("-_", Operation.Negate, 1, I, D);
        Same("_+_", Operation.Add, 2, I, U, D, S, Y, P);
        Add("_+_", Operation.Add, false, T, T, P);
        Add("_+_", Operation.Add, false, T, P, T);
        Same("_-_", Operation.Subtract, 2, I, U, D, P);
        Add("_-_", Operation.Subtract, false, T, T, P);
        Add("_-_", Operation.Subtract, false, P, T, T);
        Same("_*_", Operation.Multiply, 2, I, U, D);
        Same("_/_", Operation.Divide, 2, I, U, D);
        Same("_%_", Operation.Modulo, 2, I, U);
        foreach (ConditionType sized in new[] { S, Y, L, M })
        {
            Add("size", Operation.Size, false, I, sized);
            Add("size", Operation.Size, true, I, sized);
        }

        Add("startsWith", Operation.StartsWith, true, B, S, S);
        Add("endsWith", Operation.EndsWith, true, B, S, S);
        Add("contains", Operation.Contains, true, B, S, S);
        Add("matches", Operation.Matches, true, B, S, S);
        Add("matches", Operation.Matches, false, B, S, S);
        AddConversions();
        AddGetters();
    }

    public static IEnumerable<string> Names => ByName.Keys.Where(name => char.IsAsciiLetter(name[0]));

    /// <summary>All overloads of this name; empty if there are none.</summary>
    public static IReadOnlyList<Signature> Find(string name) =>
        ByName.TryGetValue(name, out List<Signature>? found) ? found : [];

    private static void AddConversions()
    {
        Conversion("bool", Operation.ToBool, B, B, S);
        Conversion("bytes", Operation.ToBytes, Y, Y, S);
        Conversion("double", Operation.ToDouble, D, D, I, U, S);
        Conversion("duration", Operation.ToDuration, P, P, S);
        Conversion("dyn", Operation.ToDyn, Any, Any);
        Conversion("int", Operation.ToInt, I, I, U, D, S, T, P);
        Conversion("string", Operation.ToText, S, S, B, I, U, D, Y, T, P);
        Conversion("timestamp", Operation.ToTimestamp, T, T, S, I);
        Conversion("type", Operation.TypeOf, ConditionType.Type, Any);
        Conversion("uint", Operation.ToUint, U, U, I, D, S);
    }

    private static void AddGetters()
    {
        Operation[] ofTimestamps =
        [
            Operation.GetDate, Operation.GetDayOfMonth, Operation.GetDayOfWeek, Operation.GetDayOfYear,
            Operation.GetFullYear, Operation.GetHours, Operation.GetMilliseconds, Operation.GetMinutes,
            Operation.GetMonth, Operation.GetSeconds,
        ];
        foreach (Operation part in ofTimestamps)
        {
            string written = part.ToString();
            string name = "g" + written[1..];
            Add(name, part, true, I, T);
            Add(name, part, true, I, T, S);
        }

        Add("getHours", Operation.GetHours, true, I, P);
        Add("getMinutes", Operation.GetMinutes, true, I, P);
        Add("getSeconds", Operation.GetSeconds, true, I, P);
        Add("getMilliseconds", Operation.GetMilliseconds, true, I, P);
    }

    private static void Same(string name, Operation operation, int count, params ReadOnlySpan<ConditionType> types)
    {
        foreach (ConditionType type in types)
        {
            Add(name, operation, false, type, [.. Enumerable.Repeat(type, count)]);
        }
    }

    private static void Conversion(
        string name, Operation operation, ConditionType result, params ReadOnlySpan<ConditionType> from)
    {
        foreach (ConditionType type in from) Add(name, operation, false, result, type);
    }

    private static void Add(
        string name, Operation operation, bool isMember, ConditionType result, params ConditionType[] parameters)
    {
        if (!ByName.TryGetValue(name, out List<Signature>? list)) ByName.Add(name, list = []);
        list.Add(new Signature(operation, isMember, parameters, result));
    }
}
