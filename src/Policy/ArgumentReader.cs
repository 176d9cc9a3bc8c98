using System.Text;
using System.Text.RegularExpressions;
using Countersign.Policy.Arguments;
using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <summary>
/// Reads the JSON Schema of a function's arguments. What this version does not know is refused, never passed over: a
/// keyword without effect would let through what its writer believes to be refused.
/// </summary>
internal sealed class ArgumentReader(PolicyErrors errors)
{
    private const int CountMax = 1_000_000;

    private static readonly SectionKeys Keys = new(
        [],
        [
            "title", "description", "type", "enum", "const", "properties", "required", "additionalProperties", "items",
            "minItems", "maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum",
            "exclusiveMaximum",
        ],
        [
            "$ref", "$defs", "$schema", "$id", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "format",
            "multipleOf", "uniqueItems", "prefixItems", "contains", "minContains", "maxContains", "patternProperties",
            "propertyNames", "minProperties", "maxProperties", "dependentRequired", "dependentSchemas",
            "unevaluatedItems", "unevaluatedProperties", "default", "examples",
        ],
        []);

    private static readonly (string Word, ArgumentTypes Type)[] Types =
    [
        ("null", ArgumentTypes.Null), ("boolean", ArgumentTypes.Boolean), ("integer", ArgumentTypes.Integer),
        ("number", ArgumentTypes.Number), ("string", ArgumentTypes.String), ("array", ArgumentTypes.Array),
        ("object", ArgumentTypes.Object),
    ];

    private static readonly string[] TypeWords = [.. Types.Select(one => one.Word)];

    private int _patterns;

