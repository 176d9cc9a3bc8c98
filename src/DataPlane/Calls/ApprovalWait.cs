using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// One held call's wait: until its approval moves or its window closes, its time is up, or its client is gone. Costs no
/// thread, and one timer. Listening begins before the approval is read, so that no move falls between the two.
/// </summary>
internal sealed class ApprovalWait : IDisposable
{
    /// <summary>How soon the store is asked again which did not say yet that a window has closed.</summary>
    internal static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(250);

    // A timer counts whole milliseconds by a coarser clock than ours, and may be that much early.
    private static readonly TimeSpan TimerSlack = TimeSpan.FromMilliseconds(16);

    private readonly IApprovalStore _store;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _hold;
    private readonly long _beganAt;
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
        _clock = clock;
        _hold = hold;
        _clientGone = clientGone;
        IsWanted = hold > TimeSpan.Zero;
        if (!IsWanted) return;
        _beganAt = clock.GetTimestamp();
        _timer = clock.CreateTimer(static state => ((ApprovalWait)state!).Ring(), this, hold, Timeout.InfiniteTimeSpan);
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

    /// <summary>
    /// Before <see cref="News"/> is waited for: an approval that lapses, as nothing tells of that, is news when its
    /// window closes. Whether it has closed is the store's to say, by its clock; one that does not say so yet is asked
    /// again, ever later where the clocks are far apart.
    /// </summary>
    /// <param name="approval">As it was read last.</param>
    internal void Expect(Approval approval)
    {
        if (_timer is null) return;
        TimeSpan left = _hold - _clock.GetElapsedTime(_beganAt);
        if (approval.State is ApprovalState.Pending or ApprovalState.Approved)
        {
            TimeSpan open = approval.ExpiresAt - _clock.GetUtcNow();
            TimeSpan look = open > TimeSpan.Zero ? open + TimerSlack : open.Negate();
            if (open <= TimeSpan.Zero && look < LookAgain) look = LookAgain;
            if (look < left) left = look;
        }

        _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// Completes when the approval may have moved or lapsed, the time is up or the client is gone.
    /// </summary>
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

    private void Ring()
    {
        if (_clock.GetElapsedTime(_beganAt) + TimerSlack >= _hold) End();
        else Moved();
    }

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
