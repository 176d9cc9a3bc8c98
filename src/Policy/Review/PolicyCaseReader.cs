using System.Globalization;
using System.Text;

namespace Countersign.Policy.Review;

/// <summary>Reads the cases beside a policy.</summary>
internal sealed class PolicyCaseReader(PolicyErrors errors)
{
    private const string Issuer = "https://issuer.test";
    private const int CasesMax = 10_000;
    private const int HistoryMax = 1_000;

    private static readonly SectionKeys Keys = new(["cases"], ["policy", "callers"], [], []);
    private static readonly SectionKeys CaseKeys = new(
        ["name", "caller", "expect"], ["call", "function", "host", "tls", "headers", "body", "at", "history"], [], []);
    private static readonly SectionKeys DeedKeys = new(
        ["caller"], ["call", "function", "host", "tls", "headers", "body", "at"], [], []);
    private static readonly SectionKeys CallerKeys = new(
        ["groups"], ["subject", "issuer", "kind", "chain", "tenant", "delegated"], [], []);
    private static readonly SectionKeys ExpectKeys = new(
        [], ["effect", "rule", "function", "stages", "masks", "observed"], [], []);
    private static readonly string[] Effects = ["allow", "approve", "deny"];
    private static readonly string[] Outcomes = [.. Effects, "unknown-function"];

    private readonly Dictionary<string, Caller> _callers = new(StringComparer.Ordinal);

    public string Policy { get; private set; } = "";

    public List<PolicyCase> Cases { get; } = [];

    public void ReadRoot(DocumentNode root)
    {
        if (Section.Open(root, "a test file", Keys, errors) is not { } file) return;
        Policy = file.Text("policy") ?? "";
        if (file.Find("callers") is { } callers && Section.Expect(
            callers, NodeKind.Mapping, "callers", "a mapping", errors))
        {
            foreach (NodeEntry entry in callers.Entries)
            {
                if (ReadCaller(entry.Value, entry.Key.Text) is { } caller) _callers[entry.Key.Text] = caller;
            }
        }

        foreach (DocumentNode item in file.List("cases", 1, CasesMax) ?? []) ReadCase(item);
    }

    private void ReadCase(DocumentNode node)
    {
        if (Section.Open(node, "a case", CaseKeys, errors) is not { } section) return;
        string name = section.Text("name") ?? "";
        CaseExpectation expected = ReadExpectation(section.Find("expect"));
        CallSample? given = ReadCall(node, section, "a case");
        List<CallSample> history = [];
        foreach (DocumentNode item in section.List("history", 0, HistoryMax) ?? [])
        {
            if (Section.Open(item, "a call of the history", DeedKeys, errors) is not { } deed) continue;
            if (ReadCall(item, deed, "a call of the history") is { } done) history.Add(done);
        }

        if (given is null) return;

        // What says no time was done just before.
        given = given with { History = [.. history.Select(done => done with { At = done.At ?? given.At })] };
        Cases.Add(new PolicyCase(name, node.Line, given, expected));
    }

    private CallSample? ReadCall(DocumentNode node, Section section, string what)
    {
        if (section.Find("call") is null == section.Find("function") is null)
        {
            errors.Add(node, $"{what} needs 'call' or 'function', and not both");
        }

        string method = "";
        string target = "";
        if (section.Text("call") is { } line && !CallSample.TryReadLine(line, out method, out target))
        {
            errors.Add(section.Find("call")!, $"'{line}' is not a method and a path, such as GET /people/7");
        }

        return FindCaller(section) is not { } caller ? null : new CallSample
        {
            Caller = caller,
            Function = section.Text("function") ?? "",
            Method = method,
            Target = target,
            Host = section.Text("host") ?? "",
            IsTls = section.Flag("tls", false),
            Headers = ReadHeaders(section.Find("headers")),
            Body = ReadBody(section.Find("body")),
            At = ReadTime(section),
        };
    }

    private Caller? FindCaller(Section section)
    {
        if (section.Find("caller") is not { } node) return null;
        if (node.Kind != NodeKind.Text) return ReadCaller(node, "someone");
        if (_callers.TryGetValue(node.Text, out Caller? caller)) return caller;
        errors.Add(node, $"there is no caller '{node.Text}'{errors.Suggest(node.Text, _callers.Keys)}");
        return null;
    }

