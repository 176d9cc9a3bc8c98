using System.CommandLine;
using System.Text.Json.Nodes;
using Countersign.Policy;
using Countersign.Policy.Review;

namespace Countersign.Cli.Policies;

/// <summary><c>countersign policy validate</c>: every error, and every hole.</summary>
internal static class ValidateVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        Argument<string> file = new("file") { Description = "Policy file, YAML or JSON; - is standard input" };
        DirectoryOptions directory = new();
        Option<bool> outside = PolicyFile.IncludeOutside();
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Command command = new(
            "validate", "Check a policy without publishing it; every error has its line and column")
        {
            file, outside, json,
        };
        directory.AddTo(command);
        command.SetAction(parsed =>
        {
            PolicyFile? policy = PolicyFile.Read(environment, parsed.GetValue(file)!, parsed.GetValue(outside));
            if (policy is null) return ExitCodes.Usage;
            bool isRead = directory.TryRead(environment, parsed, out PeopleDirectory? people);
            if (!isRead) return ExitCodes.Usage;
            IReadOnlyList<PolicyFinding> findings = policy.Reading.Snapshot is { } snapshot
                ? HoleFinder.Find(snapshot, people) : [];
            if (parsed.GetValue(json)) environment.Out.WriteLine(ToJson(policy.Reading, findings));
            else Print(environment, policy, findings);
            return IsGood(policy.Reading, findings) ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return command;
    }

    /// <summary>True if there is neither an error nor a hole.</summary>
    internal static bool IsGood(PolicyReading reading, IReadOnlyList<PolicyFinding> findings) =>
        reading.Errors.Count == 0 && findings.All(finding => finding.Weight != FindingWeight.Error);

    /// <summary>The whole of it for machines.</summary>
    internal static string ToJson(PolicyReading reading, IReadOnlyList<PolicyFinding> findings)
    {
        JsonObject result = new()
        {
            ["valid"] = IsGood(reading, findings),
            ["errors"] = PolicyErrorText.ToJson(reading.Errors.Concat(findings
                .Where(finding => finding.Weight == FindingWeight.Error).Select(finding => finding.ToError()))),
            ["warnings"] = PolicyErrorText.ToJson(findings
                .Where(finding => finding.Weight == FindingWeight.Warning).Select(finding => finding.ToError())),
        };
        if (reading.Snapshot is { } snapshot) result["sha256"] = snapshot.Sha256;
        return result.ToJsonString(Serve.LogOptions.PlainJson);
    }

    /// <summary>Errors, holes and warnings for people.</summary>
    internal static void PrintFaults(
        CommandEnvironment environment, PolicyFile policy, IReadOnlyList<PolicyFinding> findings)
    {
        if (policy.Reading.Errors.Count > 0)
        {
            environment.Error.WriteLine(PolicyErrorText.Of(policy, policy.Reading.Errors));
        }

        foreach (PolicyFinding finding in findings) PolicyErrorText.Print(environment.Error, policy, finding);
    }

    private static void Print(
        CommandEnvironment environment, PolicyFile policy, IReadOnlyList<PolicyFinding> findings)
    {
        PrintFaults(environment, policy, findings);
        if (!IsGood(policy.Reading, findings)) return;
        PolicySnapshot snapshot = policy.Reading.Snapshot!;
        environment.Out.WriteLine(
            $"{policy.Name}: valid, {snapshot.Functions.Count} functions, sha256 {snapshot.Sha256}");
    }
}
