using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json.Nodes;
using Countersign.Policy.Approvals;

namespace Countersign.Cli.Policies;

/// <summary><c>countersign policy rollback</c>: puts a version that is in the store in force again.</summary>
internal static class RollbackCommand
{
    private const string Path = "/api/v1/policies";

    /// <summary>The command.</summary>
    internal static Command Create(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Argument<long?> version = new("version")
        {
            Description = "Version to put in force [default: what was in force before the one in force]",
            Arity = ArgumentArity.ZeroOrOne,
            CustomParser = ReadVersion,
        };
        Option<long?> expect = PolicyOptions.Expect();
        Option<bool> resume = PolicyOptions.Resume();
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new("rollback", "Put an older version, or any other one in the store, in force")
        {
            version, expect, resume, json,
        };
        ProposalWait wait = new();
        wait.AddTo(command);
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            ControlAnswer list = await client.GetAsync(Path + "?limit=1", cancellation);
            if (!list.IsOk) return environment.Fail(list);
            long current = list.Body!["current"]!.GetValue<long>();

            // What was looked at must be what is replaced: another's publication meanwhile is not rolled back unseen.
            long expected = parsed.GetValue(expect) ?? current;
            if ((parsed.GetValue(version) ?? list.Body["before"]?.GetValue<long>()) is not { } target)
            {
                return environment.Fail(
                    "no version is known to have been in force before this one: choose one of policy history");
            }

            string at = string.Create(CultureInfo.InvariantCulture, $"{Path}/{target}/activate");
            ControlAnswer answer = await client.PostAsync(
                at + PolicyOptions.Query(expected, parsed.GetValue(resume)), "", "application/json", cancellation,
                wait.Reason(parsed));
            if (parsed.GetValue(json) && answer.Status != 0) environment.Out.WriteLine(answer.Text);
            if (!answer.IsOk) return environment.Fail(PolicyOptions.Problem(answer, expected));
            if (ProposalWait.IsAwaited(answer))
            {
                return await wait.FinishAsync(
                    environment, client, parsed, answer, parsed.GetValue(json), cancellation);
            }

            if (!parsed.GetValue(json)) Print(environment, answer.Body!.AsObject(), current);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static long? ReadVersion(ArgumentResult argument)
    {
        if (argument.Tokens.Count == 0) return null;
        string text = argument.Tokens[0].Value;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long version)) return version;
        argument.AddError($"'{text}' is not the number of a version: choose one of policy history");
        return null;
    }

    private static void Print(CommandEnvironment environment, JsonObject revision, long before) =>
        environment.Out.WriteLine(
            $"version {revision["version"]} is in force, after {before}; sha256 {revision["sha256"]}");
}

/// <summary>What every command that changes the policy takes.</summary>
internal static class PolicyOptions
{
    /// <summary>No version in particular must be in force.</summary>
    internal const long Any = -1;

    /// <summary>The version that must be in force.</summary>
    internal static Option<long?> Expect() => new("--expect")
    {
        Description = "Version that must be in force, 0 for none, else nothing changes; any asks for none in particular"
            + " [default: the one that is in force when the command looks]",
        CustomParser = argument =>
        {
            string text = argument.Tokens[0].Value;
            if (text == "any") return Any;
            if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long version)) return version;
            argument.AddError($"--expect: '{SafeText.Show(text)}' is not a version's number, 0 for none, or any");
            return null;
        },
    };

    /// <summary>What went wrong; where another version is in force than was expected, which.</summary>
    internal static string Problem(ControlAnswer answer, long expected)
    {
        const int PreconditionFailed = 412;
        if (answer.Status != PreconditionFailed || expected == Any) return answer.Problem();
        return $"nothing changed: version {answer.Body?["current"]} is in force now, and {expected} was expected. Look"
            + " at what somebody else has changed, and try again; --expect any replaces it unseen";
    }

    /// <summary>Goes on from a store that lost changes.</summary>
    internal static Option<bool> Resume() => new("--resume")
    {
        Description = "Go on from a store that has lost changes which gateways have seen",
    };

    /// <summary>The same for the API.</summary>
    internal static string Query(long? expect, bool resume)
    {
        List<string> terms = [];
        if (expect == Any) terms.Add("expect=any");
        else if (expect is { } version)
            terms.Add(string.Create(CultureInfo.InvariantCulture, $"expect={version}"));
        if (resume) terms.Add("resume=true");
        return terms.Count == 0 ? "" : "?" + string.Join('&', terms);
    }
}
