using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Xunit;

namespace Countersign.Integration.Tests.Shipping;

/// <summary>Debian's PostgreSQL, a cluster of its own on a free loopback port; never run as root, which it refuses.
/// </summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private const string User = "postgres";
    private const string Password = "test-only";

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-postgres-").FullName;
    private readonly int _port = FreePort();
    private Process? _process;
    private int _databases;

    /// <summary>A new database's connection string.</summary>
    internal async Task<string> DatabaseAsync()
    {
        string name = "db" + (++_databases).ToString(CultureInfo.InvariantCulture);
        await RunAsync(Connection("postgres"), "CREATE DATABASE " + name);
        return Connection(name);
    }

    /// <summary>Runs a statement.</summary>
    internal static async Task RunAsync(string connection, string text)
    {
        await using NpgsqlConnection there = new(connection);
        await there.OpenAsync();
        await using NpgsqlCommand command = new(text, there);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The first column of every row.</summary>
    internal static async Task<List<T>> ColumnAsync<T>(string connection, string text)
    {
        await using NpgsqlConnection there = new(connection);
        await there.OpenAsync();
        await using NpgsqlCommand command = new(text, there);
        await using NpgsqlDataReader rows = await command.ExecuteReaderAsync();
        List<T> values = [];
        while (await rows.ReadAsync()) values.Add(rows.GetFieldValue<T>(0));
        return values;
    }

    public async ValueTask InitializeAsync()
    {
        string secret = Path.Combine(_folder, "password");
        await File.WriteAllTextAsync(secret, Password);
        if (IsRoot) await EndAsync(Process.Start("chown", ["-R", User, _folder]));
        await EndAsync(Start(
            "initdb", "-D", Cluster, "-U", User, "--auth=scram-sha-256", "--pwfile", secret, "--no-sync",
            "--encoding=UTF8", "--locale=C"));
        await StartAsync();
    }

    /// <summary>Starts it on what the cluster holds.</summary>
    internal async Task StartAsync()
    {
        _process = Start(
            "postgres", "-D", Cluster, "-p", _port.ToString(CultureInfo.InvariantCulture),
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off");
        await EndToEnd.Until.TrueAsync(async () =>
        {
            try
            {
                await RunAsync(Connection("postgres"), "SELECT 1");
                return true;
            }
            catch (NpgsqlException)
            {
                Assert.False(_process.HasExited, "postgres did not start");
                return false;
            }
        });
    }

    /// <summary>Ends it at once, as a crash would.</summary>
    internal async Task StopAsync()
    {
        if (_process is null) return;
        string id = _process.Id.ToString(CultureInfo.InvariantCulture);
        await EndAsync(Process.Start("sh", ["-c", $"kill -QUIT {id}"]));
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static bool IsRoot => Environment.UserName == "root";

    private string Cluster => Path.Combine(_folder, "cluster");

    private string Connection(string database) =>
        $"Host=127.0.0.1;Port={_port};Database={database};Username={User};Password={Password};Pooling=false";

    private static Process Start(string program, params string[] arguments)
    {
        string? path = Directory.Exists("/usr/lib/postgresql")
            ? Directory.EnumerateDirectories("/usr/lib/postgresql")
                .Select(version => Path.Combine(version, "bin", program)).Where(File.Exists)
                .Order(StringComparer.Ordinal).LastOrDefault()
            : null;
        if (path is null) Assert.Fail("install postgresql");
        ProcessStartInfo start = IsRoot
            ? new("setpriv", ["--reuid", User, "--regid", User, "--clear-groups", path, .. arguments])
            : new(path, arguments);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.WorkingDirectory = "/";
        Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static async Task EndAsync(Process process)
    {
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        process.Dispose();
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
