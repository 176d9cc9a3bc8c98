using Countersign.Audit;
using Countersign.Cli.Configuration;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>
/// Once a second: asks the witnesses to cosign the log's newest head, keeps and publishes what they gave, and looks at
/// what they saw of this log's past. A head is held until all have answered or had their time, so that cosignatures
/// meet on one.
/// </summary>
internal sealed partial class WitnessRounds : IAsyncDisposable
{
    private static readonly TimeSpan RoundEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HeadHeldFor = TimeSpan.FromSeconds(4);

    private readonly AuditChain _chain;
    private readonly FleetWitness? _fleet;
    private readonly IReadOnlyList<HttpWitness> _others;
    private readonly GatewayAudit _audit;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private AuditCheckpoint? _head;
    private long _headSince;
    private byte[] _kept = [];
    private readonly Dictionary<string, DateTimeOffset> _levelAt = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Size, DateTimeOffset At)> _keptAt = new(StringComparer.Ordinal);
    private bool _isStoreJudged;
    private bool _isUnwitnessed;

    internal WitnessRounds(
        AuditChain chain, FleetWitness? fleet, IReadOnlyList<HttpWitness> others, GatewayAudit audit,
        TimeProvider clock, ILogger log)
    {
        (_chain, _fleet, _others, _audit, _clock, _log) = (chain, fleet, others, audit, clock, log);
    }

    private IEnumerable<WitnessPetition> Petitions =>
        _others.Select(one => one.Petition).Concat(_fleet?.Petitions ?? []);

    /// <summary>Begins. Call it once.</summary>
    internal void Start() => _running = Task.Run(RunAsync);

    /// <summary>Ends with the round under way.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using PeriodicTimer timer = new(RoundEvery, _clock);
        try
        {
            do
            {
                try
                {
                    await RoundAsync();
                }
                catch (Exception fault) when (fault is not OperationCanceledException)
                {
                    // One round that fails is no end: the next looks anew.
                    RoundFailed(_log, fault);
                }
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            // The process ends.
        }
    }

    private async Task RoundAsync()
    {
        if (_chain.Log.LastCheckpoint is not { } newest) return;
        if (_fleet is not null && !_isStoreJudged) await JudgeStoreAsync(_fleet);
        if (_head is null || MayMoveOn(_head)) (_head, _headSince) = (newest, _clock.GetTimestamp());
        List<byte[]> evidence = _fleet is null ? [] : await _fleet.TurnAsync(_head);
        foreach (HttpWitness witness in _others)
        {
            if (witness.Petition.Cosigned?.Size != _head.Size)
                evidence.Add(await witness.AskAsync(_head, _stop.Token));
        }

        foreach (byte[] seen in evidence) Judge(seen, "a witness");
        await KeepAsync(_head);
        _chain.Follow(
        [
            .. _others.Select(one => Standing(one.Petition, one.Address, _head)),
            .. (_fleet?.Petitions ?? []).Select(one => Standing(one, "fleet", _head)),
        ]);
        TellOfQuorum();
    }

    private void TellOfQuorum()
    {
        string? because = _chain.UnwitnessedBecause;
        bool isUnwitnessed = because is not null;
        if (isUnwitnessed == _isUnwitnessed) return;
        _isUnwitnessed = isUnwitnessed;
        _audit.Record(isUnwitnessed ? AuditChain.Unwitnessed : "audit-witnessed", because ?? "");
        if (isUnwitnessed) TooFewWitnesses(_log, because!);
        else EnoughWitnesses(_log);
    }

    private WitnessStanding Standing(WitnessPetition petition, string through, AuditCheckpoint head)
    {
        string key = petition.Witness.ToString();
        (long size, DateTimeOffset at) = petition.Cosigned is { } last
            ? (last.Size, petition.CosignedAt)
            : KeptOf(petition.Witness, key);
        if (petition.Cosigned is { } cosigned && cosigned.Size >= head.Size) _levelAt[key] = _clock.GetUtcNow();
        return new WitnessStanding(
            key, through, size, at, _levelAt.GetValueOrDefault(key), petition.Trouble);
    }

    // What it had cosigned before this process started, as the folder shows.
    private (long Size, DateTimeOffset At) KeptOf(CosignerKey witness, string key)
    {
        if (_keptAt.TryGetValue(key, out (long Size, DateTimeOffset At) kept)) return kept;
        bool isThere = AuditVerifier.TryReadWitnessed(_chain.Log.Folder, witness, out AuditCheckpoint? cosigned);
        if (isThere && witness.HasSigned(cosigned!.Note.Span, out DateTimeOffset at)) kept = (cosigned.Size, at);
        return _keptAt[key] = kept;
    }

    private bool MayMoveOn(AuditCheckpoint head) => _clock.GetElapsedTime(_headSince) >= HeadHeldFor
        || Petitions.All(one => one.Cosigned?.Size == head.Size);

    // What the store kept of the time before this start: a log that was put back has fewer entries than that.
    private async Task JudgeStoreAsync(FleetWitness fleet)
    {
        ReadOnlyMemory<byte> published = await fleet.HeadAsync();
        _isStoreJudged = true;
        if (!published.IsEmpty) Judge(published.Span, "the store");
    }

    private void Judge(ReadOnlySpan<byte> seen, string by)
    {
        PastStanding standing = PastEvidence.Judge(_chain.Log, seen);
        if (standing is not (PastStanding.RolledBack or PastStanding.Forked)) return;
        string because = standing == PastStanding.RolledBack
            ? $"{by} kept a checkpoint of entries that this log no longer has"
            : $"{by} kept a checkpoint of other entries than this log has";
        if (!_chain.Doubt(standing, because)) return;
        _audit.Record(standing == PastStanding.RolledBack ? AuditChain.RolledBack : AuditChain.Forked, because);
        PastDoubted(_log, because);
    }

    private async Task KeepAsync(AuditCheckpoint head)
    {
        // A log in doubt publishes nothing: the store keeps what contradicts it.
        if (_chain.Log.DoubtedBecause is not null) return;
        byte[] note = WitnessPetition.Assemble(head, Petitions);
        if (note.AsSpan().SequenceEqual(_kept)) return;
        bool isPublished = _fleet is null || await _fleet.PublishAsync(note);
        if (note.Length > head.Note.Length) _chain.Log.KeepWitnessed(note);
        if (isPublished) _kept = note;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The log's witnesses could not be asked")]
    private static partial void RoundFailed(ILogger log, Exception fault);

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "{Because}. High and critical functions are refused")]
    private static partial void TooFewWitnesses(ILogger log, string because);

    [LoggerMessage(Level = LogLevel.Information, Message = "As many witnesses as are required follow the audit log")]
    private static partial void EnoughWitnesses(ILogger log);

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "The audit log is not the one that was witnessed: {Because}. "
            + "High and critical functions are refused")]
    private static partial void PastDoubted(ILogger log, string because);
}
