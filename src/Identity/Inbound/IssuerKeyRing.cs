using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Countersign.Identity.Inbound;

/// <summary>What a search for keys found. Zero is a search that was not made.</summary>
internal readonly record struct KeySearch(TokenFault Fault, ImmutableArray<IssuerKey> Keys);

/// <summary>
/// One issuer's keys: an immutable set with one writer, the fetch, of which there is never more than one. A fetch that
/// fails leaves the last good keys in place until they are too old.
/// </summary>
internal sealed class IssuerKeyRing
{
    private readonly CallerVerifierLimits _limits;
    private readonly KeyDocuments? _documents;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly CancellationToken _stopping;

    private KeySet? _current;
    private long _goodUntilMs;
    private Task<bool>? _fetch;
    private long? _unknownKeyFetchAt;
    private long? _failedAt;

    /// <summary>Keys from a file, for good; or, when <paramref name="fixedKeys"/> is null, keys by discovery.</summary>
    public IssuerKeyRing(
        IssuerOptions options, IReadOnlyList<IssuerKey>? fixedKeys, CallerVerifierLimits limits,
        HttpMessageInvoker http, TimeProvider clock, ILogger logger, CancellationToken stopping)
    {
        Options = options;
        _limits = limits;
        _clock = clock;
        _logger = logger;
        _stopping = stopping;
        if (fixedKeys is null)
        {
            _documents = new KeyDocuments(http, limits.DocumentBytesMax);
            return;
        }

        _current = new KeySet([.. fixedKeys]);
        _goodUntilMs = long.MaxValue;
    }

    public IssuerOptions Options { get; }

    /// <summary>Unix time in milliseconds from which these keys, and the callers they vouched for, no longer
    /// serve.</summary>
    public long GoodUntilMs => Volatile.Read(ref _goodUntilMs);

    /// <summary>
    /// Finds the keys that may have signed with <paramref name="algorithm"/> and <paramref name="keyId"/>. Waits for a
    /// fetch when there are no usable keys, or when none fits and the cool-down allows another look.
    /// </summary>
    public async ValueTask<KeySearch> FindAsync(string algorithm, string? keyId, CancellationToken cancel)
    {
        KeySet? keys = Usable();
        if (keys is null)
        {
            if (!await FetchMissingAsync(cancel).ConfigureAwait(false)) return new(TokenFault.KeysUnavailable, []);
            keys = Usable();
            if (keys is null) return new(TokenFault.KeysUnavailable, []);
        }

        ImmutableArray<IssuerKey> fitting = keys.Find(algorithm, keyId);
        if (fitting.IsEmpty && TryBeginUnknownKeyFetch(keys, out Task<bool>? fetch))
        {
            _ = await fetch!.WaitAsync(cancel).ConfigureAwait(false);
            keys = Usable();
            if (keys is null) return new(TokenFault.KeysUnavailable, []);
            fitting = keys.Find(algorithm, keyId);
        }

        return new(fitting.IsEmpty ? TokenFault.KeyUnknown : TokenFault.None, fitting);
    }

