using System.CommandLine;
using System.Text.Json.Nodes;
using Countersign.Audit;

namespace Countersign.Cli.Audit;

/// <summary><c>audit search</c>: the newest records that are asked for.</summary>
internal static class SearchVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        FolderOptions folder = new();
        QueryOptions query = new();
        Option<int> limit =
            NumberOption.Create("--limit", "How many of the newest; 0 for all", 100, 0, int.MaxValue);
        Option<bool> json = new("--json") { Description = "Print one JSON object a line, with its index" };
        Option<string?> postgres = new("--postgres")
        {
            Description = "Search what a fleet shipped instead: where the connection string is, file:PATH or env:NAME",
        };
        Command command = new("search", "Find records by who, what, how it ended, when, or any text")
        {
            limit, json, postgres,
        };
        folder.AddTo(command);
        query.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            int most = parsed.GetValue(limit);
            if (query.Read(environment, parsed) is not { } wanted) return ExitCodes.Usage;
            if (parsed.GetValue(postgres) is { } reference)
                return await FleetSearch.RunAsync(
                    environment, reference, wanted, most, parsed.GetValue(json), cancellation);
            if (folder.Find(environment, parsed) is not { } path) return ExitCodes.Usage;
            Queue<AuditEntry> newest = new();
            foreach (AuditEntry entry in QueryOptions.Find(environment, path, wanted))
            {
                if (most == 0) Print(environment, entry, parsed.GetValue(json));
                else newest.Enqueue(entry);
                if (newest.Count > most) newest.Dequeue();
            }

            foreach (AuditEntry entry in newest) Print(environment, entry, parsed.GetValue(json));
            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>A record behind its number.</summary>
    internal static JsonObject Indexed(in AuditEntry entry)
    {
        JsonObject told = new() { ["index"] = entry.Index };
        foreach ((string name, JsonNode? value) in JsonNode.Parse(entry.Payload.Span)!.AsObject())
            told[name] = value?.DeepClone();
        return told;
    }

    private static void Print(CommandEnvironment environment, in AuditEntry entry, bool json) =>
        environment.Out.WriteLine(
            json ? Indexed(entry).ToJsonString(Serve.LogOptions.PlainJson) : EntryText.Of(entry));
}
