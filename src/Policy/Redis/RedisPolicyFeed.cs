using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Countersign.Policy.Redis;

/// <summary>
/// Keeps <see cref="PolicyInForce"/> at the version that the store names: at once when the store tells, and once a
/// second in any case, which is also how a gateway knows that the store is there. It is the one writer of that
/// snapshot, and of what this gateway has seen: a store that falls behind that is not followed (decision 0037).
/// </summary>
public sealed partial class RedisPolicyFeed : IAsyncDisposable
{
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(1);

    private readonly RedisStore _store;
    private readonly RedisPolicyStore _policies;
    private readonly PolicyInForce _inForce;
    private readonly PolicyMemory _memory;
    private readonly MaskVocabulary _vocabulary;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // One waiting knock is as good as many.
    private readonly Channel<bool> _knocks = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly TaskCompletionSource _judged = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ITimer? _timer;
    private Task _running = Task.CompletedTask;
    private PolicyStanding _standing = PolicyStanding.Unheard;
    private StoredPolicy? _policy;
    private PolicyMark? _refused;
    private PolicyMark? _regressed;

    /// <summary>Makes a feed that does not run yet.</summary>
    /// <param name="store">The connection.</param>
    /// <param name="policies">Where versions are.</param>
    /// <param name="inForce">What to keep up to date.</param>
    /// <param name="memory">What this gateway has seen.</param>
    /// <param name="vocabulary">Says what is wrong with what a mask selects; as for <see
    /// cref="PolicyReader"/>.</param>
    /// <param name="clock">Times the polls and stamps contacts.</param>
    /// <param name="logger">Where versions, and documents that do not compile, are told.</param>
    public RedisPolicyFeed(
        RedisStore store, RedisPolicyStore policies, PolicyInForce inForce, PolicyMemory memory,
        MaskVocabulary vocabulary, TimeProvider clock, ILogger logger)
    {
        _store = store;
        _policies = policies;
        _inForce = inForce;
        _memory = memory;
        _vocabulary = vocabulary;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>Raised after a version was put in force, on the feed's own task.</summary>
    public event Action<long>? Swapped;

    /// <summary>Raised after <see cref="Standing"/> changed, on the feed's own task.</summary>
    public event Action? StandingChanged;

    /// <summary>Raised for what belongs into the audit, on the feed's own task.</summary>
    public event Action<PolicyNotice>? Noticed;

    /// <summary>The version that runs; 0 until there is one.</summary>
    public long Version => Standing.Running;

    /// <summary>How what runs stands towards the store.</summary>
    public PolicyStanding Standing => Volatile.Read(ref _standing);

    /// <summary>The furthest change that this gateway has seen.</summary>
    public PolicyMark Furthest => _memory.Furthest;

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

    /// <summary>Completes when the first version is in force, or it is known why the one that the store names cannot
    /// be: <see cref="Standing"/> has an alarm then.</summary>
    public Task WaitForJudgementAsync(CancellationToken cancellation) => _judged.Task.WaitAsync(cancellation);

    /// <summary>True while the store refuses to tell changes (an access list without the channels), so that polls alone
    /// find them.</summary>
    public bool IsPollingAlone => _store.IsListeningRefused;

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
        if (await _policies.MarkAsync() is not { } told) return;
        if (!await TrustsAsync(told)) return;
        _inForce.Heard(_clock.GetTimestamp());
        if (told.Change > 0) _memory.Remember(told);
        Name(told);
        if (told.Current == 0 || IsRunning(told) || told == _refused) return;
        StoreResult<StoredPolicy> stored = await _policies.GetAsync(told.Current);
        if (stored.Status == StoreStatus.Unavailable) return;
        if (stored.Value is not { } policy || RedisPolicyStore.Sha256Of(policy.Document) != policy.Sha256)
        {
            Refuse(told, PolicyStanding.Damaged);
            Damaged(_logger, told.Current, Version);
            return;
        }

        // It was replaced between the two questions: the next poll tells.
        if (policy.Sha256 != told.Sha256) return;
        if (policy.Version == Version)
        {
            Replaced(_logger, policy.Version, policy.Sha256, Standing.Sha256);
            Notice(
                "policy-replaced",
                $"the store has sha256 {policy.Sha256} as version {policy.Version}; {Standing.Sha256} ran under it");
        }

        Run(policy, told);
    }

    // A number alone does not say what runs: a store that lost versions may have given it to another document.
    private bool IsRunning(PolicyMark told) =>
        told.Current == Standing.Running && told.Sha256 == Standing.Sha256;

    /// <summary>
    /// False if the store lost what this gateway has seen, or did not answer. Such a store is heard, so that what does
    /// little harm goes on under the policy that runs; what does much is refused until the store goes on from what was
    /// seen, or somebody goes on from there knowing what is lost.
    /// </summary>
    private async ValueTask<bool> TrustsAsync(PolicyMark told)
    {
        PolicyMark seen = _memory.Furthest;
        if (told.Change != seen.Change || told.Hash != seen.Hash)
        {
            IReadOnlyList<PolicyChange>? changes = told.Change > seen.Change && seen.Change > 0
                ? await _policies.ChangesAsync(seen.Change, told.Change)
                : [];
            if (changes is null) return false;
            Continuity continuity = PolicyContinuity.Judge(seen, told, changes);
            if (continuity == Continuity.Broken)
            {
                if (!await TryRestoreAsync(seen, told)) Doubt(seen, told);
                return false;
            }

            if (continuity == Continuity.Resumed)
            {
                Resumed(_logger, seen.Change, told.Change);
                Notice(
                    "policy-resumed", $"changes up to {seen.Change} were lost; the store goes on with {told.Change}");
            }
        }

        if (_regressed is not null)
        {
            Trusted(_logger, told.Change);
            Notice("policy-trusted", $"the store goes on from what was seen, with change {told.Change}");
            _regressed = null;
            _inForce.Doubt(false);
        }

        return true;
    }

