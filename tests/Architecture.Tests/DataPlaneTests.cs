using System.Text.RegularExpressions;

namespace Countersign.Architecture.Tests;

public sealed partial class DataPlaneTests
{
    private static readonly Dictionary<string, string[]> Below = new()
    {
        ["Transport"] = ["Calls", "Sockets", "Http", "Tls"],
        ["Calls"] = ["Upstream", "Mcp", "Sockets", "Http"],
        ["Upstream"] = ["Sockets", "Http", "Tls"],
        ["Mcp"] = ["Http"],
        ["Sockets"] = [],
        ["Http"] = [],
        ["Tls"] = [],
    };

    private static readonly string[] Assemblies =
    [
        "Microsoft.AspNetCore.Connections.Abstractions", "Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets",
    ];

    [Fact]
    public void Folders_use_only_what_is_below_them()
    {
        // Proves by usings and qualified names that Transport, Calls, Upstream, Mcp, Sockets, Http and Tls keep their
        // order.
        Found.Nothing(Repository.Sources("src/DataPlane").SelectMany(UpwardUses));
        Found.Nothing(Repository.Sources("src/DataPlane").Select(FolderOf)
            .Where(folder => folder.Length > 0 && !Below.ContainsKey(folder))
            .Select(folder => "no place in the order for src/DataPlane/" + folder));
    }

    [Theory]
    [InlineData("Http", "using Countersign.DataPlane.Calls;")]
    [InlineData("Upstream", "using Verdict = Countersign.DataPlane.Calls.Verdict;")]
    [InlineData("Mcp", "class A { Upstream.EndpointPool pool; }")]
    [InlineData("Transport", "class A { object a = new DataPlane.Upstream.SocketDialer(); }")]
    public void Sees_a_use_upward(string folder, string code)
    {
        // Proves that the rule before finds each way to name a type further up.
        Assert.NotEmpty(UpwardUses(new SourceFile("src/DataPlane/" + folder + "/A.cs", code)));
    }

    [Theory]
    [InlineData("Calls", "using Countersign.DataPlane.Http; using Countersign.DataPlane.Upstream;")]
    [InlineData("Http", "using System.Net; class A { int a = call.Calls.Count; string b = \"Calls.Verdict\"; }")]
    public void Lets_a_use_downward_pass(string folder, string code)
    {
        // Proves that the rule before takes what is below, members of the same name, and what strings hold.
        Assert.Empty(UpwardUses(new SourceFile("src/DataPlane/" + folder + "/A.cs", code)));
    }

    [Fact]
    public void The_http_stack_stays_out()
    {
        // Proves by IL that the data plane needs connections and sockets of ASP.NET, and none of its HTTP stack.
        Found.Nothing(AssemblyImage.Of("DataPlane").References
            .Where(reference => !Assemblies.Contains(reference) && !IsPlain(reference))
            .Select(reference => "Countersign.DataPlane uses " + reference));
    }

    private static bool IsPlain(string reference) =>
        reference != "System.Net.Http"
        && (reference.StartsWith("System.", StringComparison.Ordinal)
            || reference.StartsWith("Countersign.", StringComparison.Ordinal)
            || (reference.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal)
                && !reference.Contains("Http", StringComparison.Ordinal)));

    private static IEnumerable<string> UpwardUses(SourceFile file)
    {
        if (!Below.TryGetValue(FolderOf(file), out string[]? below)) yield break;
        foreach (Match match in FolderName().Matches(file.Code))
        {
            string used = match.Groups["folder"].Value;
            if (used != FolderOf(file) && !below.Contains(used)) yield return file.Cite(file.LineOf(match.Index));
        }
    }

    /// <summary>The folder inside the data plane; empty for its root, which composes and may use all.</summary>
    private static string FolderOf(SourceFile file)
    {
        string[] parts = file.Path.Split('/');
        return parts.Length > 3 ? parts[2] : "";
    }

    [GeneratedRegex(
        @"(?<![\w.])(Countersign\.)?(DataPlane\.)?"
        + @"(?<folder>Transport|Calls|Upstream|Mcp|Sockets|Http|Tls)(?=\.[A-Z]|\s*;)")]
    private static partial Regex FolderName();
}
