using System.Threading.Channels;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging;

namespace Countersign.ControlPlane.Approvals;

/// <summary>
/// What happens to approvals, wherever it happens: every gateway tells the store's channel, and one loop here reads
/// each that moved, once, for all who listen. A window that closes is a move too, though nobody makes it: this keeps
/// the time of those it has seen open.
/// </summary>
internal sealed partial class ApprovalFeed : IAsyncDisposable
{
    // The store's clock and ours differ by a little: what has not lapsed there yet is asked for again after this.
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan WaitMax = TimeSpan.FromHours(1);

    // No approval has this id: it wakes the loop to look at its times again.
    private const string Wake = "";

    private readonly IApprovalStore _store;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Channel<string> _heard = Channel.CreateBounded<string>(
        new BoundedChannelOptions(ControlPlaneLimits.FeedHeardMax)
        {
            SingleReader = true,
            FullMode = BoundedChannelFullMode.Wait,
        });

    private readonly Lock _gate = new();
    private readonly List<FeedListener> _listeners = [];
    private readonly PriorityQueue<OpenWindow, DateTimeOffset> _open = new();
    private readonly HashSet<OpenWindow> _kept = [];
    private readonly CancellationTokenSource _stop = new();
    private IDisposable? _watch;
    private Task _loop = Task.CompletedTask;
    private int _missed;

    public ApprovalFeed(IApprovalStore store, TimeProvider clock, ILogger logger)
    {
        _store = store;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>Begins to listen to the store.</summary>
    public void Start()
    {
        _watch = _store.WatchAll(Hear);
        _loop = RunAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _watch?.Dispose();
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    /// <summary>
    /// Everything from now on, until the listener is disposed of; null where there are too many. A listener starts
    /// with what it missed so far: all.
    /// </summary>
    /// <param name="who">Whom the bound for one person counts; empty for the listener's own uses.</param>
    public FeedListener? Listen(string who = "")
    {
        FeedListener listener = new(who, Remove);
        lock (_gate)
        {
            if (who.Length > 0)
            {
                if (_listeners.Count >= ControlPlaneLimits.StreamsMax) return null;
                int own = _listeners.Count(one => one.Who == who);
                if (own >= ControlPlaneLimits.StreamsPerCallerMax) return null;
            }

            _listeners.Add(listener);
        }

        return listener;
    }

    /// <summary>Tells when this one's window closes, if nothing moves it before.</summary>
    public void Keep(Approval approval)
    {
        if (!ApprovalRules.IsLive(approval, _clock.GetUtcNow())) return;
        if (KeepOpen(approval)) _heard.Writer.TryWrite(Wake);
    }

    private void Hear(string? id)
    {
        lock (_gate)
        {
            if (_listeners.Count == 0) return;
        }

        if (id is not null && _heard.Writer.TryWrite(id)) return;
        Volatile.Write(ref _missed, 1);
        _heard.Writer.TryWrite(Wake);
    }

    private void Remove(FeedListener listener)
    {
        lock (_gate) _listeners.Remove(listener);
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await WaitAsync();
                if (Interlocked.Exchange(ref _missed, 0) == 1) TellMissed();
                while (_heard.Reader.TryRead(out string? id))
                {
                    if (id.Length > 0) await TellAsync(id, since: null);
                }

                while (NextLapsed() is { } window) await TellAsync(window.Id, window.Version);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault)
            {
                // A bug here must not leave every listener without word: they begin anew.
                FeedFailed(_logger, fault);
                TellMissed();
            }
        }
    }

    private async Task WaitAsync()
    {
        TimeSpan? until = null;
        lock (_gate)
        {
            if (_open.TryPeek(out _, out DateTimeOffset at)) until = at - _clock.GetUtcNow();
        }

        if (until <= TimeSpan.Zero) return;
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Task<bool> heard = _heard.Reader.WaitToReadAsync(either.Token).AsTask();
        Task due = Task.Delay(
            until is { } span && span < WaitMax ? span : WaitMax, _clock, either.Token);
        await Task.WhenAny(heard, due);
        await either.CancelAsync();
        _stop.Token.ThrowIfCancellationRequested();
    }

    private OpenWindow? NextLapsed()
    {
        lock (_gate)
        {
            if (!_open.TryPeek(out OpenWindow window, out DateTimeOffset at) || at > _clock.GetUtcNow()) return null;
            _open.Dequeue();
            _kept.Remove(window);
            return window;
        }
    }

    // With since: nobody said that it moved, so there is word of it only if it has lapsed in that very version.
    private async Task TellAsync(string id, long? since)
    {
        lock (_gate)
        {
            if (_listeners.Count == 0) return;
        }

        StoreResult<Approval> found = await _store.FindAsync(id);
        if (found.Status == StoreStatus.Unavailable)
        {
            TellMissed();
            return;
        }

        if (found.Value is not { } approval) return;
        bool isOpen = approval.State is ApprovalState.Pending or ApprovalState.Approved;
        if (isOpen) KeepOpen(approval);
        if (since is not null && (isOpen || approval.Version != since)) return;
        FeedItem item = new(approval, () => _store.PayloadAsync(id));
        FeedListener[] listeners;
        lock (_gate) listeners = [.. _listeners];
        foreach (FeedListener listener in listeners) listener.Offer(item);
    }

    private bool KeepOpen(Approval approval)
    {
        DateTimeOffset soonest = _clock.GetUtcNow() + AskAgain;
        OpenWindow window = new(approval.Id, approval.Version);
        lock (_gate)
        {
            // Beyond the bound nobody is told in time; they see it at their next look.
            if (_open.Count >= ControlPlaneLimits.FeedWindowsMax || !_kept.Add(window)) return false;
            _open.Enqueue(window, approval.ExpiresAt > soonest ? approval.ExpiresAt : soonest);
            return true;
        }
    }

    private void TellMissed()
    {
        FeedListener[] listeners;
        lock (_gate) listeners = [.. _listeners];
        foreach (FeedListener listener in listeners) listener.Miss();
    }

    [LoggerMessage(EventId = 20, Level = LogLevel.Error, Message = "The feed of approvals failed and goes on")]
    private static partial void FeedFailed(ILogger logger, Exception fault);

    private readonly record struct OpenWindow(string Id, long Version);
}
