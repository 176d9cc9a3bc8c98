using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Garnet;
using Garnet.server;
using Garnet.server.Auth.Settings;
using Microsoft.Extensions.Logging;
using Tsavorite.core;

namespace Countersign.Cli.Store;

/// <summary>
/// A Redis-compatible store in this process, for one machine: Garnet on a loopback port with a password nobody else
/// has, kept in a folder. An answer is given only after the write is in the append-only file.
/// </summary>
internal sealed class EmbeddedStore : IAsyncDisposable
{
    // Another process may take the port between its choice and its use.
    private const int PortTriesMax = 8;
    private const int PasswordBytes = 32;
    private const int EpochBytes = 16;

    // A connection that waits for the commit, or for a script's locks, holds a thread of the pool. The pool adds one or
    // two a second: with fewer than this at hand on two cores, fifty claims at once took five seconds instead of a few
    // milliseconds.
    private const int ThreadsMin = 64;

    private readonly GarnetServer _server;
    private readonly FileStream _holding;

    private EmbeddedStore(GarnetServer server, FileStream holding, string connection, int port, string epoch)
    {
        _server = server;
        _holding = holding;
        Connection = connection;
        Port = port;
        Epoch = epoch;
    }

    /// <summary>
    /// This start, as approvals are bound to it. Garnet has no replication id; a start that follows a stop in good
    /// order goes on with the last one, for nothing can have been lost between the two (decision 0042).
    /// </summary>
    public string Epoch { get; }

    /// <summary>A StackExchange.Redis connection string. It holds the password: never log it.</summary>
    public string Connection { get; }

    /// <summary>The loopback port.</summary>
    public int Port { get; }

    /// <summary>Starts the store on what <paramref name="folder"/> holds; makes the folder if there is none.</summary>
    /// <param name="folder">Where its data lies; readable by this user alone. Only one process may use it.</param>
    /// <param name="loggers">Where Garnet logs; null for nowhere.</param>
    /// <exception cref="IOException">The folder is in use by another process, or cannot be written.</exception>
    public static async Task<EmbeddedStore> StartAsync(string folder, ILoggerFactory? loggers = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string path = Path.GetFullPath(folder);
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(PasswordBytes));

        // Recovery reads the folder, so it is kept off the caller's thread.
        return await Task.Run(() => Start(path, password, loggers));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Task.Run(_server.Dispose);
        await File.WriteAllTextAsync(StoppedFile(Path.GetDirectoryName(_holding.Name)!), Epoch);
        await _holding.DisposeAsync();
    }

    private static EmbeddedStore Start(string folder, string password, ILoggerFactory? loggers)
    {
        // Two servers on one folder would each overwrite what the other appends; Garnet itself does not look.
        var holding = new FileStream(
            Path.Combine(folder, "in-use"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        for (int attempt = 1; ; attempt++)
        {
            int port = FreePort();
            GarnetServer? server = null;
            try
            {
                server = new GarnetServer(Options(folder, password, port), loggers);
                server.Start();
                string connection = $"127.0.0.1:{port},password={password}";
                return new EmbeddedStore(server, holding, connection, port, TakeEpoch(folder));
            }
            catch (Exception fault)
            {
                server?.Dispose();
                if (fault is SocketException && attempt < PortTriesMax) continue;
                holding.Dispose();
                throw;
            }
        }
    }

    // Gone as soon as it is read: a start that does not end in good order leaves none.
    private static string TakeEpoch(string folder)
    {
        string file = StoppedFile(folder);
        string epoch = File.Exists(file) ? File.ReadAllText(file) : "";
        File.Delete(file);
        return epoch.Length > 0 ? epoch : Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(EpochBytes));
    }

    private static string StoppedFile(string folder) => Path.Combine(folder, "stopped-in-order");

    private static GarnetServerOptions Options(string folder, string password, int port) => new()
    {
        EndPoints = [new IPEndPoint(IPAddress.Loopback, port)],
        AuthSettings = new PasswordAuthenticationSettings(password),
        QuietMode = true,
        ThreadPoolMinThreads = ThreadsMin,

        // Without transactions Garnet runs scripts of different sessions side by side. With them it locks the keys that
        // a script declares while it runs (docs/decisions/0005).
        EnableLua = true,
        LuaTransactionMode = true,
        LuaOptions = new LuaOptions(
            LuaMemoryManagementMode.Native, "", Timeout.InfiniteTimeSpan, LuaLoggingMode.Silent, []),

        // Answers wait for the append-only file; once that has grown, a checkpoint takes its place.
        EnableAOF = true,
        WaitForCommit = true,
        AofSizeLimit = "64m",
        Recover = true,
        FailOnRecoveryError = true,
        EnableStorageTier = true,
        LogDir = folder,
        CheckpointDir = folder,
        DeviceType = DeviceType.RandomAccess,

        // For one machine: some hundred megabytes less than Garnet takes by itself. The file's pages must be twice the
        // log's.
        LogMemorySize = "64m",
        PageSize = "4m",
        SegmentSize = "64m",
        IndexMemorySize = "4m",
        AofMemorySize = "32m",
        AofPageSize = "8m",
        AofSegmentSize = "64m",
        PubSubPageSize = "64k",
    };

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
