using System.ComponentModel;
using System.Diagnostics;
using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Policies;

/// <summary>Published schemas, held against documents by a validator that is not ours (Ajv).</summary>
internal static class JsonSchemaCheck
{
    private const string Remedy = "run: npm ci --prefix tests/Integration.Tests/json-schema";

    /// <summary>Where a published schema is.</summary>
    internal static string PathOf(string schema) => Path.Combine(ServeSetup.Root(), "schemas", schema);

    /// <summary>What the validator says of each document: <c>valid</c>, or everything that is wrong.</summary>
    internal static async Task<string[]> RunAsync(string schema, IReadOnlyList<string> files)
    {
        string folder = Path.Combine(ServeSetup.Root(), "tests", "Integration.Tests", "json-schema");
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "ajv"))) Assert.Fail(Remedy);
        using Process node = new()
        {
            StartInfo = new ProcessStartInfo("node", ["check.mjs", PathOf(schema), .. files])
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        try
        {
            node.Start();
        }
        catch (Win32Exception)
        {
            Assert.Fail("Node.js 20.19 or later is needed on the path; then " + Remedy);
        }

        Task<string> errors = node.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await node.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Equal("", await errors);
        return output.TrimEnd().Split('\n');
    }
}
