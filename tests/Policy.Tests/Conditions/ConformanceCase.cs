using System.Globalization;
using System.Text.Json;
using Countersign.Policy.Conditions;

namespace Countersign.Policy.Tests.Conditions;

/// <summary>One conformance case of the CEL specification, as tests/cases/cel/convert.py writes it.</summary>
internal sealed record ConformanceCase(
    string Name, string Expr, bool Check = true, bool CheckOnly = false, string? Container = null,
    Dictionary<string, string>? Types = null, bool DeclaresFunctions = false,
    Dictionary<string, JsonElement>? Bindings = null, string? Type = null, bool Fails = false,
    JsonElement? Value = null)
{
    /// <summary>Null if it comes out as expected; else how it came out.</summary>
    public string? Run()
    {
        ConditionNode root;
        string type;
        try
        {
            ConditionChecker checker = new(new BoundScope(this), isLax: !Check);
            Typed made = checker.Check(ConditionParser.Parse(Expr));
            if (checker.Errors.Count > 0) throw new ConditionSyntaxException(0, checker.Errors[0].Message);
            root = made.Node;
            type = made.Type.ToString();
        }
        catch (ConditionSyntaxException refused)
        {
            return Fails && !CheckOnly ? RefusalIsTheError(refused) : "refused: " + refused.Message;
        }

        if (Type is not null && type != Type) return $"is of type {type}";
        if (CheckOnly) return null;
        Evaluation evaluation = new();
        ConditionValue value = root.Evaluate(evaluation);
        if (value.IsError) return Fails ? null : "failed: " + ConditionFaults.Describe(value.Fault);
        if (Fails) return "gave " + value.Kind;
        ConditionValue expected = Read(Value!.Value);
        bool isSame = Comparing.Equal(value, expected, evaluation).IsTrue && IsOfKind(value, expected);
        bool areNaN = value.Kind == ValueKind.Double && expected.Kind == ValueKind.Double
            && double.IsNaN(value.Double) && double.IsNaN(expected.Double);
        return isSame || areNaN ? null : $"gave {value.Kind} {Show(value)}";
    }

    /// <summary>A value as convert.py writes it; none for what only protocol buffers have.</summary>
    public static ConditionValue Read(JsonElement written)
    {
        JsonProperty one = written.EnumerateObject().Single();
        string text = one.Value.ValueKind == JsonValueKind.String ? one.Value.GetString()! : "";
        return one.Name switch
        {
            "bool" => ConditionValue.Of(one.Value.GetBoolean()),
            "null" => ConditionValue.Null,
            "int" => ConditionValue.Of(long.Parse(text, CultureInfo.InvariantCulture)),
            "uint" => ConditionValue.Of(ulong.Parse(text, CultureInfo.InvariantCulture)),
            "double" => ConditionValue.Of(ReadDouble(text)),
            "string" => ConditionValue.OfText(text),
            "bytes" => ConditionValue.OfBytes(one.Value.GetBytesFromBase64()),
            "type" => ConditionTypes.Find(text),
            "list" => ConditionValue.OfList(new MadeList([.. one.Value.EnumerateArray().Select(Read)])),
            "map" => ReadMap(one.Value),
            "timestamp" => ConditionValue.OfTimestamp(one.Value[0].GetInt64(), one.Value[1].GetInt32()),
            "duration" => ConditionValue.OfDuration(
                (one.Value[0].GetInt64() * Arithmetic.NanosPerSecond) + one.Value[1].GetInt32()),
            _ => default,
        };
    }

    private static double ReadDouble(string text) => text.ToLowerInvariant() switch
    {
        "inf" or "infinity" => double.PositiveInfinity,
        "-inf" or "-infinity" => double.NegativeInfinity,
        "nan" => double.NaN,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };

    private static ConditionValue ReadMap(JsonElement entries)
    {
        MadeMap map = new();
        foreach (JsonElement entry in entries.EnumerateArray()) map.TryAdd(Read(entry[0]), Read(entry[1]));
        return ConditionValue.OfMap(map);
    }

    // Values of different number types are equal; an answer must be of the very type.
    private static bool IsOfKind(in ConditionValue value, in ConditionValue expected)
    {
        if (value.Kind != expected.Kind) return false;
        if (value.Kind is not (ValueKind.List or ValueKind.Map)) return true;
        int left = 0;
        int right = 0;
        while (true)
        {
            ConditionValue one = value.Container.Next(value.Place, ref left);
            ConditionValue other = expected.Container.Next(expected.Place, ref right);
            if (one.Kind == ValueKind.None) return true;
            if (value.Kind == ValueKind.List && !IsOfKind(one, other)) return false;
        }
    }

    private static string Show(in ConditionValue value)
    {
        ConditionValue text = Converting.Convert(Operation.ToText, value, new Evaluation());
        return text.Kind == ValueKind.String ? System.Text.Encoding.UTF8.GetString(text.Text) : "";
    }

    // The specification has no error before the evaluation: what cannot be checked must say what it would have failed
    // with.
    private string? RefusalIsTheError(ConditionSyntaxException refused)
    {
        bool isTypeError = refused.Message.Contains("does not take", StringComparison.Ordinal)
            || refused.Message.StartsWith("there is no", StringComparison.Ordinal)
            || refused.Message.Contains("has no fields", StringComparison.Ordinal)
            || refused.Message.Contains("out of an int's range", StringComparison.Ordinal)
            || refused.Message.Contains("out of a uint's range", StringComparison.Ordinal)
            || refused.Message.Contains("true or false", StringComparison.Ordinal)
            || refused.Message.Contains("a key cannot be", StringComparison.Ordinal);
        return isTypeError ? null : "refused: " + refused.Message;
    }

    /// <summary>The case's own variables, of their declared types.</summary>
    private sealed class BoundScope(ConformanceCase given) : ConditionScope
    {
        public override IEnumerable<string> Names => given.Types?.Keys ?? Enumerable.Empty<string>();

        public override Typed? Find(string name, int offset)
        {
            string? declared = given.Types?.GetValueOrDefault(name);
            bool isBound = given.Bindings?.ContainsKey(name) ?? false;
            if (declared is null && !isBound) return null;
            ConditionType type = declared is null ? ConditionType.Dyn : ReadType(declared);
            return isBound
                ? new Typed(new ConstantNode(offset, Read(given.Bindings![name])), type)
                : new Typed(new UnboundNode(offset), type);
        }

        private static ConditionType ReadType(string written)
        {
            if (written.StartsWith("list(", StringComparison.Ordinal))
            {
                return ConditionType.ListOf(ReadType(written[5..^1]));
            }

            if (written.StartsWith("map(", StringComparison.Ordinal))
            {
                int comma = written.IndexOf(", ", StringComparison.Ordinal);
                return ConditionType.MapOf(ReadType(written[4..comma]), ReadType(written[(comma + 2)..^1]));
            }

            return written switch
            {
                "bool" => ConditionType.Bool,
                "int" => ConditionType.Int,
                "uint" => ConditionType.Uint,
                "double" => ConditionType.Double,
                "string" => ConditionType.String,
                "bytes" => ConditionType.Bytes,
                "null_type" => ConditionType.Null,
                "google.protobuf.Timestamp" => ConditionType.Timestamp,
                "google.protobuf.Duration" => ConditionType.Duration,
                _ => ConditionType.Dyn,
            };
        }
    }
}
