using System.Globalization;
using System.Text.Json;

namespace Countersign.Policy.Review;

/// <summary>
/// Compares two schemas of a function's arguments, keyword by keyword: what is taken now that was not, and the other
/// way round. Places are JSON pointers into the arguments; <c>*</c> stands for every item of a list and for members
/// that no name is given to.
/// </summary>
internal sealed class ArgumentsDiff(Action<ChangeWeight, string> note)
{
    private static readonly string[] Types = ["null", "boolean", "integer", "number", "string", "array", "object"];

    /// <summary>Keywords of which a larger number takes less, and those of which it takes more.</summary>
    private static readonly string[] LowerBounds = ["minimum", "exclusiveMinimum", "minLength", "minItems"];
    private static readonly string[] UpperBounds = ["maximum", "exclusiveMaximum", "maxLength", "maxItems"];

    private static readonly string[] Lists = ["type", "enum", "required"];
    private static readonly string[] Schemas = ["properties", "additionalProperties", "items"];

    /// <summary>Compares the schemas of one function; null is a function that takes anything.</summary>
    public void Compare(JsonElement? was, JsonElement? now)
    {
        if (was is { } old && now is { } latest) CompareSchemas("", old, latest);
        else if (now is { } added) note(ChangeWeight.Tightens, $"args takes only what fits {added.GetRawText()}");
        else if (was is { } gone) note(ChangeWeight.Loosens, $"args takes anything, and not only {gone.GetRawText()}");
    }

    private void CompareSchemas(string at, JsonElement was, JsonElement now)
    {
        IEnumerable<string> words = was.EnumerateObject().Concat(now.EnumerateObject())
            .Select(member => member.Name).Except(Lists).Except(Schemas).Distinct().Order(StringComparer.Ordinal);
        CompareTypes(at, Member(was, "type"), Member(now, "type"));
        CompareChoices(at, Member(was, "enum"), Member(now, "enum"));
        CompareList(at, "required", Texts(Member(was, "required")), Texts(Member(now, "required")));
        foreach (string word in words) CompareKeyword(at, word, Member(was, word), Member(now, word));
        CompareMembers(at, was, now);
        CompareInner($"{at}/*", "additionalProperties", Open(was), Open(now));
        CompareInner($"{at}/*", "items", Member(was, "items"), Member(now, "items"));
    }

    private void CompareTypes(string at, JsonElement? was, JsonElement? now)
    {
        List<string> old = TypesOf(was);
        List<string> latest = TypesOf(now);
        string[] added = [.. latest.Except(old)];
        string[] gone = [.. old.Except(latest)];
        if (added.Length > 0) Note(at, ChangeWeight.Loosens, $"takes {string.Join(", ", added)} too");
        if (gone.Length > 0) Note(at, ChangeWeight.Tightens, $"takes no {string.Join(", ", gone)} any more");
    }

    private void CompareChoices(string at, JsonElement? was, JsonElement? now)
    {
        string[] old = [.. Items(was).Select(item => item.GetRawText())];
        string[] latest = [.. Items(now).Select(item => item.GetRawText())];
        if (was is null && now is not null)
            Note(at, ChangeWeight.Tightens, $"enum: takes only {string.Join(", ", latest)}");
        else if (was is not null && now is null)
            Note(at, ChangeWeight.Loosens, $"enum: takes anything, and not only {string.Join(", ", old)}");
        else CompareList(at, "enum", old, latest);
    }

    /// <summary>A list of which one more item takes less, but for choices, of which it takes more.</summary>
    private void CompareList(string at, string word, string[] was, string[] now)
    {
        bool opens = word == "enum";
        string[] added = [.. now.Except(was)];
        string[] gone = [.. was.Except(now)];
        (ChangeWeight more, ChangeWeight less) = opens
            ? (ChangeWeight.Loosens, ChangeWeight.Tightens) : (ChangeWeight.Tightens, ChangeWeight.Loosens);
        if (added.Length > 0) Note(at, more, $"{word} adds {string.Join(", ", added)}");
        if (gone.Length > 0) Note(at, less, $"{word} drops {string.Join(", ", gone)}");
    }

    private void CompareKeyword(string at, string word, JsonElement? was, JsonElement? now)
    {
        string old = was?.GetRawText() ?? "nothing";
        string latest = now?.GetRawText() ?? "nothing";
        if (old == latest) return;
        bool isLower = LowerBounds.Contains(word);
        ChangeWeight weight = ChangeWeight.Unclear;
        if (isLower || UpperBounds.Contains(word))
        {
            int step = was is null ? 1 : now is null ? -1 : Order(old, latest) * (isLower ? 1 : -1);
            weight = step > 0 ? ChangeWeight.Tightens : step < 0 ? ChangeWeight.Loosens : ChangeWeight.Unclear;
        }
        else if (word is "pattern" or "const" && (was is null || now is null))
        {
            weight = was is null ? ChangeWeight.Tightens : ChangeWeight.Loosens;
        }

        Note(at, weight, $"{word}: {old} becomes {latest}");
    }