    private Caller? ReadCaller(DocumentNode node, string name)
    {
        if (Section.Open(node, "a caller", CallerKeys, errors) is not { } section) return null;
        string subject = section.Text("subject") ?? name;
        CallerKind kind = section.Word("kind", ["human", "agent", "ci", "service"], []) switch
        {
            "agent" => CallerKind.Agent,
            "ci" => CallerKind.Ci,
            "service" => CallerKind.Service,
            _ => CallerKind.Human,
        };
        List<string> chain = section.TextList("chain", 0, _ => null);
        if (section.Find("chain") is null && kind == CallerKind.Human) chain = [subject];
        List<string> groups = section.Groups("groups", 0);
        if (subject.Length == 0) return null;
        return new Caller(
            section.Text("issuer") ?? Issuer, subject, kind, groups, chain, section.Text("tenant") ?? "")
        {
            IsDelegated = section.Flag("delegated", false),
        };
    }

    private CaseExpectation ReadExpectation(DocumentNode? node)
    {
        CaseExpectation nothing = new(null, false, null, null, null, null, null);
        if (node is null) return nothing;
        if (node.Kind == NodeKind.Text)
        {
            if (!Outcomes.Contains(node.Text)) errors.Add(node, $"expect must be {string.Join(", ", Outcomes)}");
            return nothing with { Effect = EffectOf(node.Text), IsUnknown = node.Text == "unknown-function" };
        }

        if (Section.Open(node, "expect", ExpectKeys, errors) is not { } section) return nothing;
        if (node.Entries.Count == 0) errors.Add(node, "expect says nothing");
        string? effect = section.Word("effect", Outcomes, []);
        return new CaseExpectation(
            EffectOf(effect), effect == "unknown-function", section.Text("rule"), section.Text("function"),
            section.Find("stages") is null ? null : section.TextList("stages", 0, _ => null),
            section.Find("masks") is null ? null : section.TextList("masks", 0, _ => null),
            EffectOf(section.Word("observed", Effects, [])));
    }

    private static Effect? EffectOf(string? word) => word switch
    {
        "allow" => Effect.Allow,
        "approve" => Effect.Approve,
        "deny" => Effect.Deny,
        _ => null,
    };

    private List<KeyValuePair<string, string>> ReadHeaders(DocumentNode? node)
    {
        List<KeyValuePair<string, string>> headers = [];
        if (node is null || !Section.Expect(node, NodeKind.Mapping, "headers", "a mapping", errors)) return headers;
        foreach (NodeEntry entry in node.Entries)
        {
            bool isText = Section.Expect(entry.Value, NodeKind.Text, entry.Key.Text, "text", errors);
            if (isText) headers.Add(new(entry.Key.Text, entry.Value.Text));
        }

        return headers;
    }

    private DateTimeOffset? ReadTime(Section section)
    {
        if (section.Text("at") is not { } text) return null;
        bool isTime = DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at);
        if (isTime) return at;
        errors.Add(section.Find("at")!, $"'{text}' is not a time, such as 2026-03-01T12:00:00Z");
        return null;
    }

    /// <summary>Text as it is; anything else as the JSON that it is written like.</summary>
    private static byte[] ReadBody(DocumentNode? node)
    {
        if (node is null || node.Kind == NodeKind.Broken) return [];
        StringBuilder json = new();
        if (node.Kind == NodeKind.Text) json.Append(node.Text);
        else WriteValue(node, json);
        return Encoding.UTF8.GetBytes(json.ToString());
    }

    private static void WriteValue(DocumentNode node, StringBuilder json)
    {
        switch (node.Kind)
        {
            case NodeKind.Mapping:
                json.Append('{').AppendJoin(',', node.Entries.Select(entry =>
                    new StringBuilder(Quote(entry.Key.Text)).Append(':').Append(Write(entry.Value)))).Append('}');
                break;
            case NodeKind.Sequence:
                json.Append('[').AppendJoin(',', node.Items.Select(Write)).Append(']');
                break;
            case NodeKind.Text:
                json.Append(Quote(node.Text));
                break;
            default:
                // A number that JSON writes otherwise, such as .5 or 0x10, is text to everybody but YAML.
                json.Append(IsJson(node.Text) ? node.Text.ToLowerInvariant() : node.Text is "~" or "" ? "null"
                    : Quote(node.Text));
                break;
        }
    }

    private static string Write(DocumentNode node)
    {
        StringBuilder json = new();
        WriteValue(node, json);
        return json.ToString();
    }

    private static bool IsJson(string text)
    {
        if (text.ToLowerInvariant() is "true" or "false" or "null") return true;
        try
        {
            using var parsed = System.Text.Json.JsonDocument.Parse(text);
            return parsed.RootElement.ValueKind == System.Text.Json.JsonValueKind.Number;
        }
        catch (System.Text.Json.JsonException)
        {
            return false;
        }
    }

    private static string Quote(string text) =>
        '"' + System.Text.Json.JsonEncodedText.Encode(text).ToString() + '"';
}
