using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <summary>Reads the rules and the separations.</summary>
internal sealed class RuleReader(PolicyContent content, FunctionReader functions, PolicyErrors errors)
{
    private static readonly SectionKeys RuleKeys = new(
        ["id", "subjects", "functions", "effect"], ["when", "approval", "mode", "alone"], [], []);
    private static readonly SectionKeys SubjectKeys = new(["groups"], [], [], []);
    private static readonly SectionKeys ApprovalKeys = new(
        ["stages"], ["decideWithin", "useWithin", "hold", "reason", "breakGlass"], [], []);
    private static readonly SectionKeys BreakGlassKeys = new(["groups"], [], [], []);
    private static readonly SectionKeys StageKeys = new(["groups", "count"], [], [], []);
    private static readonly SectionKeys SeparationKeys = new(["id", "kind", "groups"], [], [], []);
    private static readonly SectionKeys DynamicKeys = new(["id", "kind", "functions", "object", "window"], [], [], []);

    private static readonly TimeSpan DecideWithinUnstated = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan UseWithinUnstated = TimeSpan.FromMinutes(5);
    private static readonly ApprovalTerms NoTerms = new(
        [], DecideWithinUnstated, UseWithinUnstated, TimeSpan.Zero, true);

    public void ReadRules(List<DocumentNode> items)
    {
        ConditionReader conditions = new(content, errors);
        HashSet<string> ids = new(StringComparer.Ordinal);
        foreach (DocumentNode item in items)
        {
            if (Section.Open(item, "a rule", RuleKeys, errors) is not { } section) continue;
            string id = ReadId(section, ids);
            List<string> groups = [];
            if (section.Find("subjects") is { } subjects)
            {
                groups = Section.Open(subjects, "subjects", SubjectKeys, errors)?.Groups("groups", 1) ?? [];
            }

            List<string> covered = section.TextList("functions", 1, functions.ReferenceFault);
            string? word = section.Word("effect", ["allow", "approve", "deny"], []);
            Effect effect = word switch { "allow" => Effect.Allow, "approve" => Effect.Approve, _ => Effect.Deny };
            DocumentNode? when = section.LongText("when", ConditionLimits.CharactersMax);
            if (when is not null) conditions.Compile(when, content.Rules.Count, covered);
            content.Rules.Add(new Rule(id, groups, covered, effect, ReadApproval(section, word))
            {
                When = when?.Text,
                Mode = ReadMode(section),
                Alone = ReadAlone(section, word),
                Line = item.Line,
                Column = item.Column,
                File = item.File,
            });
        }
    }

    public void ReadSeparations(List<DocumentNode> items)
    {
        ConditionReader objects = new(content, errors);
        HashSet<string> ids = new(StringComparer.Ordinal);
        foreach (DocumentNode item in items)
        {
            DocumentNode? kind = item.Entries.Find(entry => entry.Key.Text == "kind").Value;
            if (kind is { Kind: NodeKind.Text, Text: "dynamic" })
            {
                ReadDynamic(item, ids, objects);
                continue;
            }

            if (Section.Open(item, "a separation", SeparationKeys, errors) is not { } section) continue;
            section.Word("kind", ["static", "dynamic"], []);
            content.Separations.Add(new Separation(ReadId(section, ids), section.Groups("groups", 2))
            {
                Line = item.Line,
                Column = item.Column,
            });
        }
    }

    private void ReadDynamic(DocumentNode item, HashSet<string> ids, ConditionReader objects)
    {
        if (Section.Open(item, "a dynamic separation", DynamicKeys, errors) is not { } section) return;
        string id = ReadId(section, ids);
        List<string> covered = section.TextList("functions", 1, functions.ReferenceFault);
        TimeSpan window = section.Duration(
            "window", PolicyLimits.WindowMin, PolicyLimits.WindowMin, PolicyLimits.DutyWindowMax);
        DocumentNode? named = section.LongText("object", ConditionLimits.CharactersMax);
        if (named is not null) objects.CompileObject(named, content.DynamicSeparations.Count, covered);
        content.DynamicSeparations.Add(new DynamicSeparation(id, covered, named?.Text ?? "", window)
        {
            Line = item.Line,
            Column = item.Column,
            File = item.File,
        });
    }

    /// <summary>Of a rule, or of the whole document.</summary>
    public static PolicyMode ReadMode(Section section) =>
        section.Word("mode", ["enforce", "observe"], []) == "observe" ? PolicyMode.Observe : PolicyMode.Enforce;

    /// <summary>
    /// Says that one person alone is meant to be enough, and why: allow rules let one alone, and approve rules do
    /// while they are in observe.
    /// </summary>
    private string ReadAlone(Section rule, string? effect)
    {
        bool isTried = effect == "approve" && rule.Find("mode") is { Kind: NodeKind.Text, Text: "observe" };
        if (rule.FindKey("alone") is { } key && effect is "deny" or "approve" && !isTried)
        {
            string unless = effect == "approve" ? " that is enforced" : "";
            errors.Add(key, $"'alone' has no meaning with effect {effect}{unless}");
        }

        return rule.Text("alone") ?? "";
    }

    private string ReadId(Section section, HashSet<string> ids) => ReadId(section, ids, errors);

    /// <summary>The id of one of a list, which no other of the list has.</summary>
    internal static string ReadId(Section section, HashSet<string> ids, PolicyErrors errors)
    {
        if (section.Id("id") is not { } id) return "";
        if (!ids.Add(id)) errors.Add(section.Find("id")!, $"the id '{id}' is given twice");
        return id;
    }

    /// <summary>The terms of an approve rule; null for another, which may not have any.</summary>
    private ApprovalTerms? ReadApproval(Section rule, string? effect)
    {
        DocumentNode? node = rule.Find("approval");
        if (effect == "approve" && node is null) errors.Add(rule.Node, "a rule with effect approve needs 'approval'");
        if (effect is "allow" or "deny" && node is not null)
        {
            errors.Add(rule.FindKey("approval")!, $"'approval' has no meaning with effect {effect}");
        }

        if (node is null || Section.Open(node, "approval", ApprovalKeys, errors) is not { } section) return null;
        List<StageTerms> stages = [];
        foreach (DocumentNode item in section.List("stages", 1, PolicyLimits.StagesMax) ?? [])
        {
            if (Section.Open(item, "a stage", StageKeys, errors) is not { } stage) continue;
            stages.Add(new StageTerms(stage.Groups("groups", 1), stage.Count("count", PolicyLimits.ApproversMax)));
        }

        return NoTerms with
        {
            Stages = stages,
            DecideWithin = section.Duration(
                "decideWithin", DecideWithinUnstated, PolicyLimits.WindowMin, PolicyLimits.WindowMax),
            UseWithin = section.Duration(
                "useWithin", UseWithinUnstated, PolicyLimits.WindowMin, PolicyLimits.WindowMax),
            Hold = section.Duration("hold", TimeSpan.Zero, TimeSpan.Zero, PolicyLimits.HoldMax),
            ReasonRequired = section.Word("reason", ["required", "optional"], []) == "required",
            BreakGlass = ReadBreakGlass(section),
        };
    }

    private string[][] ReadBreakGlass(Section approval)
    {
        if (approval.Find("breakGlass") is not { } node) return [];
        List<string>? groups = Section.Open(node, "breakGlass", BreakGlassKeys, errors)?.Groups("groups", 1);
        return groups is { Count: > 0 } ? [[.. groups]] : [];
    }
}
