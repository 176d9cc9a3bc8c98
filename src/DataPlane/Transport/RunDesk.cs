using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Countersign.DataPlane.Calls;
using Countersign.DataPlane.Http;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Transport;

/// <summary>
/// Makes the calls of those who did not wait (<c>respond-async</c>): as soon as this gateway sees one approved, it runs
/// through the same pipeline as any call, and the claim in it decides which gateway makes it. What was missed is found
/// by looking again every few seconds, so any gateway may be gone at any time.
/// </summary>
internal sealed partial class RunDesk : IAsyncDisposable
{
    private const int RunsMax = 64;
    private const int SeenMax = 4_096;
    private const int ListedMax = 1_000;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan TickEvery = TimeSpan.FromMilliseconds(250);

    private readonly DataServices _services;
    private readonly IApprovalStore _store;
    private readonly PayloadSeal _seal;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _room = new(RunsMax);
    private readonly ConcurrentDictionary<string, CallContext?> _running = new(StringComparer.Ordinal);

    // What does not fit is found by the next look.
    private readonly Channel<string?> _seen = Channel.CreateBounded<string?>(
        new BoundedChannelOptions(SeenMax) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly TaskCompletionSource _lastEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IDisposable? _watch;
    private Task _working = Task.CompletedTask;
    private bool _isDraining;

    internal RunDesk(DataServices services, IApprovalStore store, PayloadSeal seal, ILogger log)
    {
        _services = services;
        _store = store;
        _seal = seal;
        _log = log;
    }

    /// <summary>Begins to look. Call it once.</summary>
    internal void Start()
    {
        _watch = _store.WatchAll(id => _seen.Writer.TryWrite(id));
        _working = Task.WhenAll(ReadAsync(), LookAsync(), TickAsync());
    }

    /// <summary>True while that call is being made, with a credential for it alone.</summary>
    internal bool HasLent(Guid call)
    {
        foreach (KeyValuePair<string, CallContext?> running in _running)
        {
            if (running.Value?.Lent.IsFor(call) == true) return true;
        }

        return false;
    }

    /// <summary>Takes no more, lets what runs end within the drain's time, and gives up on what does not.</summary>
    public async ValueTask DisposeAsync()
    {
        _watch?.Dispose();
        await _stop.CancelAsync();
        _seen.Writer.TryComplete();
        await _working;
        Interlocked.Exchange(ref _isDraining, true);
        long since = _services.Clock.GetTimestamp();
        using PeriodicTimer timer = new(TickEvery, _services.Clock);
        while (!_running.IsEmpty)
        {
            bool isOver = _services.Clock.GetElapsedTime(since) >= _services.Limits.DrainWithin;
            foreach (CallContext? call in _running.Values)
            {
                call?.TickUpstream(_services.Clock.GetTimestamp());
                if (isOver) call?.Upstream?.GiveUp();
            }

            await Task.WhenAny(_lastEnded.Task, timer.WaitForNextTickAsync(CancellationToken.None).AsTask());
        }

        _stop.Dispose();
        _room.Dispose();
    }

    private async Task ReadAsync()
    {
        await foreach (string? id in _seen.Reader.ReadAllAsync(CancellationToken.None))
        {
            if (_stop.IsCancellationRequested) return;
            if (id is null) await LookOnceAsync();
            else Begin(id);
        }
    }

    private async Task LookAsync()
    {
        using PeriodicTimer timer = new(LookEvery, _services.Clock);
        while (await TicksAsync(timer)) _seen.Writer.TryWrite(null);
    }

    // No connection's heartbeat looks at these calls' deadlines.
    private async Task TickAsync()
    {
        using PeriodicTimer timer = new(TickEvery, _services.Clock);
        while (await TicksAsync(timer))
        {
            long now = _services.Clock.GetTimestamp();
            foreach (CallContext? call in _running.Values) call?.TickUpstream(now);
        }
    }

    private async ValueTask<bool> TicksAsync(PeriodicTimer timer)
    {
        try
        {
            return await timer.WaitForNextTickAsync(_stop.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async ValueTask LookOnceAsync()
    {
        StoreResult<IReadOnlyList<string>> waiting = await _store.ListRunsAsync(ListedMax);
        if (!waiting.IsOk) return;
        foreach (string id in waiting.Value!) Begin(id);
    }

    // One at a time of each, and so many in all: the others wait for the next look.
    private void Begin(string id)
    {
        if (!_room.Wait(0, CancellationToken.None)) return;
        if (_running.TryAdd(id, null)) _ = RunAsync(id);
        else _room.Release();
    }

    private async Task RunAsync(string id)
    {
        await Task.Yield();
        try
        {
            StoreResult<Approval> found = await _store.FindAsync(id);
            bool isWanted = found.IsOk && found.Value!.Runs && found.Value.State == ApprovalState.Approved;
            if (isWanted) await RunAsync(found.Value!);
        }
        catch (Exception fault)
        {
            RunFailed(_log, fault, id);
        }
        finally
        {
            _room.Release();
            _running.TryRemove(id, out _);
            if (Volatile.Read(ref _isDraining) && _running.IsEmpty) _lastEnded.TrySetResult();
        }
    }

    private async Task RunAsync(Approval approval)
    {
        StoreResult<byte[]> sealedRun = await _store.RunAsync(approval.Id);
        StoreResult<byte[]> sealedBody = await _store.PayloadAsync(approval.Id);
        if (!sealedRun.IsOk || !sealedBody.IsOk) return;
        bool opens = _seal.TryOpen(SealedRun.SealName(approval.Digest), sealedRun.Value!, out byte[] opened)
            & _seal.TryOpen(CallPayload.SealName(approval.Id), sealedBody.Value!, out byte[] body);
        if (!opens || SealedRun.Read(opened) is not { } run || CallPayload.Read(body) is not { } payload)
        {
            Unopened(_log, approval.Id);
            return;
        }

        await MakeAsync(approval, run, run.Message ?? payload.Body);
    }

    private async Task MakeAsync(Approval approval, SealedRun run, ReadOnlyMemory<byte> body)
    {
        Pipe input = new();
        await input.Writer.WriteAsync(body);
        await input.Writer.CompleteAsync();
        await using RunConnection connection = new();
        ClientSide client = new(
            input.Reader, PipeWriter.Create(Stream.Null), run.Address, run.IsTls, _services.PublicUrl, connection);
        using CallContext call = new(client, _services.Clock);
        Limits limits = _services.Limits;
        call.Request.Load(new ReadOnlySequence<byte>(run.Head));
        HttpFault fault = RequestParser.Parse(call.Request, new HeadBounds(limits.TargetBytesMax, limits.FieldsMax));
        call.Begin(fault == HttpFault.None ? Verdict.Proceed : Verdict.Malformed, _services.Clock);
        call.RunAs(run.Caller, approval);
        call.RequestBody.Start(
            call.Request.Framing, call.Request.ContentLength, limits.BodyBytesMax,
            new ChunkBounds(limits.ChunkExtensionBytesMax, limits.TrailerBytesMax, limits.TrailersMax));
        _running[approval.Id] = call;
        _services.Metrics?.Begin();
        await _services.Pipeline.RunAsync(call);
        _services.Metrics?.End(call.Verdict, _services.Clock.GetElapsedTime(call.StartedAt));
        _running[approval.Id] = null;
        await VoidAsync(call, approval);
        call.Reset();
        await input.Reader.CompleteAsync();
    }

    // The policy now in force has no such pause any more: what it refuses, or lets anybody do, nobody countersigned.
    // Nor does anybody call who was revoked since they asked.
    private async ValueTask VoidAsync(CallContext call, Approval approval)
    {
        bool isVoid = call.Verdict is Verdict.Denied or Verdict.DutyConflict or Verdict.UnknownFunction
            or Verdict.Unauthenticated or Verdict.ApprovalMismatch or Verdict.Malformed or Verdict.ReasonRequired;
        if (!isVoid || ApprovalRules.Void(approval) is not { IsMoved: true } move) return;
        await _store.MoveAsync(approval, move.Next!);
        Voided(_log, approval.Id, call.Verdict);
    }

    [LoggerMessage(
        Level = LogLevel.Error, Message = "Making the call of approval {Id} failed by a fault of the gateway")]
    private static partial void RunFailed(ILogger log, Exception fault, string id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The call of approval {Id} is sealed under another key")]
    private static partial void Unopened(ILogger log, string id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Approval {Id} is void: its call would be {Verdict} now")]
    private static partial void Voided(ILogger log, string id, Verdict verdict);

    /// <summary>Where a client would be.</summary>
    private sealed class RunConnection : BaseConnectionContext
    {
        public override string ConnectionId { get; set; } = "run";

        public override IFeatureCollection Features { get; } = new FeatureCollection();

        public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

        public override EndPoint? RemoteEndPoint { get; set; }

        public override void Abort()
        {
        }

        public override void Abort(ConnectionAbortedException abortReason)
        {
        }
    }
}
