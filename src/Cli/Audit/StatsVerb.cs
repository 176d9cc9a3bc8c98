using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Countersign.Audit;

namespace Countersign.Cli.Audit;

/// <summary><c>audit stats</c>: what a log holds, counted.</summary>
internal static class StatsVerb
{
    private const int TopMax = 10;

    internal static Command Create(CommandEnvironment environment)
    {
        FolderOptions folder = new();
        QueryOptions query = new();
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Command command = new("stats", "Count records by type, decision, verdict, function, caller and event") { json };
        folder.AddTo(command);
        query.AddTo(command);
        command.SetAction(parsed =>
        {
            if (query.Read(environment, parsed) is not { } wanted) return ExitCodes.Usage;
            if (folder.Find(environment, parsed) is not { } path) return ExitCodes.Usage;
            Tally tally = new();
            foreach (AuditEntry entry in QueryOptions.Find(environment, path, wanted)) tally.Add(entry);
            if (parsed.GetValue(json))
                environment.Out.WriteLine(tally.ToJson().ToJsonString(Serve.LogOptions.PlainJson));
            else tally.Print(environment.Out);
            return ExitCodes.Ok;
        });
        return command;
    }

    private sealed class Tally
    {
        private static readonly string[] Kinds =
            ["type", "decision", "verdict", "risk", "function", "caller", "event"];

        private readonly Dictionary<string, Dictionary<string, long>> _counts =
            Kinds.ToDictionary(kind => kind, _ => new Dictionary<string, long>(StringComparer.Ordinal));

        private long _records;
        private long _bytes;
        private long _masked;
        private long _timed;
        private double _microseconds;
        private string _first = "";
        private string _last = "";

        internal void Add(in AuditEntry entry)
        {
            JsonObject record = JsonNode.Parse(entry.Payload.Span)!.AsObject();
            _records++;
            _bytes += entry.Payload.Length;
            string at = record["at"]?.ToString() ?? "";
            if (_first.Length == 0 || string.CompareOrdinal(at, _first) < 0) _first = at;
            if (string.CompareOrdinal(at, _last) > 0) _last = at;
            bool isIntent = record["type"]?.ToString() == "intent";
            Count("type", record["type"]);
            Count("event", record["event"]);

            // An intent says what its outcome says again: each call counts once.
            if (isIntent) return;
            foreach (string kind in (string[])["decision", "verdict", "risk", "function"]) Count(kind, record[kind]);
            Count("caller", record["caller"]?["sub"]);
            _masked += Number(record["masked"]);
            if (record["duration_us"] is not { } duration) return;
            _timed++;
            _microseconds += Number(duration);
        }

        internal JsonObject ToJson()
        {
            JsonObject told = new()
            {
                ["records"] = _records, ["bytes"] = _bytes, ["first"] = _first, ["last"] = _last,
                ["masked"] = _masked, ["duration_us_mean"] = _timed == 0 ? null : Math.Round(_microseconds / _timed, 1),
            };
            foreach (string kind in Kinds)
            {
                JsonObject counts = [];
                foreach ((string name, long count) in Ordered(kind)) counts[name] = count;
                told[kind] = counts;
            }

            return told;
        }

        internal void Print(TextWriter output)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{_records} records, {_bytes} bytes, {_first} to {_last}"));
            double mean = _microseconds / Math.Max(_timed, 1) / 1000;
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{_masked} values masked; calls took {mean:0.###} ms on average"));
            foreach (string kind in Kinds)
            {
                if (_counts[kind].Count == 0) continue;
                output.WriteLine();
                TextTable.Print(output, [kind.ToUpperInvariant(), "RECORDS"], Ordered(kind).Take(TopMax).Select(
                    pair => new[] { pair.Key, pair.Value.ToString(CultureInfo.InvariantCulture) }));
            }
        }

        private IEnumerable<KeyValuePair<string, long>> Ordered(string kind) =>
            _counts[kind].OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal);

        private void Count(string kind, JsonNode? name)
        {
            if (name is null) return;
            Dictionary<string, long> counts = _counts[kind];
            string text = name.ToString();
            counts[text] = counts.GetValueOrDefault(text) + 1;
        }

        private static long Number(JsonNode? value) => value is null ? 0 : value.GetValue<long>();
    }
}
