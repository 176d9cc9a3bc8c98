using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>
/// The connection to the store. Nothing here throws for a store that is away or refuses: the question is unanswered,
/// which callers see as <see cref="StoreStatus.Unavailable"/>. Safe for concurrent use; one per process.
/// </summary>
public sealed partial class RedisStore : IAsyncDisposable
{
    // A call in doubt is refused, so the wait is short: long enough for a Sentinel or cluster client to be redirected.
    private const int AnswerMillisecondsMax = 2_000;
    private const int ReconnectMilliseconds = 250;

    private readonly ConnectionMultiplexer _connection;
    private readonly ILogger _logger;
    private volatile bool _disposed;
    private volatile bool _isListeningRefused;

    private RedisStore(ConnectionMultiplexer connection, ILogger logger)
    {
        _connection = connection;
        _logger = logger;
        connection.ConnectionFailed += (_, lost) => ConnectionLost(_logger, lost.FailureType, lost.ConnectionType);
        connection.ConnectionRestored += (_, found) =>
        {
            ConnectionFound(_logger, found.ConnectionType);
            _ = AnnounceAsync();
        };
        connection.ConfigurationChanged += (_, _) => _ = AnnounceAsync();
    }

    /// <summary>True while there is a connection to some server of the store.</summary>
    public bool IsConnected => _connection.IsConnected;

    /// <summary>True while the store answers and refuses a subscription: nothing that it tells is heard, and what
    /// happened is found by polls alone.</summary>
    internal bool IsListeningRefused => _isListeningRefused;

    /// <summary>
    /// Raised when messages may have been missed: after a reconnect and after the store's topology changed.
    /// </summary>
    internal event Action? Reconnected;

    private IDatabase Database => _connection.GetDatabase();

    /// <summary>Why a connection string cannot be read, or null if it can.</summary>
    /// <param name="configuration">A StackExchange.Redis connection string.</param>
    public static string? Check(string configuration)
    {
        try
        {
            return ConfigurationOptions.Parse(configuration).EndPoints.Count > 0 ? null : "it names no server";
        }
        catch (ArgumentException fault)
        {
            return fault.Message;
        }
    }

    /// <summary>
    /// Connects, or begins to: returns within two seconds even if the store is away, and keeps trying in the
    /// background.
    /// </summary>
    /// <param name="configuration">A StackExchange.Redis connection string.</param>
    /// <param name="logger">Where losses and finds of the connection are told.</param>
    /// <exception cref="ArgumentException">The connection string cannot be read.</exception>
    public static async Task<RedisStore> ConnectAsync(string configuration, ILogger logger)
    {
        ArgumentException.ThrowIfNullOrEmpty(configuration);
        ArgumentNullException.ThrowIfNull(logger);
        ConfigurationOptions options = ConfigurationOptions.Parse(configuration);
        options.AbortOnConnectFail = false;
        options.ConnectTimeout = AnswerMillisecondsMax;
        options.AsyncTimeout = AnswerMillisecondsMax;
        options.SyncTimeout = AnswerMillisecondsMax;
        options.ReconnectRetryPolicy = new LinearRetry(ReconnectMilliseconds);
        options.HeartbeatInterval = TimeSpan.FromMilliseconds(ReconnectMilliseconds);

        // Nothing is queued for a store that is away: a claim must not be carried out after its call was refused.
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.ClientName ??= "countersign";
        return new RedisStore(await ConnectionMultiplexer.ConnectAsync(options), logger);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _disposed = true;
        return _connection.DisposeAsync();
    }

    /// <summary>
    /// Tells one start of the store from another, where the store itself has nothing that does. Approvals that were
    /// settled under another epoch are void.
    /// </summary>
    /// <returns>False if the store did not answer.</returns>
    public async ValueTask<bool> BeginEpochAsync(string epoch)
    {
        ArgumentException.ThrowIfNullOrEmpty(epoch);
        (bool answered, _) = await AskAsync(
            epoch,
            static (database, text) =>
                database.StringSetAsync(StoreKeys.Epoch, text, flags: CommandFlags.DemandMaster));
        return answered;
    }

