using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Countersign.Cli.Store;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>A store of its own for one test class.</summary>
public abstract class StoreServer : IAsyncLifetime
{
    /// <summary>How long a test waits for what must happen before it fails.</summary>
    public static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(20);

    /// <summary>Where the store keeps its data.</summary>
    protected string Folder { get; } = Directory.CreateTempSubdirectory("countersign-store-").FullName;

    /// <summary>How to reach it.</summary>
    public abstract string Connection { get; }

    /// <summary>Starts it on what the folder holds.</summary>
    public abstract Task StartAsync();

    /// <summary>Stops it.</summary>
    public abstract Task StopAsync();

    public async ValueTask InitializeAsync() => await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Empties it.</summary>
    public virtual Task ResetAsync() => CommandAsync("FLUSHALL");

    /// <summary>Sends a command that the gateway itself never sends.</summary>
    public async Task<RedisResult> CommandAsync(string command, params object[] arguments)
    {
        await using ConnectionMultiplexer connection =
            await ConnectionMultiplexer.ConnectAsync(Connection + ",allowAdmin=true");
        return await connection.GetDatabase().ExecuteAsync(command, arguments);
    }

    /// <summary>Every value that it holds, as Latin-1, to look for what must not be there.</summary>
    public async Task<IReadOnlyList<string>> ValuesAsync()
    {
        await using ConnectionMultiplexer connection =
            await ConnectionMultiplexer.ConnectAsync(Connection + ",allowAdmin=true");
        IDatabase database = connection.GetDatabase();
        List<string> values = [];
        foreach (RedisKey key in (RedisKey[])(await database.ExecuteAsync("KEYS", "*"))!)
        {
            RedisValue[] found = await database.KeyTypeAsync(key) switch
            {
                RedisType.String => [await database.StringGetAsync(key)],
                RedisType.Hash => await database.HashValuesAsync(key),
                RedisType.SortedSet => await database.SortedSetRangeByRankAsync(key),
                RedisType.List => await database.ListRangeAsync(key),
                _ => [],
            };
            values.AddRange(found.Select(one => Encoding.Latin1.GetString((byte[]?)one ?? [])));
        }

        Assert.NotEmpty(values);
        return values;
    }
}

/// <summary>Debian's redis-server on a free loopback port.</summary>
public sealed class RedisServer : StoreServer
{
    private readonly int _port = FreePort();
    private Process? _process;

    public override string Connection => $"127.0.0.1:{_port}";

    public override async Task StartAsync()
    {
        string[] arguments =
        [
            "--port", $"{_port}", "--bind", "127.0.0.1", "--dir", Folder, "--save", "", "--appendonly", "no",
            "--enable-debug-command", "local", "--daemonize", "no",
        ];
        var start = new ProcessStartInfo("redis-server", arguments) { RedirectStandardOutput = true };
        try
        {
            _process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Fail("install redis-server");
        }

        using var patience = new CancellationTokenSource(PatienceMax);
        while (await _process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.Contains("Ready to accept connections", StringComparison.Ordinal)) break;
        }

        Assert.False(_process.HasExited, "redis-server did not start");
        _ = _process.StandardOutput.ReadToEndAsync(CancellationToken.None);
    }

    public override async Task StopAsync()
    {
        if (_process is null) return;
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>
    /// Lets it stand still, with its connections open: what is sent to it is taken by the kernel and never answered.
    /// </summary>
    public Task StandStillAsync() => SignalAsync("STOP");

    /// <summary>Lets it go on.</summary>
    public Task GoOnAsync() => SignalAsync("CONT");

    private async Task SignalAsync(string signal)
    {
        string id = _process!.Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
        using Process kill = Process.Start("sh", ["-c", $"kill -{signal} {id}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}

/// <summary>The embedded store; after a restart it has another port and password.</summary>
public sealed class GarnetServer : StoreServer
{
    private EmbeddedStore? _store;

    public override string Connection => _store!.Connection;

    public override async Task StartAsync()
    {
        _store = await EmbeddedStore.StartAsync(Folder);
        await BeginEpochAsync(_store.Epoch);
    }

    public override async Task ResetAsync()
    {
        await base.ResetAsync();
        await BeginEpochAsync(_store!.Epoch);
    }

    /// <summary>As a start of the store that nobody stopped in good order.</summary>
    public async Task BeginEpochAsync(string epoch)
    {
        await using RedisStore store = await RedisStore.ConnectAsync(Connection, NullLogger.Instance);
        Assert.True(await store.BeginEpochAsync(epoch));
    }

    public override async Task StopAsync()
    {
        if (_store is not null) await _store.DisposeAsync();
        _store = null;
    }
}
