using System.Text.Json;

namespace Countersign.Policy.Review;

/// <summary>
/// Compares two canonical documents entry by entry and key by key. Keys that <see cref="MemberTerms"/> knows are
/// weighed; all others are shown all the same, so that no change goes unseen because this code is older than the
/// language.
/// </summary>
internal sealed class DocumentDiff
{
    private static readonly string[] Sections =
        ["mode", "upstreams", "functions", "rules", "separations", "masks", "limits"];

    private readonly List<PolicyChange> _changes = [];

    public static IReadOnlyList<PolicyChange> Compare(JsonElement before, JsonElement after)
    {
        DocumentDiff diff = new();
        IEnumerable<string> others = before.EnumerateObject().Concat(after.EnumerateObject())
            .Select(member => member.Name).Except(Sections).Distinct().Order(StringComparer.Ordinal);
        foreach (string section in Sections.Concat(others))
        {
            diff.CompareSection(section, Member(before, section), Member(after, section));
        }

        return diff._changes;
    }

    private static JsonElement? Member(JsonElement node, string name) =>
        node.ValueKind == JsonValueKind.Object && node.TryGetProperty(name, out JsonElement member) ? member : null;

    private void CompareSection(string section, JsonElement? before, JsonElement? after)
    {
        Dictionary<string, JsonElement>? was = EntriesOf(before);
        Dictionary<string, JsonElement>? now = EntriesOf(after);
        if (was is null || now is null)
        {
            CompareMember(section, "", section, "", before, after);
            return;
        }

        foreach (string id in was.Keys.Concat(now.Keys.Except(was.Keys)))
        {
            bool isOld = was.TryGetValue(id, out JsonElement old);
            bool isNew = now.TryGetValue(id, out JsonElement latest);
            if (isOld && isNew) CompareEntry(section, id, old, latest);
            else NoteEntry(section, id, isNew ? latest : old, isNew);
        }
    }

    /// <summary>By name, or by id; null for what has neither.</summary>
    private static Dictionary<string, JsonElement>? EntriesOf(JsonElement? section)
    {
        if (section is not { } node) return [];
        Dictionary<string, JsonElement> entries = new(StringComparer.Ordinal);
        if (node.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty entry in node.EnumerateObject())
            {
                if (entry.Value.ValueKind != JsonValueKind.Object) return null;
                entries[entry.Name] = entry.Value;
            }

            return entries;
        }

        if (node.ValueKind != JsonValueKind.Array) return null;
        foreach (JsonElement entry in node.EnumerateArray())
        {
            if (Member(entry, "id") is not { ValueKind: JsonValueKind.String } id) return null;
            entries[id.GetString()!] = entry;
        }

