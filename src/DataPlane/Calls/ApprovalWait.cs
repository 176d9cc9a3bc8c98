using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// One held call's wait: until its approval moves, its time is up, or its client is gone. Costs no thread. Listening
/// begins before the approval is read, so that no move falls between the two.
/// </summary>
internal sealed class ApprovalWait : IDisposable
{
    private readonly IApprovalStore _store;
    private readonly CancellationToken _clientGone;
    private readonly CancellationTokenRegistration _goneRegistration;
    private readonly ITimer? _timer;
    private readonly Lock _gate = new();
    private TaskCompletionSource _news = NewSignal();
    private bool _isOver;
    private IDisposable? _watch;

    internal ApprovalWait(IApprovalStore store, TimeProvider clock, TimeSpan hold, CancellationToken clientGone)
    {
        _store = store;
        _clientGone = clientGone;
        IsWanted = hold > TimeSpan.Zero;
        if (!IsWanted) return;
        _timer = clock.CreateTimer(static state => ((ApprovalWait)state!).End(), this, hold, Timeout.InfiniteTimeSpan);
        _goneRegistration = clientGone.UnsafeRegister(static state => ((ApprovalWait)state!).End(), this);
    }

    /// <summary>True if the caller or the rule wants the call held at all.</summary>
    internal bool IsWanted { get; }

    /// <summary>The approval whose moves are listened for; empty while none is.</summary>
    internal string Watched { get; private set; } = "";

    /// <summary>True if the wait ended because nobody is waiting any more.</summary>
    internal bool ClientIsGone => _clientGone.IsCancellationRequested;

    /// <summary>
    /// True if moves of this approval are listened for already; false if listening began only now: read it again.
    /// </summary>
    internal bool Listens(string approval)
    {
        if (!IsWanted || Watched == approval) return true;
        _watch?.Dispose();
        Watched = approval;
        _watch = _store.Watch(approval, Moved);
        return false;
    }

    /// <summary>Completes when the approval may have moved, the time is up or the client is gone.</summary>
    internal Task News => _news.Task;

    /// <summary>After <see cref="News"/>: true if the approval may have moved, false if the wait is over.</summary>
    internal bool TakeNews()
    {
        lock (_gate)
        {
            if (_isOver) return false;
            _news = NewSignal();
            return true;
        }
    }

    /// <summary>Stops listening.</summary>
    public void Dispose()
    {
        _watch?.Dispose();
        _timer?.Dispose();
        _goneRegistration.Dispose();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Moved()
    {
        lock (_gate) _news.TrySetResult();
    }

    /// <summary>Ends the wait early: the gateway is shutting down, or nobody waits any more.</summary>
    internal void End()
    {
        lock (_gate)
        {
            _isOver = true;
            _news.TrySetResult();
        }
    }
}
