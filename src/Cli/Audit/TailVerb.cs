using System.CommandLine;
using System.Text;
using Countersign.Audit;

namespace Countersign.Cli.Audit;

/// <summary><c>audit tail</c>: the last entries, and those that come.</summary>
internal static class TailVerb
{
    private const long WindowEntries = 4_096;
    private const int WindowGrowth = 16;

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
            int count = parsed.GetValue(lines);
            if (count < 0) return environment.Fail("--lines: 0 or more", ExitCodes.Usage);
            if (query.Read(environment, parsed) is not { } wanted) return ExitCodes.Usage;
            if (folder.Find(environment, parsed) is not { } path) return ExitCodes.Usage;
            long next = PrintLast(environment, path, wanted, count, parsed.GetValue(json));
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

    // Where the log ended when the command began, found at once however long the log is: what comes from then on is
    // followed, and nothing of it is taken for one of the last. These are looked for in ever larger windows before it.
    private static long PrintLast(
        CommandEnvironment environment, string path, AuditQuery wanted, int count, bool json)
    {
        long window = WindowEntries;
        long least = wanted.From is { } since ? AuditTimes.EntryBefore(path, since) : 0;
        long from = Math.Max(least, VerifyVerb.SizeOf(path) - window);
        Queue<AuditEntry> last = new();
        long end = ReadLast(environment, path, from, long.MaxValue, count == 0 ? null : wanted, count, last);
        while (last.Count < count && from > least)
        {
            window *= WindowGrowth;
            from = Math.Max(least, end - window);
            last.Clear();
            ReadLast(environment, path, from, end, wanted, count, last);
        }

        foreach (AuditEntry entry in last) PrintEntry(environment, entry, json);
        return end;
    }

    private static long ReadLast(
        CommandEnvironment environment, string path, long from, long end, AuditQuery? wanted, int count,
        Queue<AuditEntry> last)
    {
        using AuditReader reader = new(path, from);
        while (reader.Index < end && reader.Read(out AuditEntry entry) == AuditReadStatus.Entry)
        {
            if (wanted is null || !wanted.Matches(entry.Payload)) continue;
            last.Enqueue(entry);
            if (last.Count > count) last.Dequeue();
        }

        if (reader.Damage is { } damage) environment.Error.WriteLine("countersign: " + damage.Message);
        return reader.Index;
    }
}
