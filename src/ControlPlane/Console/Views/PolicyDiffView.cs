using System.Text.Json;
using Countersign.ControlPlane.Policies;

namespace Countersign.ControlPlane.Console.Views;

/// <summary>One line of what a change of policy means.</summary>
/// <param name="Weight">loosens, tightens or unclear.</param>
/// <param name="Where">Whose access it is, or which part of the document.</param>
/// <param name="Functions">The functions whose access changes; empty for a part of the document.</param>
/// <param name="Before">What was to be expected; empty for a part of the document.</param>
/// <param name="Text">What is to be expected now, or what changes.</param>
public sealed record DiffEntry(
    string Weight, string Where, IReadOnlyList<string> Functions, string Before, string Text);

/// <summary>What a change of policy means, read from the JSON of <c>PolicyDiffText</c>.</summary>
/// <param name="IsSame">Nothing changes for anybody.</param>
/// <param name="Loosens">Somebody may do more, or nobody can say that they do not.</param>
/// <param name="IsWhole">False where not everybody's access could be compared.</param>
/// <param name="Access">Whose access changes.</param>
/// <param name="Changes">What changes in the document.</param>
public sealed record PolicyDiffView(
    bool IsSame, bool Loosens, bool IsWhole, IReadOnlyList<DiffEntry> Access, IReadOnlyList<DiffEntry> Changes)
{
    /// <summary>Reads the object; null for anything else, such as where a document does not compile here.</summary>
    internal static PolicyDiffView? Read(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object) return null;
        return new PolicyDiffView(
            json.GetProperty("same").GetBoolean(), json.GetProperty("loosens").GetBoolean(),
            json.GetProperty("whole").GetBoolean(),
            [.. json.GetProperty("access").EnumerateArray().Select(ReadAccess)],
            [.. json.GetProperty("changes").EnumerateArray().Select(ReadChange)]);
    }

    private static DiffEntry ReadAccess(JsonElement one)
    {
        bool isGroup = one.TryGetProperty("group", out JsonElement subject);
        if (!isGroup) subject = one.GetProperty("caller");
        return new DiffEntry(
            Text(one, "weight"), (isGroup ? "group " : "caller ") + subject.GetString(),
            [.. one.GetProperty("functions").EnumerateArray().Select(function => function.GetString()!)],
            Text(one, "before"), Text(one, "after"));
    }

    private static DiffEntry ReadChange(JsonElement one)
    {
        string id = Text(one, "id"), section = Text(one, "section");
        return new DiffEntry(
            Text(one, "weight"), id.Length == 0 ? section : section + " " + id, [], "", Text(one, "text"));
    }

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString() ?? "";
}

/// <summary>A change of policy that waits for another person, as its approval carries it.</summary>
/// <param name="InForce">The version that it was compared with.</param>
/// <param name="Proposed">The version that is to be in force.</param>
/// <param name="Author">Who wrote the proposed version.</param>
/// <param name="Diff">What it means; null where that cannot be told.</param>
public sealed record ProposalView(long InForce, long Proposed, string Author, PolicyDiffView? Diff)
{
    /// <summary>The proposal of an approval; null where it is none, or its payload is gone.</summary>
    internal static ProposalView? Of(ApprovalView approval)
    {
        bool isProposal = approval.Function.StartsWith(PolicyProposals.FunctionPrefix, StringComparison.Ordinal);
        if (!isProposal || !approval.HasArguments) return null;
        JsonElement proposed = approval.Arguments.GetProperty("proposed");
        return new ProposalView(
            approval.Arguments.GetProperty("in_force").GetProperty("version").GetInt64(),
            proposed.GetProperty("version").GetInt64(), proposed.GetProperty("author").GetString() ?? "",
            PolicyDiffView.Read(approval.Arguments.GetProperty("diff")));
    }
}
