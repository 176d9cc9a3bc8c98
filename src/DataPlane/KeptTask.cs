using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Countersign.DataPlane;

/// <summary>
/// A method that waits, without its state: what its caller awaits, exactly once. The framework's pooling builders keep
/// one per thread and one per core, so that a loop with many calls under way makes most of them anew; these are kept
/// per thread, last in first out, as many as a busy loop has under way (decision 0023).
/// </summary>
internal abstract class KeptTask<TResult> : IValueTaskSource<TResult>, IValueTaskSource
{
    private ManualResetValueTaskSourceCore<TResult> _end;

    /// <summary>What is awaited.</summary>
    internal ValueTask<TResult> Task => new(this, _end.Version);

    /// <summary>What is awaited, of a method without a result.</summary>
    internal ValueTask TaskOfNothing => new(this, _end.Version);

    /// <summary>Ends it well; whoever waits goes on here and now.</summary>
    internal void SetResult(TResult result) => _end.SetResult(result);

    /// <summary>Ends it with a fault.</summary>
    internal void SetException(Exception fault) => _end.SetException(fault);

    /// <inheritdoc/>
    public TResult GetResult(short token)
    {
        try
        {
            return _end.GetResult(token);
        }
        finally
        {
            _end.Reset();
            Keep();
        }
    }

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token) => GetResult(token);

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _end.GetStatus(token);

    /// <inheritdoc/>
    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _end.OnCompleted(continuation, state, token, flags);

    /// <summary>Its end was taken: the next call may use it.</summary>
    protected abstract void Keep();
}

/// <summary>A method that failed before it waited.</summary>
internal sealed class FaultedTask<TResult> : KeptTask<TResult>
{
    /// <inheritdoc/>
    protected override void Keep()
    {
        // Faults are rare; the collector may have it.
    }
}

/// <summary>A method that waits, with its state.</summary>
internal sealed class KeptTask<TResult, TStateMachine> : KeptTask<TResult>
    where TStateMachine : IAsyncStateMachine
{
    // More wait at once only in a burst, whose rest is the collector's.
    private const int KeptMax = 1_024;

    [ThreadStatic]
    private static KeptTask<TResult, TStateMachine>? t_top;

    private readonly Action _moveNext;
    private KeptTask<TResult, TStateMachine>? _below;
    private int _depth;
    private TStateMachine _stateMachine = default!;

    private KeptTask() => _moveNext = MoveNext;

    /// <summary>Where the method goes on after the wait that it is about to begin.</summary>
    internal static Action Wait(ref KeptTask<TResult>? task, ref TStateMachine stateMachine)
    {
        if (task is KeptTask<TResult, TStateMachine> waited) return waited._moveNext;
        KeptTask<TResult, TStateMachine> taken = Take();
        task = taken; // before the copy, which carries the builder, and so this, with it
        taken._stateMachine = stateMachine;
        return taken._moveNext;
    }

    /// <inheritdoc/>
    protected override void Keep()
    {
        // What the method held must not live on with it.
        _stateMachine = default!;
        KeptTask<TResult, TStateMachine>? below = t_top;
        _depth = below is null ? 1 : below._depth + 1;
        if (_depth > KeptMax) return;
        _below = below;
        t_top = this;
    }

    private void MoveNext() => _stateMachine.MoveNext();

    private static KeptTask<TResult, TStateMachine> Take()
    {
        if (t_top is not { } top) return new KeptTask<TResult, TStateMachine>();
        t_top = top._below;
        top._below = null;
        return top;
    }
}
