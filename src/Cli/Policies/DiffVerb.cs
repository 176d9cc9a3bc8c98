using System.CommandLine;
using System.Text;
using System.Text.Json;
using Countersign.Policy;
using Countersign.Policy.Review;

namespace Countersign.Cli.Policies;

/// <summary><c>countersign policy diff</c>: what a new policy changes, by what it means.</summary>
internal static class DiffVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        ControlOptions control = new();
        const string Which = "a file, the number of a published version, or 'current'";
        Argument<string> before = new("before") { Description = "The old policy: " + Which };
        Argument<string> after = new("after") { Description = "The new policy: " + Which };
        DirectoryOptions directory = new();
        Option<bool> outside = PolicyFile.IncludeOutside();
        Option<bool> differs = new("--exit-code") { Description = "End with 1 if the policies differ" };
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Command command = new(
            "diff", "Show who gains and loses what: + loosens, - tightens, ~ is for people to say")
        {
            before, after, outside, differs, json,
        };
        directory.AddTo(command);
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            bool isRead = directory.TryRead(environment, parsed, out PeopleDirectory? people);
            if (!isRead) return ExitCodes.Usage;
            PolicySource source = new(environment, control, parsed, parsed.GetValue(outside));
            PolicyReading? old = await source.ReadAsync(parsed.GetValue(before)!, cancellation);
            PolicyReading? now = old is null ? null : await source.ReadAsync(parsed.GetValue(after)!, cancellation);
            if (old is null || now is null) return source.ExitCode;
            Caller[] callers = [.. (people?.Accounts ?? []).Select(account => account.Caller)];
            PolicyDiff diff = PolicyDiff.Between(old, now, callers);
            environment.Out.WriteLine(parsed.GetValue(json) ? ToJson(diff) : PolicyDiffText.ToText(diff));
            return parsed.GetValue(differs) && !diff.IsSame ? ExitCodes.Failed : ExitCodes.Ok;
        });
        return command;
    }

    private static string ToJson(PolicyDiff diff)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes)) PolicyDiffText.Write(json, diff);
        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