    private void CompareMembers(string at, JsonElement was, JsonElement now)
    {
        JsonElement? old = Member(was, "properties");
        JsonElement? latest = Member(now, "properties");
        IEnumerable<string> names = Names(old).Concat(Names(latest)).Distinct().Order(StringComparer.Ordinal);
        foreach (string name in names)
        {
            string place = $"{at}/{name.Replace("~", "~0", StringComparison.Ordinal)
                .Replace("/", "~1", StringComparison.Ordinal)}";
            JsonElement? before = old is { } one ? Member(one, name) : null;
            JsonElement? after = latest is { } two ? Member(two, name) : null;
            if (before is { } left && after is { } right) CompareSchemas(place, left, right);
            else if (after is { } added)
            {
                ChangeWeight weight = IsClosed(was) ? ChangeWeight.Loosens
                    : Open(was) is null ? ChangeWeight.Tightens : ChangeWeight.Unclear;
                Note(place, weight, $"is named: {added.GetRawText()}");
            }
            else
            {
                ChangeWeight weight = IsClosed(now) ? ChangeWeight.Tightens
                    : Open(now) is null ? ChangeWeight.Loosens : ChangeWeight.Unclear;
                Note(place, weight, $"is named no more: {before!.Value.GetRawText()}");
            }
        }
    }

    /// <summary>What an inner schema takes: nothing written is anything, <c>false</c> nothing.</summary>
    private void CompareInner(string at, string word, JsonElement? was, JsonElement? now)
    {
        bool areSchemas = was is { ValueKind: JsonValueKind.Object } && now is { ValueKind: JsonValueKind.Object };
        if (areSchemas)
        {
            CompareSchemas(at, was!.Value, now!.Value);
            return;
        }

        (int before, int after) = (Openness(was), Openness(now));
        if (before == after) return;
        Note(at, after > before ? ChangeWeight.Loosens : ChangeWeight.Tightens,
            $"{word}: {Say(was)} becomes {Say(now)}");
    }

    private static int Openness(JsonElement? schema) => schema switch
    {
        null => 2,
        { ValueKind: JsonValueKind.False } => 0,
        _ => 1,
    };

    private static string Say(JsonElement? schema) => schema switch
    {
        null => "anything",
        { ValueKind: JsonValueKind.False } => "nothing",
        _ => schema.Value.GetRawText(),
    };

    /// <summary>What members without a name must be; null for anything.</summary>
    private static JsonElement? Open(JsonElement schema) =>
        Member(schema, "additionalProperties") is { ValueKind: not JsonValueKind.True } others ? others : null;

    private static bool IsClosed(JsonElement schema) => Open(schema) is { ValueKind: JsonValueKind.False };

    private static List<string> TypesOf(JsonElement? node)
    {
        List<string> types = node switch
        {
            null => [.. Types],
            { ValueKind: JsonValueKind.String } => [node.Value.GetString()!],
            _ => [.. Texts(node)],
        };
        if (types.Contains("number") && !types.Contains("integer")) types.Add("integer");
        return types;
    }

    private static int Order(string was, string now)
    {
        bool areExact = decimal.TryParse(was, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal old)
            & decimal.TryParse(now, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal latest);
        if (areExact) return latest.CompareTo(old);
        bool areNumbers = double.TryParse(was, NumberStyles.Float, CultureInfo.InvariantCulture, out double before)
            & double.TryParse(now, NumberStyles.Float, CultureInfo.InvariantCulture, out double after);
        return areNumbers ? after.CompareTo(before) : 0;
    }

    private static JsonElement? Member(JsonElement node, string name) =>
        node.ValueKind == JsonValueKind.Object && node.TryGetProperty(name, out JsonElement member) ? member : null;

    private static IEnumerable<string> Names(JsonElement? node) =>
        node is { ValueKind: JsonValueKind.Object } map ? map.EnumerateObject().Select(member => member.Name) : [];

    private static JsonElement.ArrayEnumerator Items(JsonElement? node) =>
        node is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : default;

    private static string[] Texts(JsonElement? node) =>
        [.. Items(node).Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)];

    private void Note(string at, ChangeWeight weight, string text) =>
        note(weight, at.Length == 0 ? $"args {text}" : $"args {at}: {text}");
}
