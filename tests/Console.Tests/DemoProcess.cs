using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Countersign.Console.Tests;

/// <summary>The real program in a process of its own; it ends with the tests.</summary>
internal sealed class DemoProcess : IAsyncDisposable
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private DemoProcess(Process process, JsonObject ready)
    {
        _process = process;
        Ready = ready;
    }

    /// <summary>The line of JSON that it printed when it was ready.</summary>
    public JsonObject Ready { get; }

    public static async Task<DemoProcess> StartAsync(params string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "countersign.dll");
        Process process = new()
        {
            StartInfo = new ProcessStartInfo("dotnet", [program, .. arguments, "--json"])
            {
                RedirectStandardOutput = true,
            },
        };
        process.Start();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Kill(process);
        using CancellationTokenSource patience = new(PatienceMax);
        string? line = await process.StandardOutput.ReadLineAsync(patience.Token);
        Assert.True(line is not null, $"countersign {string.Join(' ', arguments)} did not start");
        return new DemoProcess(process, JsonNode.Parse(line)!.AsObject());
    }

    /// <summary>A loopback port that is free now.</summary>
    public static int FreePort()
    {
        using TcpListener probe = new(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using Process signal = Process.Start(
                "kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            await signal.WaitForExitAsync();
        }

        using CancellationTokenSource patience = new(PatienceMax);
        await _process.WaitForExitAsync(patience.Token);
        _process.Dispose();
    }

    private static void Kill(Process process)
    {
        try
        {
            if (!process.HasExited) process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It was disposed of: then it has ended.
        }
    }
}