    /// <summary>Fetches at once and then on and on until the verifier stops; failures are tried again sooner.</summary>
    public async Task KeepFreshAsync()
    {
        if (_documents is null) return;
        try
        {
            while (!_stopping.IsCancellationRequested)
            {
                bool isFresh = await JoinOrBeginFetch().ConfigureAwait(false);
                TimeSpan pause = isFresh ? _limits.KeyRefreshEvery : _limits.UnknownKeyCooldown;
                await Task.Delay(pause, _clock, _stopping).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The verifier stops.
        }
    }

    private KeySet? Usable()
    {
        KeySet? keys = Volatile.Read(ref _current);
        return keys is not null && _clock.GetUtcNow().ToUnixTimeMilliseconds() < GoodUntilMs ? keys : null;
    }

    // False at once while the last failure is fresh, so that an issuer that is away is not asked by every call.
    private async ValueTask<bool> FetchMissingAsync(CancellationToken cancel)
    {
        if (_documents is null) return false;
        Task<bool> fetch;
        lock (_gate)
        {
            bool isUnderWay = _fetch is { IsCompleted: false };
            if (!isUnderWay && IsWithin(_failedAt, _limits.FetchRetryAfter)) return false;
            fetch = JoinOrBeginFetch();
        }

        return await fetch.WaitAsync(cancel).ConfigureAwait(false);
    }

    private bool TryBeginUnknownKeyFetch(KeySet searched, out Task<bool>? fetch)
    {
        fetch = null;
        if (_documents is null) return false;
        lock (_gate)
        {
            if (!ReferenceEquals(searched, _current) || _fetch is { IsCompleted: false })
            {
                // Newer keys have come, or are coming: look at those first.
                fetch = _fetch ?? Task.FromResult(true);
                return true;
            }

            if (IsWithin(_unknownKeyFetchAt, _limits.UnknownKeyCooldown)) return false;
            _unknownKeyFetchAt = _clock.GetTimestamp();
            fetch = JoinOrBeginFetch();
            return true;
        }
    }

    private bool IsWithin(long? since, TimeSpan span) =>
        since is not null && _clock.GetElapsedTime(since.Value) < span;

    private Task<bool> JoinOrBeginFetch()
    {
        lock (_gate)
        {
            if (_fetch is { IsCompleted: false }) return _fetch;
            _fetch = Task.Run(FetchAsync, CancellationToken.None);
            return _fetch;
        }
    }

    private async Task<bool> FetchAsync()
    {
        using CancellationTokenSource late = new(_limits.FetchTimeout, _clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _stopping);
        string? failure;
        try
        {
            OpenIdConnectConfiguration discovered = await OpenIdConnectConfigurationRetriever
                .GetAsync(Options.DiscoveryAddress, _documents!, either.Token).ConfigureAwait(false);
            failure = TryInstall(discovered);
        }
#pragma warning disable CA1031 // Whatever the network, the issuer or the library throws, the last good keys stay.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            if (_stopping.IsCancellationRequested) return false;
            failure = late.IsCancellationRequested ? "timed out" : fault.InnerException?.Message ?? fault.Message;
        }

        lock (_gate) _failedAt = failure is null ? null : _clock.GetTimestamp();
        if (failure is not null) IdentityLog.KeysNotFetched(_logger, Options.Issuer, failure);
        return failure is null;
    }

    /// <summary>Keys of the gateway itself, which <see cref="Publish"/> changes.</summary>
    public static IssuerKeyRing Fixed(
        IssuerOptions options, IReadOnlyList<IssuerKey> keys, CallerVerifierLimits limits, TimeProvider clock) =>
        new(options, keys, limits, null!, clock, NullLogger.Instance, CancellationToken.None);

    /// <summary>Puts other keys in place of those there are: callers of a key that is gone are forgotten.</summary>
    public void Publish(IReadOnlyList<IssuerKey> published)
    {
        lock (_gate) Install(published);
    }

    private int Install(IReadOnlyList<IssuerKey> published)
    {
        KeySet? before = Volatile.Read(ref _current);

        // A key that stays keeps its object, so that the callers it vouched for stay too.
        KeySet after = new([.. published.Select(key => before?.FindSame(key) ?? key)]);
        Volatile.Write(ref _current, after);
        before?.RemoveAllBut(after);
        return after.Count;
    }

    private string? TryInstall(OpenIdConnectConfiguration discovered)
    {
        // OpenID Connect Discovery section 4.3: the issuer must be the one that was asked for, exactly.
        if (!string.Equals(discovered.Issuer, Options.Issuer, StringComparison.Ordinal))
            return "the discovery document names another issuer";
        IList<JsonWebKey> published = discovered.JsonWebKeySet?.Keys ?? [];
        if (published.Count > _limits.KeysMax) return "the key set is too large";

        IssuerKey[] keys = [.. published.Select(IssuerKey.FromJwk).OfType<IssuerKey>()];
        if (keys.Length == 0) return "the key set holds no usable key";
        Volatile.Write(
            ref _goodUntilMs, (_clock.GetUtcNow() + _limits.KeysGoodFor).ToUnixTimeMilliseconds());
        IdentityLog.KeysFetched(_logger, Options.Issuer, Install(keys));
        return null;
    }

    /// <summary>The keys of one fetch.</summary>
    private sealed class KeySet(ImmutableArray<IssuerKey> keys)
    {
        public int Count => keys.Length;

        public ImmutableArray<IssuerKey> Find(string algorithm, string? keyId) =>
            [.. keys.Where(key => key.Fits(algorithm, keyId))];

        public IssuerKey? FindSame(IssuerKey wanted) => keys.FirstOrDefault(key => key.Equals(wanted));

        public void RemoveAllBut(KeySet kept)
        {
            foreach (IssuerKey key in keys)
            {
                if (kept.FindSame(key) is null) key.Remove();
            }
        }
    }
}
