using System.Text.Json;

namespace Countersign.Architecture.Tests;

public sealed class HotPathTests
{
    private const string Mark = "Countersign.HotPathAttribute";

    [Fact]
    public void Hot_methods_obey_rule_9()
    {
        // Proves by IL that no marked method calls LINQ, captures in a lambda, boxes, or makes a string.
        Found.Nothing(
            from image in AssemblyImage.Ours
            from method in image.Methods.Marked(Mark)
            from cost in image.Methods.Costs(method.Method).Distinct()
            select method.Name + " " + cost);
    }

    [Fact]
    public void Hot_methods_are_there()
    {
        // Proves that the rule before looks at something: each assembly on the way of a call has marked methods.
        string[] onTheWay = ["Policy", "Identity", "Masking", "Audit", "DataPlane"];
        Found.Nothing(onTheWay.Where(name => !AssemblyImage.Of(name).Methods.Marked(Mark).Any()));
    }

    [Fact]
    public void Every_hot_method_has_its_baseline()
    {
        // Proves that bench/baseline.json measures each marked method: its row names an operation with its bytes.
        Assert.True(Repository.Has("bench/baseline.json"), "there is no bench/baseline.json");
        using JsonDocument baseline = JsonDocument.Parse(Repository.Read("bench/baseline.json"));
        Dictionary<string, double> operations = baseline.RootElement.GetProperty("operations").EnumerateObject()
            .ToDictionary(row => row.Name, row => row.Value.GetDouble());
        Dictionary<string, string> covering = baseline.RootElement.GetProperty("hotPath").EnumerateObject()
            .ToDictionary(row => row.Name, row => row.Value.GetString() ?? "");
        Found.Nothing(operations.Where(row => row.Value < 0).Select(row => row.Key + " has less than no bytes"));
        Found.Nothing(
            from image in AssemblyImage.Ours
            from name in image.Methods.Marked(Mark).Select(method => method.Name).Distinct()
            where !operations.ContainsKey(covering.GetValueOrDefault(name, name))
            select "bench/baseline.json has no row for " + name);
    }

    [Theory]
    [InlineData(nameof(CostlyMethods.UsesLinq), "calls LINQ: Sum")]
    [InlineData(nameof(CostlyMethods.Captures), "captures in a lambda")]
    [InlineData(nameof(CostlyMethods.Boxes), "boxes System.Int32")]
    [InlineData(nameof(CostlyMethods.Interpolates), "interpolates a string")]
    [InlineData(nameof(CostlyMethods.Formats), "makes a string: Format")]
    [InlineData(nameof(CostlyMethods.WaitsThenBoxesAsync), "boxes System.Int32")]
    [InlineData(nameof(CostlyMethods.Switches), "boxes System.Int64")]
    [InlineData(nameof(CostlyMethods.IsPlain), null)]
    public void Sees_what_a_method_costs(string name, string? cost)
    {
        // Proves on methods that each do one such thing that the reading of IL finds it, behind an await or a switch
        // too.
        var image = new AssemblyImage("Countersign.Architecture.Tests");
        var method = image.Methods.All().Single(method => method.Name == nameof(CostlyMethods) + "." + name);
        string[] costs = [.. image.Methods.Costs(method.Method)];
        if (cost is null) Assert.Empty(costs);
        else Assert.Contains(cost, costs);
    }
}
