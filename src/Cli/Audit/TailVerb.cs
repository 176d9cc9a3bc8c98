using System.CommandLine;
using System.Text;
using Countersign.Audit;

namespace Countersign.Cli.Audit;

/// <summary><c>audit tail</c>: the last entries, and those that come.</summary>
internal static class TailVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        FolderOptions folder = new();
        QueryOptions query = new();
        Option<bool> follow = new("--follow", "-f") { Description = "Go on as entries are added" };
        Option<int> lines =
            NumberOption.Create("--lines", "How many of the last entries", 20, 0, int.MaxValue, "-n");
        Option<bool> json = new("--json") { Description = "Print the entries as they are, one JSON object a line" };
        Command command = new("tail", "Print the last entries") { follow, lines, json };
        folder.AddTo(command);
        query.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (query.Read(environment, parsed) is not { } wanted) return ExitCodes.Usage;
            if (folder.Find(environment, parsed) is not { } path) return ExitCodes.Usage;
            long next = PrintLast(environment, path, wanted, parsed.GetValue(lines), parsed.GetValue(json));
            if (!parsed.GetValue(follow)) return ExitCodes.Ok;
            try
            {
                await foreach (AuditEntry entry in new AuditReader(path, next).FollowAsync(
                    environment.Clock, TimeSpan.FromMilliseconds(200), cancellation))
                {
                    if (!wanted.Matches(entry.Payload)) continue;
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

    /// <summary>An entry on one line.</summary>
    internal static void PrintEntry(CommandEnvironment environment, in AuditEntry entry, bool json) =>
        environment.Out.WriteLine(json ? Encoding.UTF8.GetString(entry.Payload.Span) : EntryText.Of(entry));

    private static long PrintLast(
        CommandEnvironment environment, string path, AuditQuery wanted, int count, bool json)
    {
        Queue<AuditEntry> last = new();
        long first = wanted.From is { } from ? AuditTimes.EntryBefore(path, from) : 0;
        using AuditReader reader = new(path, first);
        while (reader.Read(out AuditEntry entry) == AuditReadStatus.Entry)
        {
            if (!wanted.Matches(entry.Payload)) continue;
            last.Enqueue(entry);
            if (last.Count > Math.Max(count, 0)) last.Dequeue();
        }

        foreach (AuditEntry entry in last) PrintEntry(environment, entry, json);
        if (reader.Damage is { } damage) environment.Error.WriteLine("countersign: " + damage.Message);
        return reader.Index;
    }
}
