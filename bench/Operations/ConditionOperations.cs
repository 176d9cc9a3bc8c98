using System.Globalization;
using System.Text;
using Countersign.Policy;
using Countersign.Policy.Conditions;

namespace Countersign.Bench.Operations;

/// <summary>Decides a call by conditions over scalars of its arguments, path, query, fields and caller.</summary>
internal sealed class DecideByConditions : InlineOperation
{
    private static readonly MaskVocabulary Words = new(static _ => null, static _ => null);

    private static readonly string[] Conditions =
    [
        "args.amount <= 50.0 && args.currency in ['EUR', 'USD'] && !has(args.override)",
        "args.note.contains('urgent') || size(args.note) > 500 || args.order.lines > 10",
        "args.order.id.matches('^[a-z]{2}-[0-9]+$') && args.order['id'].startsWith('eu-')",
        "path.account != 'root' && query.unit == 'x y' && headers['x-unit'] == 'EUR'",
        "'support' in caller.groups && caller.kind == 'human' && caller.tenant == ''",
        "now.getHours('Europe/Berlin') < 24 && now - timestamp('2020-01-01T00:00:00Z') > duration('1h')",
        "args.order.tags.exists(t, t == 'vip') || args.order.tags.all(t, t.size() < 9 && t.endsWith('p'))",
        "args.order.weight + 1.5 < 9.0 && -args.order.lines + 3 * 4 % 5 - 2 / 1 < 7 && args.order.tags[0] != ''",
        "args.order.tags.exists_one(t, t == 'vip') ? int(args.order.lines) >= 2 : double(args.amount) > 1e9",
    ];

    /// <summary>With every keyword that looks at a value more than once, or goes into it.</summary>
    private const string Schema =
        ", args: { type: object, required: [amount, order], properties: { "
        + "amount: { type: number, minimum: 0, exclusiveMaximum: 1000 }, currency: { enum: [EUR, USD] }, "
        + "note: { type: string, maxLength: 100, pattern: 'charge$' }, "
        + "order: { type: object, additionalProperties: { type: number }, properties: { "
        + "id: { type: string, minLength: 1 }, lines: { type: integer }, "
        + "tags: { type: array, maxItems: 9, items: { type: string } } } } } }";

    private readonly PolicySnapshot _snapshot;
    private readonly Function _function;
    private readonly Caller _caller = new("https://issuer.test", "alice", CallerKind.Human, ["support"], ["alice"]);
    private readonly CallFacts _facts;

    /// <param name="functions">How many functions the policy has; each is under the same conditions.</param>
    /// <param name="hasSchema">Each has a schema of its arguments, which the call's fit.</param>
    /// <param name="conditions">How many of the conditions there are, each of a rule.</param>
    internal DecideByConditions(int functions, bool hasSchema = false, int conditions = 9)
    {
        StringBuilder text = new("apiVersion: countersign/v1\n");
        text.Append("upstreams: { up: { endpoints: [\"http://h\"] } }\nfunctions:\n");
        for (int index = 0; index < functions; index++)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"  f{index}: {{ upstream: up, method: POST, path: \"/f{index}/{{account}}\", risk: low");
            text.Append(hasSchema ? Schema : "").Append(" }\n");
        }

        text.Append("rules:\n");
        for (int index = 0; index < conditions; index++)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"  - {{ id: r{index}, subjects: {{ groups: [support] }}, functions: [\"*\"], effect: allow, ");
            text.Append("when: \"").Append(Conditions[index]).Append("\" }\n");
        }

        PolicyReading reading = PolicyReader.Read(text.ToString(), Words, 1);
        Require(reading.Snapshot is not null);
        _snapshot = reading.Snapshot!;
        _function = _snapshot.Functions[functions / 2];
        _facts = new CallFacts
        {
            Caller = _caller,
            Now = new DateTimeOffset(2026, 3, 14, 15, 9, 26, TimeSpan.Zero),
            Path = "/f5/4%32"u8.ToArray(),
            Query = "unit=x+y&page=2"u8.ToArray(),
            Headers = "Host: h\r\nX-Unit: EUR\r\nAccept: */*\r\n\r\n"u8.ToArray(),
            Form = ArgumentsForm.Json,
            Arguments = """
                {"amount":49.5,"currency":"EUR","note":"urg\u0065nt, double charge","order":{"id":"eu-123","lines":3,
                "weight":2.25,"tags":["vip","ship"]}}
                """u8.ToArray(),
        };
    }

    protected override void Run()
    {
        Decision decision = _snapshot.Decide(_caller, _function).For(_facts, out string fault);
        Require(decision.Effect == Effect.Allow && fault.Length == 0);
    }
}
