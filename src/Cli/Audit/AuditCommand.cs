using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.Cli.Configuration;
using Countersign.Cli.Policies;

namespace Countersign.Cli.Audit;

/// <summary><c>countersign audit</c>: verify and read the log. Needs nothing but its folder.</summary>
internal static class AuditCommand
{
    /// <summary>The command with its verbs.</summary>
    internal static Command Create(CommandEnvironment environment) => new("audit", "Verify and read an audit log")
    {
        Verify(environment), Tail(environment), SchemaVerb.CreateForAudit(environment),
    };

    private static Command Verify(CommandEnvironment environment)
    {
        FolderOptions folder = new();
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Command command =
            new("verify", "Prove that nothing was changed or removed; exit code 4 names the first bad entry") { json };
        folder.AddTo(command);
        command.SetAction(parsed =>
        {
            string? path = folder.Find(environment, parsed);
            if (path is null) return ExitCodes.Usage;
            Progress<long>? progress = null;
            AuditVerification found = AuditVerifier.Verify(path, progress);
            if (parsed.GetValue(json)) environment.Out.WriteLine(ToJson(found));
            else Print(environment, path, found);
            return found.IsOk ? ExitCodes.Ok : ExitCodes.Damaged;
        });
        return command;
    }

    private static Command Tail(CommandEnvironment environment)
    {
        FolderOptions folder = new();
        Option<bool> follow = new("--follow", "-f") { Description = "Go on as entries are added" };
        Option<int> lines =
            new("--lines", "-n") { Description = "How many of the last entries", DefaultValueFactory = _ => 20 };
        Option<bool> json = new("--json") { Description = "Print the entries as they are, one JSON object a line" };
        Command command = new("tail", "Print the last entries") { follow, lines, json };
        folder.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            string? path = folder.Find(environment, parsed);
            if (path is null) return ExitCodes.Usage;
            long next = PrintLast(environment, path, parsed.GetValue(lines), parsed.GetValue(json));
            if (!parsed.GetValue(follow)) return ExitCodes.Ok;
            try
            {
                await foreach (AuditEntry entry in new AuditReader(path, next).FollowAsync(
                    environment.Clock, TimeSpan.FromMilliseconds(200), cancellation))
                {
                    PrintEntry(environment, entry, parsed.GetValue(json));
                    await environment.Out.FlushAsync(cancellation);
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                // Ctrl+C is how following ends.
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static long PrintLast(CommandEnvironment environment, string path, int count, bool json)
    {
        Queue<AuditEntry> last = new();
        long next = 0;
        using AuditReader reader = new(path);
        while (reader.Read(out AuditEntry entry) == AuditReadStatus.Entry)
        {
            last.Enqueue(entry with { Payload = entry.Payload.ToArray() });
            if (last.Count > Math.Max(count, 0)) last.Dequeue();
            next = entry.Index + 1;
        }

        foreach (AuditEntry entry in last) PrintEntry(environment, entry, json);
        if (reader.Damage is { } damage) environment.Error.WriteLine("countersign: " + damage.Message);
        return next;
    }

    private static void PrintEntry(CommandEnvironment environment, in AuditEntry entry, bool json) =>
        environment.Out.WriteLine(json ? Encoding.UTF8.GetString(entry.Payload.Span) : EntryText.Of(entry));

    private static void Print(CommandEnvironment environment, string path, AuditVerification found)
    {
        if (found.IsOk)
        {
            environment.Out.WriteLine($"ok: {found.EntriesCovered + found.TailEntries} entries in {path}");
            environment.Out.WriteLine(
                $"  {found.EntriesCovered} proven by the signed checkpoint, "
                + $"{found.TailEntries} newer ones whole but not signed yet");
            return;
        }

        string place = found.FirstBadEntry >= 0 ? $"entry {found.FirstBadEntry}" : "the log";
        environment.Out.WriteLine($"DAMAGED: {place}: {found.Message}");
        if (found.File.Length > 0)
        {
            environment.Out.WriteLine(
                $"  in {found.File}" + (found.ByteOffset >= 0 ? $" at byte {found.ByteOffset}" : ""));
        }

        environment.Out.WriteLine($"  still trustworthy: {found.EntriesProven} entries");
    }

    private static string ToJson(AuditVerification found)
    {
        JsonObject result = new()
        {
            ["ok"] = found.IsOk,
            ["entries"] = found.EntriesCovered + found.TailEntries,
            ["covered"] = found.EntriesCovered,
            ["proven"] = found.EntriesProven,
            ["tail"] = found.TailEntries,
        };
        if (!found.IsOk)
        {
            result["damage"] = JsonNamingPolicy.KebabCaseLower.ConvertName(found.Kind.ToString());
            result["entry"] = found.FirstBadEntry >= 0 ? found.FirstBadEntry : null;
            result["file"] = found.File;
            result["offset"] = found.ByteOffset >= 0 ? found.ByteOffset : null;
            result["message"] = found.Message;
        }

        return result.ToJsonString(Serve.LogOptions.PlainJson);
    }
}

/// <summary>How the commands find the log: an argument, a flag, or the configuration.</summary>
internal sealed class FolderOptions
{
    private readonly Argument<string?> _folder =
        new("folder") { Description = "The log's folder", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _flag = new("--folder", "--audit") { Description = "The log's folder" };
    private readonly Option<string?> _config =
        new("--config") { Description = "Configuration file that names the folder" };

    /// <summary>Adds them to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Arguments.Add(_folder);
        command.Options.Add(_flag);
        command.Options.Add(_config);
    }

    /// <summary>The folder, or null after an error was printed.</summary>
    internal string? Find(CommandEnvironment environment, ParseResult parsed)
    {
        string? folder = parsed.GetValue(_folder) ?? parsed.GetValue(_flag);
        if (folder is null)
        {
            string file = parsed.GetValue(_config) ?? "countersign.json";
            if (!File.Exists(file))
            {
                environment.Fail("name the log's folder, or a configuration file with --config");
                return null;
            }

            ConfigurationReading reading = ConfigurationReader.Read(
                file, environment.Variables, new ConfigurationFlags(), environment.MachineName);
            foreach (string error in reading.Errors) environment.Fail(error);
            folder = reading.Options?.AuditFolder;
        }

        if (folder is null || Directory.Exists(folder)) return folder;
        environment.Fail($"there is no folder {folder}");
        return null;
    }
}
