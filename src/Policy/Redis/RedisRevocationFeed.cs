using System.Threading.Channels;
using Countersign.Policy.Revocations;
using Microsoft.Extensions.Logging;

namespace Countersign.Policy.Redis;

/// <summary>
/// Tells this gateway what is revoked: at once when the store tells, and every second in any case. A store that is away
/// leaves the last list in force; how long a gateway may go on without its store is the policy's own limit.
/// </summary>
public sealed partial class RedisRevocationFeed : IRevocationFeed, IAsyncDisposable
{
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(1);

    private readonly RedisStore _store;
    private readonly IRevocationStore _revocations;
    private readonly Action<RevocationListing> _heard;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Channel<bool> _knocks = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly Lock _gate = new();

    private ITimer? _timer;
    private Task _running = Task.CompletedTask;
    private Task<bool> _asked = Task.FromResult(false);
    private Task<bool>? _next;
    private long _version = -1;

    /// <summary>Makes a feed that does not run yet.</summary>
    /// <param name="store">The connection.</param>
    /// <param name="revocations">Where the list is.</param>
    /// <param name="heard">Gets each new list, one at a time.</param>
    /// <param name="clock">Times the polls.</param>
    /// <param name="logger">Hears of faults.</param>
    public RedisRevocationFeed(
        RedisStore store, IRevocationStore revocations, Action<RevocationListing> heard, TimeProvider clock,
        ILogger logger)
    {
        _store = store;
        _revocations = revocations;
        _heard = heard;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>Reads the list and begins to follow it; false if the store did not give it. Call it once.</summary>
    public async Task<bool> StartAsync()
    {
        if (_timer is not null) throw new InvalidOperationException("The feed runs already.");
        await _store.ListenAsync(StoreKeys.RevocationChannel, _ => Knock());
        _store.Reconnected += Knock;
        bool isHeard = await CatchUpAsync();
        _timer = _clock.CreateTimer(_ => Knock(), null, PollEvery, PollEvery);
        _running = Task.Run(RunAsync);
        return isHeard;
    }

    /// <inheritdoc/>
    public ValueTask<bool> CatchUpAsync()
    {
        lock (_gate)
        {
            // A question that is out may be answered by now: it may not know. All who come until the next one is out
            // share that.
            return new(_next ??= PollAfterAsync(_asked));
        }
    }

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
                await CatchUpAsync();
            }
            catch (Exception fault)
            {
                PollFailed(_logger, fault); // the next one tries again
            }
        }
    }

    private async Task<bool> PollAfterAsync(Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        lock (_gate)
        {
            _asked = _next!;
            _next = null;
        }

        return await PollAsync();
    }

    private async Task<bool> PollAsync()
    {
        StoreResult<RevocationListing> listed = await _revocations.ListAsync(_version);
        if (listed.Status == StoreStatus.NotFound) return true;
        if (listed.Value is not { } listing) return false;
        _heard(listing);
        _version = listing.Version;
        return true;
    }

    [LoggerMessage(EventId = 60, Level = LogLevel.Error, Message = "The list of revoked tokens could not be read")]
    private static partial void PollFailed(ILogger logger, Exception fault);
}