    private void Doubt(PolicyMark seen, PolicyMark told)
    {
        _inForce.Heard(_clock.GetTimestamp());
        _inForce.Doubt(true);
        if (_regressed == told) return;
        _regressed = told;
        Stand(Standing with { Alarms = [PolicyStanding.Regressed] });
        _judged.TrySetResult();
        Regressed(_logger, told.Change, told.Hash, seen.Change, seen.Hash);
        Notice(
            PolicyStanding.Regressed,
            $"the store is at change {told.Change}, and {seen.Change} was seen with another hash or after it");
    }

    // A store that lost everything holds no other word: the furthest gateway gives it the version that it runs. The
    // version of one that has seen less is replaced by that of one that has seen more.
    private async ValueTask<bool> TryRestoreAsync(PolicyMark seen, PolicyMark told)
    {
        if (_policy is not { } policy || policy.Version != seen.Current) return false;
        bool isEmpty = told is { Change: 0, Latest: 0 };
        if (!isEmpty)
        {
            IReadOnlyList<PolicyChange>? last = await _policies.ChangesAsync(told.Change, told.Change);
            if (last is not [{ Kind: PolicyChangeKind.Restore } restored] || restored.Hash != told.Hash) return false;
        }

        StoreResult<StoredPolicy> stored = await _policies.RestoreAsync(
            policy, new PolicyExpectation(Change: told.Change), seen);
        if (stored.IsOk)
        {
            Restored(_logger, policy.Version, policy.Sha256);
            Notice("policy-restored", $"the store had lost its policy; version {policy.Version} was given back");
        }

        // Whoever was faster: the next poll tells.
        Knock();
        return stored.Status is StoreStatus.Ok or StoreStatus.Conflict;
    }

    private void Run(StoredPolicy policy, PolicyMark told)
    {
        PolicyReading reading = PolicyReader.Read(policy.Document, _vocabulary, policy.Version);
        if (reading.Snapshot is not { } snapshot)
        {
            Refuse(told, PolicyStanding.DoesNotCompile);
            DoesNotCompile(_logger, policy.Version, Version, reading.Errors.Count, reading.Errors[0].ToString());
            return;
        }

        _inForce.Swap(snapshot);
        _policy = policy;
        _refused = null;
        Stand(new PolicyStanding(policy.Version, policy.Sha256, told, 0, Lasting()));
        Runs(_logger, policy.Version, policy.Author, policy.Sha256);
        _first.TrySetResult();
        _judged.TrySetResult();
        Swapped?.Invoke(policy.Version);
    }

    private void Name(PolicyMark told)
    {
        PolicyStanding now = Standing;
        string[] lasting = Lasting();
        bool isSame = now.Named == told && (told == _refused || now.Alarms.SequenceEqual(lasting));
        if (isSame) return;
        long since = IsRunning(told) ? 0 : now.BehindSince == 0 ? _clock.GetTimestamp() : now.BehindSince;
        Stand(now with { Named = told, BehindSince = since, Alarms = lasting });
        _refused = null;
    }

    private string[] Lasting() => _memory.IsKept ? [] : [PolicyStanding.NotRemembered];

    private void Refuse(PolicyMark told, string alarm)
    {
        _refused = told;
        string[] alarms = [alarm, .. Lasting()];
        Array.Sort(alarms, StringComparer.Ordinal);
        Stand(Standing with { Alarms = alarms });
        _judged.TrySetResult();
    }

    private void Stand(PolicyStanding standing)
    {
        if (standing == Standing) return;
        Volatile.Write(ref _standing, standing);
        StandingChanged?.Invoke();
    }

    private void Notice(string name, string detail) => Noticed?.Invoke(new PolicyNotice(name, detail));

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

    [LoggerMessage(
        EventId = 24, Level = LogLevel.Critical,
        Message = "The store's policy went back: it is at change {Told} ({ToldHash}), and {Seen} ({SeenHash}) was seen."
            + " High and critical functions are refused until it goes on from there, or somebody resumes")]
    private static partial void Regressed(ILogger logger, long told, string toldHash, long seen, string seenHash);

    [LoggerMessage(
        EventId = 25, Level = LogLevel.Critical,
        Message = "The store had lost its policy: version {Version} ({Sha256}) was given back to it")]
    private static partial void Restored(ILogger logger, long version, string sha256);

    [LoggerMessage(
        EventId = 28, Level = LogLevel.Critical,
        Message = "The store has another document as version {Version} ({Sha256}) than ran under it ({Running})")]
    private static partial void Replaced(ILogger logger, long version, string sha256, string running);

    [LoggerMessage(
        EventId = 26, Level = LogLevel.Critical,
        Message = "The store lost changes up to {Seen}, and somebody went on from there with change {Told}")]
    private static partial void Resumed(ILogger logger, long seen, long told);

    [LoggerMessage(
        EventId = 27, Level = LogLevel.Warning,
        Message = "The store's policy goes on from what was seen, with change {Told}")]
    private static partial void Trusted(ILogger logger, long told);
}
