using System.Text.Json;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Shipping;

/// <summary>
/// How far one destination is, in a small file beside the log. It may be older than the truth and never newer: it is
/// written after the destination took the entries, atomically.
/// </summary>
/// <param name="Log">The log that it counts.</param>
/// <param name="Next">The entry to ship next.</param>
/// <param name="State">How the destination is doing.</param>
/// <param name="Message">Why it is not doing well; empty where it is.</param>
/// <param name="At">When this was written.</param>
internal sealed record ShipCursor(LogIdentity Log, long Next, ShipStatus State, string Message, DateTimeOffset At)
{
    private const string Ending = ".json";

    /// <summary>The folder of a log's cursors.</summary>
    internal static string FolderOf(string auditFolder) => auditFolder.TrimEnd('/') + ".ship";

    /// <summary>The names of the destinations that have a cursor.</summary>
    internal static IReadOnlyList<string> Names(string auditFolder)
    {
        string folder = FolderOf(auditFolder);
        if (!Directory.Exists(folder)) return [];
        return [.. Directory.EnumerateFiles(folder, "*" + Ending).Select(Path.GetFileNameWithoutExtension)
            .Order(StringComparer.Ordinal)!];
    }

    /// <summary>A destination's cursor; null for none, or one that cannot be read.</summary>
    internal static ShipCursor? Read(string auditFolder, string name)
    {
        string path = Path.Combine(FolderOf(auditFolder), name + Ending);
        try
        {
            if (!File.Exists(path) || JsonNode.Parse(File.ReadAllText(path)) is not JsonObject told) return null;
            LogIdentity log = new((string)told["origin"]!, (string)told["first"]!);
            return new ShipCursor(
                log, (long)told["next"]!, Enum.Parse<ShipStatus>((string)told["state"]!), (string)told["message"]!,
                (DateTimeOffset)told["at"]!);
        }
        catch (Exception fault) when (fault is JsonException or IOException or UnauthorizedAccessException
            or ArgumentException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Where every one of these destinations is beyond, in that log: 0 where one has no cursor.</summary>
    internal static long Least(string auditFolder, LogIdentity log, IEnumerable<string> names) => names
        .Select(name => Read(auditFolder, name) is { } cursor && cursor.Log == log ? cursor.Next : 0)
        .DefaultIfEmpty(long.MaxValue).Min();

    /// <summary>Writes it over the one before.</summary>
    /// <exception cref="IOException">The disk failed; the one before is still there.</exception>
    internal void Save(string auditFolder, string name)
    {
        JsonObject told = new()
        {
            ["v"] = 1,
            ["origin"] = Log.Origin,
            ["first"] = Log.First,
            ["next"] = Next,
            ["state"] = State.ToString(),
            ["message"] = Message,
            ["at"] = At,
        };
        string path = Path.Combine(FolderOf(auditFolder), name + Ending);
        using (FileStream file = new(path + ".new", FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, told);
            file.Flush(flushToDisk: true);
        }

        File.Move(path + ".new", path, overwrite: true);
    }
}
