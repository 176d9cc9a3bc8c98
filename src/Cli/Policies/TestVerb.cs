using System.CommandLine;
using System.Text.Json.Nodes;
using Countersign.DataPlane;
using Countersign.Policy;
using Countersign.Policy.Review;

namespace Countersign.Cli.Policies;

/// <summary><c>countersign policy test</c>: the cases beside a policy.</summary>
internal static class TestVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        Argument<string[]> files = new("tests")
        {
            Description = "Files of cases, YAML or JSON",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string?> policy = new("--policy")
        {
            Description = "The policy to test; the one that each file names by default",
        };
        Option<bool> covered = new("--require-coverage")
        {
            Description = "Fail if a rule or separation decides no case",
        };
        Option<bool> outside = PolicyFile.IncludeOutside();
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Command command = new("test", "Run given/expected cases, and say which rules none of them exercises")
        {
            files, policy, covered, outside, json,
        };
        command.SetAction(parsed =>
        {
            TestRun run = new(environment, parsed.GetValue(policy), parsed.GetValue(outside));
            foreach (string file in parsed.GetValue(files)!)
            {
                if (run.Add(file) is { } exitCode) return exitCode;
            }

            if (parsed.GetValue(json)) environment.Out.WriteLine(run.ToJson());
            else run.Print();
            return run.IsPassed(parsed.GetValue(covered)) ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return command;
    }

    /// <summary>Files of cases, and the policies that they are about.</summary>
    private sealed class TestRun(CommandEnvironment environment, string? policy, bool mayLeaveFolder)
    {
        private readonly List<(string File, PolicyTestReport Report)> _reports = [];
        private readonly Dictionary<string, HashSet<string>> _unexercised = new(StringComparer.Ordinal);

        private int Failed => _reports.Sum(one => one.Report.Results.Count(result => !result.IsPassed));

        /// <summary>Runs a file; an exit code if it cannot be run.</summary>
        internal int? Add(string file)
        {
            if (PolicyFile.ReadText(environment, file) is not { } text) return ExitCodes.Usage;
            PolicyCases? cases = PolicyCases.Read(text, out IReadOnlyList<PolicyError> errors);
            if (cases is null)
            {
                environment.Error.WriteLine(PolicyErrorText.Of(file, errors));
                return ExitCodes.Failed;
            }

            string? about = policy ?? (cases.Policy.Length == 0 ? null
                : Path.Combine(Path.GetDirectoryName(file) ?? "", cases.Policy));
            if (about is null) return environment.Fail($"{file} names no policy: give --policy", ExitCodes.Usage);
            if (PolicyFile.Read(environment, about, mayLeaveFolder) is not { } tested) return ExitCodes.Usage;
            if (tested.Reading.Snapshot is not { } snapshot)
            {
                environment.Error.WriteLine(PolicyErrorText.Of(tested, tested.Reading.Errors));
                return ExitCodes.Failed;
            }

            cases = cases with
            {
                Cases = [.. cases.Cases.Select(one => one with { Given = DescribedCalls.AsRead(one.Given, snapshot) })],
            };
            PolicyTestReport report = cases.Run(snapshot, environment.Clock);
            _reports.Add((file, report));

            // Several files may share the work of exercising one policy.
            string key = Path.GetFullPath(about);
            if (_unexercised.TryGetValue(key, out HashSet<string>? left)) left.IntersectWith(report.Unexercised);
            else _unexercised.Add(key, [.. report.Unexercised]);
            return null;
        }

        internal bool IsPassed(bool isCoverageRequired) =>
            Failed == 0 && (!isCoverageRequired || _unexercised.Values.All(left => left.Count == 0));

        internal void Print()
        {
            foreach ((string file, PolicyTestReport report) in _reports)
            {
                foreach (PolicyCaseResult result in report.Results.Where(result => !result.IsPassed))
                {
                    environment.Out.WriteLine($"{file}:{result.Case.Line}: failed: {result.Case.Name}");
                    foreach (string fault in result.Faults) environment.Out.WriteLine($"    {fault}");
                    environment.Out.WriteLine($"    the policy says {result.Said}");
                }
            }

            foreach ((string about, HashSet<string> left) in _unexercised)
            {
                if (left.Count == 0) continue;
                environment.Out.WriteLine($"{Path.GetFileName(about)}: no case exercises {string.Join(", ", left)}");
            }

            int count = _reports.Sum(one => one.Report.Results.Count);
            environment.Out.WriteLine($"{count} cases, {Failed} failed");
        }

        internal string ToJson()
        {
            JsonArray cases = [];
            foreach ((string file, PolicyTestReport report) in _reports)
            {
                foreach (PolicyCaseResult result in report.Results)
                {
                    cases.Add((JsonNode)new JsonObject
                    {
                        ["file"] = file,
                        ["line"] = result.Case.Line,
                        ["name"] = result.Case.Name,
                        ["passed"] = result.IsPassed,
                        ["said"] = result.Said,
                        ["faults"] = new JsonArray([.. result.Faults.Select(fault => (JsonNode)fault)]),
                    });
                }
            }

            JsonArray left = [.. _unexercised.Values.SelectMany(ids => ids).Order().Select(id => (JsonNode)id)];
            JsonObject whole = new() { ["passed"] = Failed == 0, ["cases"] = cases, ["unexercised"] = left };
            return whole.ToJsonString(Serve.LogOptions.PlainJson);
        }
    }
}