        return entries;
    }

    private void NoteEntry(string section, string id, JsonElement entry, bool isNew)
    {
        string? effect = Member(entry, "effect")?.GetString();
        ChangeWeight comes = section switch
        {
            "rules" => MemberTerms.OfRule(effect, Member(entry, "mode")?.GetString()),
            "separations" or "masks" or "limits" => ChangeWeight.Tightens,
            _ => ChangeWeight.Unclear,
        };
        string what = section == "rules" ? $", which {Verb(effect)}" : "";
        string text = isNew ? $"is new{what}" : $"is gone{what}";
        _changes.Add(new PolicyChange(section, id, "", isNew ? comes : MemberTerms.Against(comes), text));
    }

    private static string Verb(string? effect) => effect switch
    {
        "allow" => "allows",
        "approve" => "asks for approval",
        _ => "denies",
    };

    private void CompareEntry(string section, string id, JsonElement before, JsonElement after)
    {
        string? effect = section == "rules" ? Member(after, "effect")?.GetString() : null;
        CompareObject(section, id, "", effect, before, after);
        if (section == "limits") _changes.AddRange(LimitDiff.Compare(id, before, after));
    }

    private void CompareObject(
        string section, string id, string prefix, string? effect, JsonElement before, JsonElement after)
    {
        IEnumerable<string> members = before.EnumerateObject().Concat(after.EnumerateObject())
            .Select(member => member.Name).Distinct();
        if (section == "limits") members = members.Except(LimitDiff.Members);
        foreach (string member in members)
        {
            JsonElement? was = Member(before, member);
            JsonElement? now = Member(after, member);
            if (section == "functions" && prefix.Length == 0 && member == "args")
            {
                new ArgumentsDiff((weight, text) => _changes.Add(new PolicyChange(section, id, member, weight, text)))
                    .Compare(was, now);
                continue;
            }

            bool isNested = was is { ValueKind: JsonValueKind.Object } || now is { ValueKind: JsonValueKind.Object };
            if (isNested && was is { } old && now is { } latest && old.ValueKind == latest.ValueKind)
            {
                CompareObject(section, id, prefix + member + ".", effect, old, latest);
            }
            else
            {
                CompareMember(section, id, prefix + member, effect ?? "", was, now);
            }
        }
    }

    private void CompareMember(
        string section, string id, string member, string effect, JsonElement? before, JsonElement? after)
    {
        string key = id.Length == 0 ? member : $"{section}.{member}";
        string was = before?.GetRawText() ?? MemberTerms.DefaultOf(key);
        string now = after?.GetRawText() ?? MemberTerms.DefaultOf(key);
        if (was == now || MemberTerms.MeansTheSame(was, now)) return;
        bool isList = IsTextList(before) && IsTextList(after) && (before ?? after) is not null;
        bool isStages = key == "rules.approval.stages" && before is not null && after is not null;
        if (isStages) NoteStages(section, id, member, before!.Value, after!.Value);
        else if (isList) NoteList(section, id, member, MemberTerms.OfAdding(key, effect), before, after);
        else
        {
            string text = $"{member}: {Show(was)} becomes {Show(now)}";
            _changes.Add(new PolicyChange(section, id, member, MemberTerms.Weigh(key, effect, was, now), text));
        }
    }

    private static bool IsTextList(JsonElement? node) => node is not { } list
        || (list.ValueKind == JsonValueKind.Array
            && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String));

    private void NoteList(
        string section, string id, string member, ChangeWeight adding, JsonElement? before, JsonElement? after)
    {
        List<string> was = TextsOf(before);
        List<string> now = TextsOf(after);
        string[] added = [.. now.Except(was)];
        string[] gone = [.. was.Except(now)];
        if (added.Length > 0) Note(added, "adds", adding);
        if (gone.Length > 0) Note(gone, "drops", MemberTerms.Against(adding));

        void Note(string[] items, string verb, ChangeWeight weight) => _changes.Add(new PolicyChange(
            section, id, member, weight, $"{member} {verb} {string.Join(", ", items)}"));
    }

    private void NoteStages(string section, string id, string member, JsonElement before, JsonElement after)
    {
        List<StageTerms> was = StagesOf(before);
        List<StageTerms> now = StagesOf(after);
        string old = Outlook.Describe(was);
        string latest = Outlook.Describe(now);
        if (old == latest) return;
        int step = StageTally.Compare(was, now);
        (ChangeWeight weight, string how) = step > 0 ? (ChangeWeight.Loosens, "weaker")
            : step < 0 ? (ChangeWeight.Tightens, "stronger") : (ChangeWeight.Unclear, "other");
        _changes.Add(new PolicyChange(
            section, id, member, weight, $"stages are {how}: {old} becomes {latest}"));
    }

    private static List<StageTerms> StagesOf(JsonElement stages) => [.. stages.EnumerateArray().Select(stage =>
        new StageTerms(TextsOf(Member(stage, "groups")), Member(stage, "count") is { } count ? count.GetInt32() : 1))];

    private static List<string> TextsOf(JsonElement? list) => list is not { } node
        ? [] : [.. node.EnumerateArray().Select(item => item.GetString()!)];

    private static string Show(string json) =>
        json.Length == 0 ? "nothing" : json is ['"', .., '"'] ? json[1..^1] : json;
}
