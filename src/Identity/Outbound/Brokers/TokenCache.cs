using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Countersign.Identity.Outbound.Brokers;

/// <summary>
/// Tokens that may be lent again, until shortly before they expire. Who asks for one that is being fetched waits for
/// that. A failure is nobody's but those who waited for it.
/// </summary>
internal sealed class TokenCache(TimeSpan within, TimeProvider clock) : IDisposable
{
    private const int EntriesMax = 10_000;

    // A token that is sent must still be good when it arrives.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Entry> _kept = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TaskCompletionSource<IssuedToken>> _fetching =
        new(StringComparer.Ordinal);

    /// <summary>A copy of the token, which the caller wipes; or why there is none.</summary>
    /// <param name="key">What it is for; nothing secret.</param>
    /// <param name="fetch">Gets it.</param>
    /// <param name="cancellation">Ends this wait, not the fetch that others wait for.</param>
    internal async ValueTask<IssuedToken> GetAsync(
        string key, Func<CancellationToken, Task<IssuedToken>> fetch, CancellationToken cancellation)
    {
        if (_kept.TryGetValue(key, out Entry? kept) && kept.TryCopy(clock.GetTimestamp(), out byte[]? copy))
            return new(copy, default, "");
        TaskCompletionSource<IssuedToken> mine = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<IssuedToken> there = _fetching.GetOrAdd(key, mine);
        if (there == mine) _ = FetchAsync(key, fetch, mine);
        IssuedToken fetched = await there.Task.WaitAsync(cancellation);
        return fetched.Token is null ? fetched : fetched with { Token = [.. fetched.Token] };
    }

    /// <summary>Wipes what is kept.</summary>
    public void Dispose()
    {
        foreach (Entry entry in _kept.Values) entry.Wipe();
        _kept.Clear();
    }

    private async Task FetchAsync(
        string key, Func<CancellationToken, Task<IssuedToken>> fetch, TaskCompletionSource<IssuedToken> waited)
    {
        IssuedToken fetched;
        try
        {
            using CancellationTokenSource patience = new(within, clock);
            fetched = await fetch(patience.Token);
        }
        catch (OperationCanceledException)
        {
            fetched = new(null, default, "the token endpoint did not answer in time");
        }
        catch (Exception fault)
        {
            _fetching.TryRemove(key, out _);
            waited.SetException(fault);
            return;
        }

        // Kept before nobody waits any more, so that nobody fetches it a second time between.
        if (fetched.Token is not null) Keep(key, fetched);
        _fetching.TryRemove(key, out _);
        waited.SetResult(fetched);
    }

    private void Keep(string key, IssuedToken fetched)
    {
        TimeSpan margin = fetched.GoodFor / 10 < Margin ? fetched.GoodFor / 10 : Margin;
        TimeSpan goodFor = fetched.GoodFor - margin;
        if (goodFor <= TimeSpan.Zero) return;
        long now = clock.GetTimestamp();
        if (_kept.Count >= EntriesMax) Forget(now);
        if (_kept.Count >= EntriesMax) return;
        long until = now + (long)(goodFor.TotalSeconds * clock.TimestampFrequency);
        _kept[key] = new Entry([.. fetched.Token!], until);
    }

    private void Forget(long now)
    {
        foreach ((string key, Entry entry) in _kept)
        {
            if (entry.Until <= now && _kept.TryRemove(key, out Entry? gone)) gone.Wipe();
        }
    }

    private sealed class Entry(byte[] token, long until)
    {
        private readonly Lock _gate = new();
        private byte[]? _token = token;

        public long Until => until;

        public bool TryCopy(long now, out byte[]? copy)
        {
            lock (_gate)
            {
                copy = now < until && _token is not null ? [.. _token] : null;
                return copy is not null;
            }
        }

        public void Wipe()
        {
            lock (_gate)
            {
                CryptographicOperations.ZeroMemory(_token);
                _token = null;
            }
        }
    }
}
