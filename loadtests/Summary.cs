using System.Globalization;
using System.Text.Json;

namespace Countersign.LoadTests;

/// <summary>What a run came to.</summary>
internal sealed class Summary
{
    private const int ViolationsShownMax = 20;

    private readonly CallResult[] _calls;
    private readonly double[] _latencies;
    private readonly LoadOptions _options;
    private readonly TimeSpan _elapsed;
    private readonly long _auditEntries;
    private readonly List<string> _violations;

    internal Summary(
        LoadOptions options, CallResult[] calls, TimeSpan elapsed, long auditEntries, IEnumerable<string> violations)
    {
        _options = options;
        _calls = calls;
        _latencies = [.. calls.Select(call => call.LatencyMilliseconds).Order()];
        _elapsed = elapsed;
        _auditEntries = auditEntries;
        _violations = [.. calls.Select(call => call.Violation).OfType<string>(), .. violations];
        if (options.BudgetMilliseconds is { } budget && Percentile(0.99) > budget)
        {
            _violations.Add($"p99 is {Text(Percentile(0.99))} ms, above the budget of {budget} ms");
        }
    }

    /// <summary>True if nothing is wrong.</summary>
    internal bool IsSound => _violations.Count == 0;

    /// <summary>Prints a table for people or a line for machines.</summary>
    internal void Print(TextWriter output)
    {
        if (_options.IsJson) output.WriteLine(ToJson());
        else PrintTable(output);
    }

    private double Rate => _calls.Length / _elapsed.TotalSeconds;

    private int Answered(string kind) => _calls.Count(call => call.Kind.Name == kind && call.Call != Guid.Empty);

    // The value that this share of the calls did not exceed.
    private double Percentile(double share) =>
        _latencies[Math.Clamp((int)Math.Ceiling(share * _latencies.Length) - 1, 0, _latencies.Length - 1)];

    private void PrintTable(TextWriter output)
    {
        output.WriteLine($"calls       {_calls.Length} at {_options.Rate}/s; answered at {Text(Rate)}/s");
        string kinds = $"{Answered("read")} reads, {Answered("refund")} refunds paused, {Answered("denied")} denied";
        output.WriteLine("            " + kinds);
        output.WriteLine(
            $"latency ms  p50 {Text(Percentile(0.5))}  p99 {Text(Percentile(0.99))}  p99.9 {Text(Percentile(0.999))}"
            + $"  max {Text(_latencies[^1])}");
        string budget = _options.BudgetMilliseconds?.ToString(CultureInfo.InvariantCulture) ?? "not enforced";
        output.WriteLine($"budget ms   {budget}");
        output.WriteLine($"audit       {_auditEntries} entries proven");
        output.WriteLine($"errors      {_violations.Count}");
        foreach (string violation in _violations.Take(ViolationsShownMax)) output.WriteLine("  " + violation);
        if (_violations.Count > ViolationsShownMax) output.WriteLine("  ...");
    }

    private string ToJson() => JsonSerializer.Serialize(new
    {
        rate = _options.Rate,
        calls = _calls.Length,
        answered_per_second = Math.Round(Rate, 2),
        p50_ms = Math.Round(Percentile(0.5), 3),
        p99_ms = Math.Round(Percentile(0.99), 3),
        p999_ms = Math.Round(Percentile(0.999), 3),
        max_ms = Math.Round(_latencies[^1], 3),
        budget_ms = _options.BudgetMilliseconds,
        audit_entries = _auditEntries,
        errors = _violations.Count,
        violations = _violations.Take(ViolationsShownMax),
    });

    private static string Text(double number) => number.ToString("0.00", CultureInfo.InvariantCulture);
}