    /// <summary>The schema as far as it can be read; what is wrong is among the errors.</summary>
    public ArgumentSchema Read(DocumentNode node)
    {
        Section? section = Section.Open(node, "a schema of arguments", Keys, errors);
        if (section is null) return ArgumentSchema.Anything;
        section.LongText("title", PolicyLimits.SchemaTextCharactersMax);
        section.LongText("description", PolicyLimits.SchemaTextCharactersMax);
        ArgumentTypes types = ReadTypes(section);
        Require(section, types, ArgumentTypes.Object, ["properties", "required", "additionalProperties"]);
        Require(section, types, ArgumentTypes.Array, ["items", "minItems", "maxItems"]);
        Require(section, types, ArgumentTypes.String, ["minLength", "maxLength", "pattern"]);
        Require(
            section, types, ArgumentTypes.Number | ArgumentTypes.Integer,
            ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]);
        ArgumentSchema? others = ReadOthers(section, out bool isClosed);
        List<ArgumentMember> members = ReadMembers(section, others, isClosed);
        ArgumentSchema schema = new()
        {
            Types = types,
            Choices = ReadChoices(section),
            Constant = section.Find("const") is { } constant ? ReadValue(constant, "const") : default,
            Members = members,
            IsClosed = isClosed,
            Others = others,
            Items = section.Find("items") is { } items ? Read(items) : null,
            ItemsMin = section.Number("minItems", 0, 0, CountMax),
            ItemsMax = section.Number("maxItems", int.MaxValue, 0, CountMax),
            LengthMin = section.Number("minLength", 0, 0, CountMax),
            LengthMax = section.Number("maxLength", int.MaxValue, 0, CountMax),
            Pattern = ReadPattern(section),
            Minimum = ReadNumber(section, "minimum"),
            Maximum = ReadNumber(section, "maximum"),
            ExclusiveMinimum = ReadNumber(section, "exclusiveMinimum"),
            ExclusiveMaximum = ReadNumber(section, "exclusiveMaximum"),
            Text = TextOf(node),
        };
        CheckOrder(section, schema);
        return schema;
    }

    private ArgumentTypes ReadTypes(Section section)
    {
        DocumentNode? node = section.Find("type");
        if (node is null) return ArgumentTypes.Any;
        IEnumerable<string> words = node.Kind == NodeKind.Sequence
            ? section.TextList("type", 1, TypeFault)
            : section.Word("type", TypeWords, []) is { } only ? [only] : [];
        ArgumentTypes types = ArgumentTypes.None;
        foreach (string word in words) types |= Array.Find(Types, one => one.Word == word).Type;

        // What was not read was reported: no more is said of the keywords that hang on it.
        return types == ArgumentTypes.None ? ArgumentTypes.Any : types;
    }

    private string? TypeFault(string word) => TypeWords.Contains(word)
        ? null : $"'{word}' is not a type of JSON{errors.Suggest(word, TypeWords)}";

    /// <summary>
    /// A keyword says nothing of values of other types: without a type beside it a list would pass for an amount.
    /// </summary>
    private void Require(Section section, ArgumentTypes types, ArgumentTypes wanted, string[] keywords)
    {
        bool isBroken = section.Find("type") is not null && types == ArgumentTypes.Any;
        if (isBroken || (types != ArgumentTypes.Any && (types & wanted) != 0)) return;
        foreach (string keyword in keywords)
        {
            string word = Array.Find(Types, one => (one.Type & wanted) != 0 && one.Word != "integer").Word;
            if (section.FindKey(keyword) is { } key) errors.Add(key, $"'{keyword}' needs 'type: {word}' beside it");
        }
    }

    private ArgumentSchema? ReadOthers(Section section, out bool isClosed)
    {
        isClosed = false;
        DocumentNode? node = section.Find("additionalProperties");
        if (node is { Kind: NodeKind.Mapping }) return Read(node);
        isClosed = !section.Flag("additionalProperties", true);
        return null;
    }

    private List<ArgumentMember> ReadMembers(Section section, ArgumentSchema? others, bool isClosed)
    {
        List<ArgumentMember> members = [];
        DocumentNode? node = section.Find("properties");
        List<NodeEntry> entries = node is not null
            && Section.Expect(node, NodeKind.Mapping, "properties", "a mapping", errors) ? node.Entries : [];
        entries.Sort((left, right) => string.CompareOrdinal(left.Key.Text, right.Key.Text));
        List<string> required = section.TextList("required", 0, name =>
        {
            bool isKnown = !isClosed || entries.Exists(entry => entry.Key.Text == name);
            return isKnown ? null : $"'{name}' is required and not among the properties"
                + errors.Suggest(name, entries.Select(entry => entry.Key.Text));
        });
        HashSet<string> missing = new(required, StringComparer.Ordinal);
        if (entries.Count > PolicyLimits.ListItemsMax)
        {
            errors.Add(node!, $"properties must have at most {PolicyLimits.ListItemsMax} entries");
            return members;
        }

        foreach (NodeEntry entry in entries)
        {
            if (Section.TextFault(entry.Key.Text) is { } fault) errors.Add(entry.Key, $"a property {fault}");
            members.Add(new ArgumentMember(entry.Key.Text, Read(entry.Value), missing.Remove(entry.Key.Text)));
        }

        // In the order of the list, which is the same whenever the document is read.
        foreach (string name in required)
        {
            bool isOther = !isClosed && missing.Contains(name);
            if (isOther) members.Add(new ArgumentMember(name, others ?? ArgumentSchema.Anything, true));
        }

        return members;
    }

    private MadeMap? ReadChoices(Section section)
    {
        if (section.List("enum", 1, PolicyLimits.ListItemsMax) is not { } items) return null;
        MadeMap choices = new();
        foreach (DocumentNode item in items)
        {
            ConditionValue value = ReadValue(item, "an item of enum");
            if (value.Kind == ValueKind.None) continue;
            if (!choices.TryAdd(value, ConditionValue.Null)) errors.Add(item, $"'{item.Text}' is listed twice");
        }

        return choices;
    }

    private ConditionValue ReadValue(DocumentNode node, string what)
    {
        if (node.Kind == NodeKind.Text) return ConditionValue.OfText(node.Text);
        node.IsJsonValue = node is { Kind: NodeKind.Other, IsNull: true, Text.Length: > 0 };
        if (node.IsJsonValue) return ConditionValue.Null;
        if (node.Kind == NodeKind.Other && bool.TryParse(node.Text, out bool flag)) return ConditionValue.Of(flag);
        return ReadNumber(node, what, "text, a number, true, false or null");
    }

    private ConditionValue ReadNumber(Section section, string key) =>
        section.Find(key) is { } node ? ReadNumber(node, key, "a number, as JSON writes it") : default;

    private ConditionValue ReadNumber(DocumentNode node, string what, string expected)
    {
        if (node.Kind == NodeKind.Broken) return default;
        bool isNumber = node.Kind == NodeKind.Number || (node.Kind == NodeKind.Other && JsonNumber.IsMatch(node.Text));
        ConditionValue value = isNumber ? JsonNumbers.Read(Encoding.UTF8.GetBytes(node.Text)) : default;
        node.IsJsonValue = value.IsNumber && node.Kind == NodeKind.Other;
        if (value.IsNumber) return value;
        errors.Add(node, isNumber
            ? $"{what} has more digits than can be compared exactly"
            : $"{what} must be {expected}, not {node.Describe()}");
        return default;
    }

    private static readonly Regex JsonNumber = new(
        @"\A-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\z",
        RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private Regex? ReadPattern(Section section)
    {
        if (section.LongText("pattern", ConditionLimits.PatternCharactersMax) is not { } node) return null;
        if (++_patterns > PolicyLimits.SchemaPatternsMax)
        {
            errors.Add(node, $"more than {PolicyLimits.SchemaPatternsMax} patterns in schemas of arguments");
            return null;
        }

        try
        {
            return TextPattern.Compile(node.Text, 0);
        }
        catch (ConditionSyntaxException fault)
        {
            errors.Add(node, fault.Error.Message);
            return null;
        }
    }

    /// <summary>Bounds that nothing meets are a slip.</summary>
    private void CheckOrder(Section section, ArgumentSchema schema)
    {
        if (schema.ItemsMin > schema.ItemsMax) Refuse("minItems", "maxItems");
        if (schema.LengthMin > schema.LengthMax) Refuse("minLength", "maxLength");
        bool haveBoth = schema.Minimum.IsNumber && schema.Maximum.IsNumber;
        if (haveBoth && Comparing.OrderNumbers(schema.Minimum, schema.Maximum) == 1) Refuse("minimum", "maximum");

        void Refuse(string min, string max) => errors.Add(section.Find(min)!, $"{min} is more than {max}");
    }

    private static string TextOf(DocumentNode node)
    {
        StringBuilder text = new();
        node.WriteJson(text);
        return text.ToString();
    }
}
