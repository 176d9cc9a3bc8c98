namespace Countersign.Bench.Operations;

/// <summary>
/// One thing the gateway does on every call, set up once and then done again and again. It checks what it got: an
/// operation that fails is not a fast one.
/// </summary>
internal abstract class Operation : IAsyncDisposable
{
    /// <summary>True if other threads have a part in it, so that their allocations count too.</summary>
    internal virtual bool SpansThreads => false;

    /// <summary>What the constructor could not wait for. Called once, first.</summary>
    internal virtual Task PrepareAsync() => Task.CompletedTask;

    /// <summary>Does it that many times. Completes before it returns unless <see cref="SpansThreads"/>.</summary>
    internal abstract Task RunAsync(int count);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ReleaseAsync();

    /// <summary>Gives back what the setup took.</summary>
    protected virtual ValueTask ReleaseAsync() => default;

    /// <summary>Throws unless the operation did what it is measured for.</summary>
    protected static void Require(bool isRight)
    {
        if (!isRight) ThrowWrong();
    }

    private static void ThrowWrong() =>
        throw new InvalidOperationException("the operation did not do what it is measured for");
}

/// <summary>An operation that neither waits nor leaves its thread.</summary>
internal abstract class InlineOperation : Operation
{
    /// <inheritdoc/>
    internal sealed override Task RunAsync(int count)
    {
        for (int turn = 0; turn < count; turn++) Run();
        return Task.CompletedTask;
    }

    /// <summary>Does it once.</summary>
    protected abstract void Run();
}
