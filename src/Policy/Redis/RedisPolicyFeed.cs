using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Countersign.Policy.Redis;

/// <summary>
/// Keeps <see cref="PolicyInForce"/> at the version that the store names: at once when the store tells, and once a
/// second in any case, which is also how a gateway knows that the store is there. It is the one writer of that
/// snapshot.
/// </summary>
public sealed partial class RedisPolicyFeed : IAsyncDisposable
{
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(1);

    private readonly RedisStore _store;
    private readonly RedisPolicyStore _policies;
    private readonly PolicyInForce _inForce;
    private readonly MaskVocabulary _vocabulary;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // One waiting knock is as good as many.
    private readonly Channel<bool> _knocks = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private ITimer? _timer;
    private Task _running = Task.CompletedTask;
    private PolicyStanding _standing = PolicyStanding.Unheard;
    private long _refused;

    /// <summary>Makes a feed that does not run yet.</summary>
    /// <param name="store">The connection.</param>
    /// <param name="policies">Where versions are.</param>
    /// <param name="inForce">What to keep up to date.</param>
    /// <param name="vocabulary">Says what is wrong with what a mask selects; as for <see
    /// cref="PolicyReader"/>.</param>
    /// <param name="clock">Times the polls and stamps contacts.</param>
    /// <param name="logger">Where versions, and documents that do not compile, are told.</param>
    public RedisPolicyFeed(
        RedisStore store, RedisPolicyStore policies, PolicyInForce inForce, MaskVocabulary vocabulary,
        TimeProvider clock, ILogger logger)
    {
        _store = store;
        _policies = policies;
        _inForce = inForce;
        _vocabulary = vocabulary;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>Raised after a version was put in force, on the feed's own task.</summary>
    public event Action<long>? Swapped;

    /// <summary>Raised after <see cref="Standing"/> changed, on the feed's own task.</summary>
    public event Action? StandingChanged;

    /// <summary>The version that runs; 0 until there is one.</summary>
    public long Version => Standing.Running;

    /// <summary>How what runs stands towards the store.</summary>
    public PolicyStanding Standing => Volatile.Read(ref _standing);

    /// <summary>Begins to listen and to poll. Call it once.</summary>
    public async Task StartAsync()
    {
        if (_timer is not null) throw new InvalidOperationException("The feed runs already.");
        await _store.ListenAsync(StoreKeys.PolicyChannel, _ => Knock());
        _store.Reconnected += Knock;
        _timer = _clock.CreateTimer(_ => Knock(), null, TimeSpan.Zero, PollEvery);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Completes when the first version is in force.</summary>
    public Task WaitForFirstAsync(CancellationToken cancellation) => _first.Task.WaitAsync(cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _store.Reconnected -= Knock;
        if (_timer is not null) await _timer.DisposeAsync();
        _knocks.Writer.TryComplete();
        await _running;
    }

    private void Knock() => _knocks.Writer.TryWrite(true);

    private async Task RunAsync()
    {
        await foreach (bool _ in _knocks.Reader.ReadAllAsync())
        {
            try
            {
                await PollAsync();
            }
            catch (Exception fault)
            {
                // A bug here must not leave the gateway on an old policy for ever; it shows as a feed that goes stale.
                PollFailed(_logger, fault);
            }
        }
    }

    private async Task PollAsync()
    {
        if (await _policies.CurrentAsync() is not { } current) return;
        _inForce.Heard(_clock.GetTimestamp());
        Name(current);
        if (current == 0 || current == Version || current == _refused) return;
        StoreResult<StoredPolicy> stored = await _policies.GetAsync(current);
        if (stored.Status == StoreStatus.Unavailable) return;
        if (stored.Value is not { } policy || RedisPolicyStore.Sha256Of(policy.Document) != policy.Sha256)
        {
            Refuse(current, PolicyStanding.Damaged);
            Damaged(_logger, current, Version);
            return;
        }

        Run(policy);
    }

    private void Run(StoredPolicy policy)
    {
        PolicyReading reading = PolicyReader.Read(policy.Document, _vocabulary, policy.Version);
        if (reading.Snapshot is not { } snapshot)
        {
            Refuse(policy.Version, PolicyStanding.DoesNotCompile);
            DoesNotCompile(_logger, policy.Version, Version, reading.Errors.Count, reading.Errors[0].ToString());
            return;
        }

        _inForce.Swap(snapshot);
        _refused = 0;
        Stand(new PolicyStanding(policy.Version, policy.Sha256, policy.Version, 0, []));
        Runs(_logger, policy.Version, policy.Author, policy.Sha256);
        _first.TrySetResult();
        Swapped?.Invoke(policy.Version);
    }

    private void Name(long current)
    {
        PolicyStanding now = Standing;
        if (now.Named == current) return;
        long since = current == now.Running ? 0 : now.BehindSince == 0 ? _clock.GetTimestamp() : now.BehindSince;
        Stand(now with { Named = current, BehindSince = since, Alarms = [] });
        _refused = 0;
    }

    private void Refuse(long version, string alarm)
    {
        _refused = version;
        Stand(Standing with { Alarms = [alarm] });
    }

    private void Stand(PolicyStanding standing)
    {
        Volatile.Write(ref _standing, standing);
        StandingChanged?.Invoke();
    }

    [LoggerMessage(
        EventId = 20, Level = LogLevel.Information,
        Message = "Policy version {Version} by {Author} is in force ({Sha256})")]
    private static partial void Runs(ILogger logger, long version, string author, string sha256);

    [LoggerMessage(
        EventId = 21, Level = LogLevel.Error,
        Message = "Policy version {Version} does not compile; {Running} stays. Errors: {Count}; first: {Error}")]
    private static partial void DoesNotCompile(ILogger logger, long version, long running, int count, string error);

    [LoggerMessage(
        EventId = 22, Level = LogLevel.Error,
        Message = "Policy version {Version} is missing or not what was published; {Running} stays in force")]
    private static partial void Damaged(ILogger logger, long version, long running);

    [LoggerMessage(EventId = 23, Level = LogLevel.Error, Message = "The policy feed failed")]
    private static partial void PollFailed(ILogger logger, Exception fault);
}
