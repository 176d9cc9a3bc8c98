using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>What a command that ended left behind.</summary>
public sealed record CommandEnd(int ExitCode, string Output, string Errors);

/// <summary>
/// The real program in a process of its own. Whatever becomes of the tests, it ends with them: by SIGTERM where a test
/// stops it, and killed by its id when the test process ends first.
/// </summary>
public sealed class CountersignProcess : IAsyncDisposable
{
    /// <summary>How long a test waits for what must happen before it fails.</summary>
    public static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(45);

    private static readonly ConcurrentDictionary<CountersignProcess, byte> Living = new();

    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    static CountersignProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (CountersignProcess left in Living.Keys) left._process.Kill();
    };

    private CountersignProcess(Process process)
    {
        _process = process;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors) _errors.AppendLine(line.Data);
        };
        process.Start();
        Living.TryAdd(this, 0);
        process.BeginErrorReadLine();
    }

    /// <summary>The line of JSON that it printed when it was ready.</summary>
    public JsonObject Ready { get; private set; } = [];

    /// <summary>The memory it has in the machine's, bytes, as the kernel counts it.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>What it logged so far.</summary>
    public string Errors
    {
        get
        {
            lock (_errors) return _errors.ToString();
        }
    }

    /// <summary>Starts a server command and waits until it is ready; fails the test where it ends instead.</summary>
    public static async Task<CountersignProcess> StartAsync(
        IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        CountersignProcess started = new(Create(environment, [.. arguments, "--json"]));
        using CancellationTokenSource patience = new(PatienceMax);
        string? line = await started._process.StandardOutput.ReadLineAsync(patience.Token);
        if (line is null)
        {
            await started.DisposeAsync();
            Assert.Fail($"countersign {string.Join(' ', arguments)} did not start: {started.Errors}");
        }

        started.Ready = JsonNode.Parse(line)!.AsObject();
        return started;
    }

    /// <summary>Runs a command to its end.</summary>
    public static Task<CommandEnd> RunAsync(params string[] arguments) => RunAsync([], arguments);

    /// <summary>Runs a command to its end with more environment variables.</summary>
    public static async Task<CommandEnd> RunAsync(Dictionary<string, string> environment, params string[] arguments)
    {
        await using CountersignProcess started = new(Create(environment, arguments));
        started._process.StandardInput.Close();
        using CancellationTokenSource patience = new(PatienceMax);
        string output = await started._process.StandardOutput.ReadToEndAsync(patience.Token);
        await started._process.WaitForExitAsync(patience.Token);
        return new(started._process.ExitCode, output, started.Errors);
    }

    /// <summary>Runs a command, and asks it to end once it has said enough.</summary>
    public static async Task<CommandEnd> StopWhenAsync(Func<CommandEnd, bool> isTime, params string[] arguments)
    {
        await using CountersignProcess started = new(Create(new Dictionary<string, string>(), arguments));
        StringBuilder output = new();
        Task reading = ReadAsync();
        using CancellationTokenSource patience = new(PatienceMax);
        while (!isTime(Told(0)) && !started._process.HasExited) await Task.Delay(50, patience.Token);
        if (!started._process.HasExited) await started.TerminateAsync();
        int exitCode = await started.ExitAsync();
        await reading;
        return Told(exitCode);

        async Task ReadAsync()
        {
            while (await started._process.StandardOutput.ReadLineAsync() is { } line)
            {
                lock (output) output.AppendLine(line);
            }
        }

        CommandEnd Told(int code)
        {
            lock (output) return new(code, output.ToString(), started.Errors);
        }
    }

    /// <summary>Runs a command and kills it when told, unless it ended before.</summary>
    public static async Task KillWhenAsync(
        Dictionary<string, string> environment, CancellationToken when, params string[] arguments)
    {
        await using CountersignProcess started = new(Create(environment, arguments));
        try
        {
            await started._process.WaitForExitAsync(when);
        }
        catch (OperationCanceledException)
        {
            await started.KillAsync();
        }
    }

    /// <summary>Asks it to drain and end.</summary>
    public Task TerminateAsync() => SignalAsync("TERM");

    /// <summary>Asks it to read its files again.</summary>
    public Task HangUpAsync() => SignalAsync("HUP");

    /// <summary>Kills it: nothing of it runs on, and nothing is told to anybody.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Waits for its end; the exit code.</summary>
    public async Task<int> ExitAsync()
    {
        using CancellationTokenSource patience = new(PatienceMax);
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    /// <summary>Drains it and waits for its end; the exit code.</summary>
    public async Task<int> StopAsync()
    {
        if (!_process.HasExited) await TerminateAsync();
        return await ExitAsync();
    }

    private async Task SignalAsync(string signal)
    {
        string id = _process.Id.ToString(CultureInfo.InvariantCulture);
        using Process kill = Process.Start("sh", ["-c", $"kill -{signal} {id}"]);
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!Living.TryRemove(this, out _)) return;
        try
        {
            await StopAsync();
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static Process Create(IReadOnlyDictionary<string, string> environment, string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "countersign.dll");
        ProcessStartInfo start = new("dotnet", [program, .. arguments])
        {
            // Not where the tests run: a command without --config looks for a file in its own folder.
            WorkingDirectory = Path.GetTempPath(),
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string name in start.Environment.Keys.ToArray())
        {
            if (name.StartsWith("COUNTERSIGN", StringComparison.OrdinalIgnoreCase)) start.Environment.Remove(name);
        }

        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return new Process { StartInfo = start };
    }
}
