using System.Runtime.CompilerServices;

#pragma warning disable CA1822 // The compiler calls these on a builder, whether they use it or not.
namespace Countersign.DataPlane;

/// <summary>
/// Builds the tasks of methods on a call's way (decision 0023). Their callers' context does not flow over their waits:
/// nothing on that way may rest on an async local.
/// </summary>
internal struct KeptTaskMethodBuilder<TResult>
{
    private KeptTask<TResult>? _task;
    private TResult _result;

    /// <summary>The method's task.</summary>
    public readonly ValueTask<TResult> Task => _task is null ? new(_result) : _task.Task;

    /// <summary>Called by the compiler.</summary>
    public static KeptTaskMethodBuilder<TResult> Create() => default;

    /// <summary>Runs the method up to its first wait.</summary>
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    /// <summary>Called by the compiler for boxed state machines, of which there are none.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
        // The state is moved at the first wait.
    }

    /// <summary>The method has returned.</summary>
    public void SetResult(TResult result)
    {
        if (_task is null) _result = result;
        else _task.SetResult(result);
    }

    /// <summary>The method has thrown.</summary>
    public void SetException(Exception exception) => (_task ??= new FaultedTask<TResult>()).SetException(exception);

    /// <summary>The method waits.</summary>
    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine =>
        awaiter.OnCompleted(KeptTask<TResult, TStateMachine>.Wait(ref _task, ref stateMachine));

    /// <summary>The method waits.</summary>
    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine =>
        awaiter.UnsafeOnCompleted(KeptTask<TResult, TStateMachine>.Wait(ref _task, ref stateMachine));
}

/// <summary>The same for methods without a result.</summary>
internal struct KeptTaskMethodBuilder
{
    private KeptTask<bool>? _task;

    /// <summary>The method's task.</summary>
    public readonly ValueTask Task => _task is null ? default : _task.TaskOfNothing;

    /// <summary>Called by the compiler.</summary>
    public static KeptTaskMethodBuilder Create() => default;

    /// <summary>Runs the method up to its first wait.</summary>
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    /// <summary>Called by the compiler for boxed state machines, of which there are none.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
        // The state is moved at the first wait.
    }

    /// <summary>The method has returned.</summary>
    public readonly void SetResult() => _task?.SetResult(true);

    /// <summary>The method has thrown.</summary>
    public void SetException(Exception exception) => (_task ??= new FaultedTask<bool>()).SetException(exception);

    /// <summary>The method waits.</summary>
    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine =>
        awaiter.OnCompleted(KeptTask<bool, TStateMachine>.Wait(ref _task, ref stateMachine));

    /// <summary>The method waits.</summary>
    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine =>
        awaiter.UnsafeOnCompleted(KeptTask<bool, TStateMachine>.Wait(ref _task, ref stateMachine));
}
