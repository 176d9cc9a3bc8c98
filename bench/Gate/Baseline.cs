using System.Text.Json;
using System.Text.Json.Nodes;

namespace Countersign.Bench.Gate;

/// <summary><c>baseline.json</c>: bytes allocated per operation, and which operation covers each hot method.</summary>
internal sealed class Baseline(string file)
{
    // The file is read by people, in diffs.
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Bytes per operation, by operation.</summary>
    internal SortedDictionary<string, double> Operations { get; private set; } = new(StringComparer.Ordinal);

    /// <summary>The covering operation, by hot method, written <c>Type.Method</c>.</summary>
    internal SortedDictionary<string, string> HotPath { get; private set; } = new(StringComparer.Ordinal);

    /// <summary>Reads the file.</summary>
    /// <exception cref="JsonException">It is not what this class writes.</exception>
    internal static Baseline Read(string file)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
        Baseline baseline = new(file);
        foreach (JsonProperty row in document.RootElement.GetProperty("operations").EnumerateObject())
        {
            baseline.Operations.Add(row.Name, row.Value.GetDouble());
        }

        foreach (JsonProperty row in document.RootElement.GetProperty("hotPath").EnumerateObject())
        {
            baseline.HotPath.Add(row.Name, row.Value.GetString() ?? "");
        }

        return baseline;
    }

    /// <summary>Writes new numbers. Rows of hot methods that are gone are dropped; the others stay as they
    /// are.</summary>
    internal void Update(IEnumerable<Allocation> measured, IReadOnlySet<string> hotMethods)
    {
        Operations = new(measured.ToDictionary(one => one.Operation, one => one.RoundedBytes), StringComparer.Ordinal);
        List<string> gone = [.. HotPath.Keys.Where(method => !hotMethods.Contains(method))];
        foreach (string method in gone) HotPath.Remove(method);
        JsonObject operations = [], hotPath = [];
        foreach (CatalogueOrder row in InOrder()) operations[row.Name] = row.Bytes;
        foreach ((string method, string operation) in HotPath) hotPath[method] = operation;
        JsonObject root = new() { ["operations"] = operations, ["hotPath"] = hotPath };
        File.WriteAllText(file, root.ToJsonString(Indented) + "\n");
    }

    private IEnumerable<CatalogueOrder> InOrder() =>
        Bench.Operations.Catalogue.All.Where(entry => Operations.ContainsKey(entry.Name))
            .Select(entry => new CatalogueOrder(entry.Name, Operations[entry.Name]));

    private readonly record struct CatalogueOrder(string Name, double Bytes);
}
