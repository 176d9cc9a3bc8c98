using System.Security.Cryptography;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging;

namespace Countersign.Identity.Outbound;

/// <summary>
/// Keeps a process's signing keys as the fleet has them, and changes the fleet's when that is due. Any gateway does;
/// the store lets one of them win, and the others take what it made.
/// </summary>
public sealed partial class SigningKeyKeeper : IAsyncDisposable
{
    private const int RoundsMax = 8;

    private readonly ISigningKeyStore _store;
    private readonly PayloadSeal _seal;
    private readonly SigningTerms _terms;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<SigningKeys> _spent = [];
    private Task _keeping = Task.CompletedTask;
    private byte[] _taken = [];
    private bool _isForeign;

    private SigningKeyKeeper(
        ISigningKeyStore store, PayloadSeal seal, SigningTerms terms, TimeProvider clock, ILogger log)
    {
        _store = store;
        _seal = seal;
        _terms = terms;
        _clock = clock;
        _log = log;
        Ring = new SigningKeyRing(new SigningKeySet(0, []), DateTimeOffset.UnixEpoch);
    }

    /// <summary>The keys.</summary>
    public SigningKeyRing Ring { get; }

    /// <summary>
    /// Takes the fleet's keys, or makes the first, and keeps them until it is disposed of. Null, and why, where the
    /// store does not answer or holds keys that were sealed by another key.
    /// </summary>
    /// <param name="store">Where they are shared.</param>
    /// <param name="seal">Seals them. Not disposed of here.</param>
    /// <param name="terms">How often they change.</param>
    /// <param name="clock">The time.</param>
    /// <param name="log">Where changes are told.</param>
    public static async Task<(SigningKeyKeeper? Keeper, string Fault)> StartAsync(
        ISigningKeyStore store, PayloadSeal seal, SigningTerms terms, TimeProvider clock, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(seal);
        ArgumentNullException.ThrowIfNull(terms);
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(log);
        (SigningKeyKeeper? keeper, string fault) = await OpenAsync(store, seal, terms, clock, log);
        if (keeper is not null) keeper._keeping = keeper.KeepAsync();
        return (keeper, fault);
    }

    /// <summary>As <see cref="StartAsync"/>, for one who looks itself.</summary>
    internal static async Task<(SigningKeyKeeper? Keeper, string Fault)> OpenAsync(
        ISigningKeyStore store, PayloadSeal seal, SigningTerms terms, TimeProvider clock, ILogger log)
    {
        SigningKeyKeeper keeper = new(store, seal, terms, clock, log);
        await keeper.LookAsync();
        if (keeper.Ring.Current.Version == 0)
        {
            string fault = keeper._isForeign
                ? "The store's signing keys were sealed with another secrets.sealingKey; use the fleet's own."
                : "The store did not answer when the signing keys were asked for.";
            await keeper.DisposeAsync();
            return (null, fault);
        }

        return (keeper, "");
    }

    /// <summary>Looks no more, and wipes the keys: nothing may sign any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _keeping;
        foreach (DatedSigningKeys one in Ring.Current.Keys) one.Keys.Dispose();
        foreach (SigningKeys one in _spent) one.Dispose();
        _stop.Dispose();
        _turn.Dispose();
    }

    /// <summary>Takes what the store has, and changes it if that is due.</summary>
    internal async ValueTask LookAsync()
    {
        await _turn.WaitAsync();
        try
        {
            foreach (SigningKeys one in _spent) one.Dispose();
            _spent.Clear();
            await CatchUpAsync();
        }
        finally
        {
            _turn.Release();
        }
    }

    private async ValueTask CatchUpAsync()
    {
        StoreResult<StoredSigningKeys> found = await _store.ReadAsync();
        for (int round = 0; round < RoundsMax; round++)
        {
            DateTimeOffset now = _clock.GetUtcNow();
            if (!found.IsOk || !TryTake(found.Value!)) return;
            Ring.Extend(now + _terms.GoodFor);
            SigningKeySet current = Ring.Current;
            bool isForgotten = found.Value!.Version == 0;

            // A store that forgot gets what this gateway knows: what was signed by it is still being checked.
            if (isForgotten) current = new SigningKeySet(0, current.Keys);
            SigningKeySet? next = SigningRotation.Next(current, now, _terms)
                ?? (isForgotten ? new SigningKeySet(1, current.Keys) : null);
            if (next is null) return;
            byte[] box = SigningKeyBox.Seal(next, _seal);
            found = await _store.SwapAsync(current.Version, box);
            DisposeNew(next, current);
        }
    }

    // What was made for the store alone: it is taken from there like everybody's.
    private static void DisposeNew(SigningKeySet next, SigningKeySet current)
    {
        foreach (DatedSigningKeys made in next.Keys)
        {
            if (current.Find(made.Keys.KeyId) is null) made.Keys.Dispose();
        }
    }

    // By the box, not by its number: a store that lost its last change may have been given another one since.
    private bool TryTake(StoredSigningKeys stored)
    {
        byte[] name = SHA256.HashData(stored.Box.Span);
        if (stored.Version == 0 || name.AsSpan().SequenceEqual(_taken)) return true;
        SigningKeySet was = Ring.Current;
        SigningKeySet? now = SigningKeyBox.Open(stored, _seal, was);
        if (now is null)
        {
            if (!_isForeign) Foreign(_log, stored.Version);
            _isForeign = true;
            return false;
        }

        _isForeign = false;
        _taken = name;
        Ring.Swap(now);
        foreach (DatedSigningKeys came in now.Keys)
        {
            if (was.Find(came.Keys.KeyId) is null) Came(_log, came.Keys.KeyId, came.SignsFrom);
        }

        foreach (DatedSigningKeys gone in was.Keys)
        {
            if (now.Find(gone.Keys.KeyId) is not null) continue;
            Gone(_log, gone.Keys.KeyId);

            // Wiped by the next look: until then a thread that began before may be signing with it.
            _spent.Add(gone.Keys);
        }

        return true;
    }

    private async Task KeepAsync()
    {
        using PeriodicTimer timer = new(_terms.LookEvery, _clock);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await timer.WaitForNextTickAsync(_stop.Token);
                await LookAsync();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception fault)
            {
                KeepingFailed(_log, fault);
            }
        }
    }

    [LoggerMessage(
        EventId = 60, Level = LogLevel.Information, Message = "Signing key {KeyId} is published and signs from {From}")]
    private static partial void Came(ILogger log, string keyId, DateTimeOffset from);

    [LoggerMessage(EventId = 61, Level = LogLevel.Information, Message = "Signing key {KeyId} is published no more")]
    private static partial void Gone(ILogger log, string keyId);

    [LoggerMessage(
        EventId = 62, Level = LogLevel.Error,
        Message = "Version {Version} of the store's signing keys was sealed with another key; those known go on")]
    private static partial void Foreign(ILogger log, long version);

    [LoggerMessage(EventId = 63, Level = LogLevel.Error, Message = "Looking after the signing keys failed")]
    private static partial void KeepingFailed(ILogger log, Exception fault);
}
