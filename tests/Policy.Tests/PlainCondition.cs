using System.Globalization;
using System.Text;
using Countersign.Policy.Conditions;

namespace Countersign.Policy.Tests;

/// <summary>A body of random calls: none, a number, or a text where a number should be.</summary>
internal sealed record PlainBody(int? Number, bool IsText)
{
    public static PlainBody Make(Random random) => random.Next(3) switch
    {
        0 => new PlainBody(null, false),
        1 => new PlainBody(null, true),
        _ => new PlainBody(random.Next(100), false),
    };

    public CallFacts FactsFor(Caller caller)
    {
        bool isAbsent = Number is null && !IsText;
        string amount = IsText ? "\"much\"" : (Number ?? 0).ToString(CultureInfo.InvariantCulture);
        return new CallFacts
        {
            Caller = caller,
            Form = isAbsent ? ArgumentsForm.Absent : ArgumentsForm.Json,
            Arguments = isAbsent ? default : Encoding.UTF8.GetBytes($"{{\"amount\": {amount}}}"),
        };
    }
}

/// <summary>A condition in CEL, and what it means in C#; null is that it has no answer.</summary>
internal sealed record PlainCondition(string Text, Func<Caller, PlainBody, bool?> Holds)
{
    private static readonly PlainCondition[] All =
    [
        new("args.amount <= 50", (_, body) => body.Number is { } number ? number <= 50 : null),
        new("has(args.amount) && args.amount > 20",
            (_, body) => body.Number is { } number ? number > 20 : body.IsText ? null : false),
        new("'g1' in caller.groups", (caller, _) => caller.Groups.Contains("g1")),
        new("!has(args.amount)", (_, body) => body.Number is null && !body.IsText),
        new("args.amount < 7 || 'g2' in caller.groups",
            (caller, body) => caller.Groups.Contains("g2") ? true : body.Number is { } number ? number < 7 : null),
        new("args.amount < 90 && caller.groups.size() > 2",
            (caller, body) => caller.Groups.Count <= 2 ? false : body.Number is { } number ? number < 90 : null),
    ];

    public static PlainCondition Pick(Random random) => All[random.Next(All.Length)];
}

/// <summary>A schema of arguments, and what it takes in C#; no body is an object without members.</summary>
internal sealed record PlainSchema(string Text, Func<PlainBody, bool> Takes)
{
    private static readonly PlainSchema[] All =
    [
        new("{ type: object, required: [amount] }", body => body.Number is not null || body.IsText),
        new("{ type: object, properties: { amount: { type: integer, maximum: 60 } } }",
            body => body.Number is null ? !body.IsText : body.Number <= 60),
        new("{ type: object, additionalProperties: false, properties: { amount: { type: [integer, string] } } }",
            _ => true),
        new("{ type: object, properties: { amount: { enum: [much, 7, 8, 9] } } }",
            body => body.IsText || body.Number is null or 7 or 8 or 9),
    ];

    public static PlainSchema Pick(Random random) => All[random.Next(All.Length)];
}
