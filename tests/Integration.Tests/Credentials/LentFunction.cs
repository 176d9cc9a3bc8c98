using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Credentials;

/// <summary>A function in Node that checks what it is lent with <c>jose</c>, from the published keys alone.</summary>
internal sealed class LentFunction : IAsyncDisposable
{
    private const string Remedy = "run: npm ci --prefix tests/Integration.Tests/lent-function";

    private readonly Process _node;

    private LentFunction(Process node, string endpoint)
    {
        _node = node;
        Endpoint = endpoint;
    }

    /// <summary>Where it listens.</summary>
    public string Endpoint { get; }

    /// <summary>Starts it; a machine without Node.js or its package fails the test and is told what to do.</summary>
    public static async Task<LentFunction> StartAsync(
        string control, string issuer, string audience, string client, string secret)
    {
        string folder = Path.Combine(ServeSetup.Root(), "tests", "Integration.Tests", "lent-function");
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "jose"))) Assert.Fail(Remedy);
        string[] arguments = ["server.mjs", control, issuer, audience, client, secret];
        Process node = new()
        {
            StartInfo = new ProcessStartInfo("node", arguments)
            {
                WorkingDirectory = folder,
                RedirectStandardInput = true, // it ends when this does, however the tests end
                RedirectStandardOutput = true,
            },
        };
        try
        {
            node.Start();
        }
        catch (Win32Exception)
        {
            node.Dispose();
            Assert.Fail("Node.js 20.19 or later is needed on the path; then " + Remedy);
        }

        string? ready = await node.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        Assert.NotNull(ready);
        using JsonDocument line = JsonDocument.Parse(ready);
        return new LentFunction(node, line.RootElement.GetProperty("endpoint").GetString()!);
    }

    public async ValueTask DisposeAsync()
    {
        _node.StandardInput.Close();
        await _node.WaitForExitAsync();
        _node.Dispose();
    }
}