    /// <summary>Runs a script, atomically; null when the store did not answer.</summary>
    internal async ValueTask<RedisResult?> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] arguments)
    {
        (bool answered, RedisResult? result) = await AskAsync(
            (script, keys, arguments),
            static (database, ask) =>
                database.ScriptEvaluateAsync(ask.script, ask.keys, ask.arguments, CommandFlags.DemandMaster));
        return answered ? result : null;
    }

    /// <summary>Asks the store one question; not answered means nobody knows whether it was carried out.</summary>
    internal async ValueTask<(bool Answered, TAnswer? Answer)> AskAsync<TAsk, TAnswer>(
        TAsk ask, Func<IDatabase, TAsk, Task<TAnswer>> question)
    {
        try
        {
            return (true, await question(Database, ask));
        }
        catch (Exception fault) when (IsAway(fault))
        {
            Unanswered(_logger, NameOf(fault));
            return (false, default);
        }
    }

    /// <summary>
    /// Listens to a channel until the store is disposed of, over every reconnect. If the store is away it begins to
    /// listen when the store comes, and raises <see cref="Reconnected"/> then.
    /// </summary>
    internal async Task ListenAsync(string channel, Action<string> heard)
    {
        void Hear(RedisChannel from, RedisValue message) => heard(message.ToString());
        RedisChannel literal = RedisChannel.Literal(channel);
        if (!await TryListenAsync(literal, Hear)) _ = ListenLaterAsync(literal, Hear);
    }

    private async Task ListenLaterAsync(RedisChannel channel, Action<RedisChannel, RedisValue> hear)
    {
        while (!_disposed)
        {
            await Task.Delay(ReconnectMilliseconds);
            if (!await TryListenAsync(channel, hear)) continue;
            Reconnected?.Invoke();
            return;
        }
    }

    // The ping comes first: what a subscription becomes that is asked for without a connection is not documented.
    private async Task<bool> TryListenAsync(RedisChannel channel, Action<RedisChannel, RedisValue> hear)
    {
        ISubscriber subscriber = _connection.GetSubscriber();
        try
        {
            await subscriber.PingAsync();
            await subscriber.SubscribeAsync(channel, hear);
            _isListeningRefused = false;
            return true;
        }
        catch (RedisServerException fault)
        {
            // Asked again by and by, and told once: what an access list says may be mended while we run.
            if (!_isListeningRefused) ListeningRefused(_logger, channel.ToString(), fault.Message);
            _isListeningRefused = true;
        }
        catch (Exception fault) when (IsAway(fault))
        {
            Unanswered(_logger, NameOf(fault));
        }

        try
        {
            await subscriber.UnsubscribeAsync(channel, hear, CommandFlags.FireAndForget);
        }
        catch (Exception fault) when (IsAway(fault))
        {
            Unanswered(_logger, NameOf(fault));
        }

        return false;
    }

    // What an access list refuses is told in the server's words, which name a command, a key or a channel; any other
    // answer may repeat what was sent.
    private static string NameOf(Exception fault) =>
        fault is RedisServerException && fault.Message.Contains("NOPERM", StringComparison.Ordinal)
            ? fault.Message : fault.GetType().Name;

    private static bool IsAway(Exception fault) =>
        fault is RedisException or TimeoutException or RedisTimeoutException or ObjectDisposedException
            or OperationCanceledException;

    // The ping follows the renewed subscriptions on the same connection: once it is answered, nothing more is missed.
    private async Task AnnounceAsync()
    {
        try
        {
            await _connection.GetSubscriber().PingAsync();
        }
        catch (Exception fault) when (IsAway(fault))
        {
            Unanswered(_logger, NameOf(fault));
        }

        Reconnected?.Invoke();
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "Lost the store's {Kind} connection: {Failure}")]
    private static partial void ConnectionLost(ILogger logger, ConnectionFailureType failure, ConnectionType kind);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information, Message = "Found the store's {Kind} connection again")]
    private static partial void ConnectionFound(ILogger logger, ConnectionType kind);

    [LoggerMessage(
        EventId = 4, Level = LogLevel.Error,
        Message = "The store refuses to tell what happens on {Channel}: {Answer}. Changes of policy and approvals are"
            + " found by polling until its access list allows the channel")]
    private static partial void ListeningRefused(ILogger logger, string channel, string answer);

    [LoggerMessage(EventId = 3, Level = LogLevel.Warning, Message = "The store did not answer: {Fault}")]
    private static partial void Unanswered(ILogger logger, string fault);
}
