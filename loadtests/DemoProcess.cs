using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Countersign.LoadTests;

/// <summary><c>countersign demo</c> as a child process, on free loopback ports, in a folder of its own.</summary>
internal sealed class DemoProcess : IAsyncDisposable
{
    private const int TailLinesMax = 40;
    private static readonly TimeSpan StartWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(45);

    private readonly Process _process;
    private readonly DirectoryInfo _folder;
    private readonly Queue<string> _errors = new();

    private DemoProcess(Process process, DirectoryInfo folder)
    {
        _process = process;
        _folder = folder;
    }

    /// <summary>Where callers connect.</summary>
    internal Uri Data { get; private set; } = null!;

    /// <summary>The functions themselves, unguarded.</summary>
    internal Uri Upstream { get; private set; } = null!;

    /// <summary>The audit log's folder.</summary>
    internal string AuditFolder { get; private set; } = "";

    /// <summary>Tokens, by user.</summary>
    internal IReadOnlyDictionary<string, string> Tokens { get; private set; } = new Dictionary<string, string>();

    /// <summary>Starts it and waits until it says that it is ready.</summary>
    /// <exception cref="InvalidOperationException">It ended instead, or said nothing in time.</exception>
    internal static async Task<DemoProcess> StartAsync(string assembly)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("countersign-load-");
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            assembly, "demo", "--json", "--data", "127.0.0.1:0", "--control", "127.0.0.1:0", "--issuer", "127.0.0.1:0",
            "--upstream", "127.0.0.1:0", "--dir", folder.FullName,
        ];
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        Process process = Process.Start(start) ?? throw new InvalidOperationException("the demo does not start");
        DemoProcess demo = new(process, folder);
        process.ErrorDataReceived += (_, line) => demo.Note(line.Data);
        process.BeginErrorReadLine();
        try
        {
            await demo.ReadAddressesAsync();
            return demo;
        }
        catch
        {
            await demo.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks it to drain and end (SIGTERM).</summary>
    /// <returns>Its exit code; -1 if it had to be killed.</returns>
    internal async Task<int> StopAsync()
    {
        if (_process.HasExited) return _process.ExitCode;
        string id = _process.Id.ToString(CultureInfo.InvariantCulture);
        using (Process signal = Process.Start("kill", ["-TERM", id]))
        {
            await signal.WaitForExitAsync();
        }

        try
        {
            await _process.WaitForExitAsync().WaitAsync(StopWithin);
            return _process.ExitCode;
        }
        catch (TimeoutException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            return -1;
        }
    }

    /// <summary>The last of what it wrote to standard error.</summary>
    internal string Errors()
    {
        lock (_errors) return string.Join('\n', _errors);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task ReadAddressesAsync()
    {
        string? line;
        try
        {
            line = await _process.StandardOutput.ReadLineAsync().WaitAsync(StartWithin);
        }
        catch (TimeoutException)
        {
            throw new InvalidOperationException("the demo did not get ready in time\n" + Errors());
        }

        if (line is null) throw new InvalidOperationException("the demo ended before it was ready\n" + Errors());
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement root = document.RootElement;
        Data = new Uri(root.GetProperty("data").GetString()!);
        Upstream = new Uri(root.GetProperty("upstream").GetString()!);
        AuditFolder = root.GetProperty("audit").GetString()!;
        Tokens = root.GetProperty("tokens").EnumerateObject()
            .ToDictionary(token => token.Name, token => token.Value.GetString()!, StringComparer.Ordinal);
    }

    private void Note(string? line)
    {
        if (line is null) return;
        lock (_errors)
        {
            if (_errors.Count == TailLinesMax) _errors.Dequeue();
            _errors.Enqueue(line);
        }
    }
}
