using System.Text.Json.Nodes;
using Countersign.Policy;
using Countersign.Policy.Review;

namespace Countersign.Cli.Policies;

/// <summary>Policy errors as compilers print them: <c>file:line:column: message</c>.</summary>
internal static class PolicyErrorText
{
    /// <summary>One line per error.</summary>
    internal static string Of(string file, IReadOnlyList<PolicyError> errors) =>
        string.Join(
            Environment.NewLine, errors.Select(error => $"{file}:{error.Line}:{error.Column}: {error.Message}"));

    /// <summary>One line per error, by the file that it is in.</summary>
    internal static string Of(PolicyFile file, IReadOnlyList<PolicyError> errors) =>
        string.Join(Environment.NewLine, errors.Select(error =>
            $"{file.PlaceOf(error.File)}:{error.Line}:{error.Column}: {error.Message}"));

    /// <summary>What a policy lets happen, its example below it.</summary>
    internal static void Print(TextWriter output, PolicyFile file, PolicyFinding finding)
    {
        string weight = finding.Weight == FindingWeight.Error ? "" : "warning: ";
        output.WriteLine(
            $"{file.PlaceOf(finding.File)}:{finding.Line}:{finding.Column}: {weight}{finding.Message}");
        foreach (string step in finding.Path) output.WriteLine($"    {step}");
    }

    /// <summary>Errors, then holes, then warnings, for machines.</summary>
    internal static JsonArray ToJson(IEnumerable<PolicyError> errors)
    {
        JsonArray items = [];
        foreach (PolicyError error in errors)
        {
            JsonObject item = new()
            {
                ["line"] = error.Line,
                ["column"] = error.Column,
                ["message"] = error.Message,
            };
            if (error.File.Length > 0) item["file"] = error.File;
            items.Add((JsonNode)item);
        }

        return items;
    }
}
