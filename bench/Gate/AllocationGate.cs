using System.Globalization;
using System.Text.Json;
using Countersign.Bench.Operations;

namespace Countersign.Bench.Gate;

/// <summary>Fails when an operation allocates more than the baseline says, or a hot method is covered by
/// none.</summary>
internal static class AllocationGate
{
    /// <summary>Measures everything and compares it with the baseline, or writes a new one.</summary>
    /// <returns>0 if nothing grew; 1 otherwise.</returns>
    internal static async Task<int> RunAsync(string baselineFile, bool updates, TextWriter output, TimeProvider clock)
    {
        if (!TryRead(baselineFile, updates, output, out Baseline baseline)) return 1;
        IReadOnlySet<string> hotMethods = HotMethods.Find();
        List<Allocation> measured = [];
        int failures = 0;
        Write(output, "operation", "B/op", "baseline", "");
        foreach (CatalogueEntry entry in Catalogue.All)
        {
            Allocation allocation = await AllocationMeter.MeasureAsync(entry, clock);
            measured.Add(allocation);
            string? fault = updates ? null : Judge(allocation, baseline);
            if (fault is not null) failures++;
            bool isKnown = baseline.Operations.TryGetValue(entry.Name, out double before);
            Write(output, entry.Name, Number(allocation.Bytes), isKnown ? Number(before) : "-", fault ?? "ok");
        }

        if (updates) baseline.Update(measured, hotMethods);
        foreach (string fault in CoverageFaults(baseline, hotMethods))
        {
            output.WriteLine(fault);
            failures++;
        }

        output.WriteLine("allocations: " + (failures == 0 ? "within the baseline" : $"{failures} rows are wrong"));
        return failures == 0 ? 0 : 1;
    }

    private static bool TryRead(string file, bool updates, TextWriter output, out Baseline baseline)
    {
        baseline = new Baseline(file);
        if (updates && !File.Exists(file)) return true;
        try
        {
            baseline = Baseline.Read(file);
            return true;
        }
        catch (Exception fault)
            when (fault is IOException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            output.WriteLine($"{file} cannot be read: {fault.Message}");
            return false;
        }
    }

    private static string? Judge(in Allocation allocation, Baseline baseline)
    {
        if (!baseline.Operations.TryGetValue(allocation.Operation, out double before)) return "has no row";
        return allocation.Exceeds(before) ? "GREW past " + Number(allocation.Limit(before)) : null;
    }

    private static IEnumerable<string> CoverageFaults(Baseline baseline, IReadOnlySet<string> hotMethods)
    {
        foreach (string method in hotMethods)
        {
            bool hasRow = baseline.HotPath.TryGetValue(method, out string? operation);
            if (!hasRow) yield return $"[HotPath] {method} has no row";
            else if (!IsMeasured(operation!)) yield return $"{method} is covered by '{operation}', not measured";
        }

        foreach (string row in baseline.HotPath.Keys.Where(row => !hotMethods.Contains(row)))
        {
            yield return $"{row} has a row but is not marked [HotPath]";
        }

        foreach (string row in baseline.Operations.Keys.Where(row => !IsMeasured(row)))
        {
            yield return $"{row} has a row but is not measured";
        }
    }

    private static bool IsMeasured(string operation) => Catalogue.All.Any(entry => entry.Name == operation);

    private static void Write(TextWriter output, string operation, string measured, string before, string verdict)
    {
        output.WriteLine($"{operation,-22} {measured,12} {before,12}  {verdict}".TrimEnd());
        output.Flush();
    }

    private static string Number(double bytes) => bytes.ToString("0.00", CultureInfo.InvariantCulture);
}
