namespace Countersign.DataPlane.Sockets;

/// <summary>
/// What is known of one direction of a socket: nothing, that it is ready, or that somebody waits for it to be. The loop
/// signals, the connection's owner waits, anyone may cancel; exactly one of them ends a wait.
/// </summary>
internal struct Readiness
{
    private const int Unknown = 0, Signalled = 1, Parked = 2;

    private int _state;

    /// <summary>True if the kernel may have something: trying costs one call.</summary>
    internal readonly bool IsSignalled => Volatile.Read(in _state) == Signalled;

    /// <summary>Remembers that there may be more, without the kernel saying so again.</summary>
    internal void Set() => Volatile.Write(ref _state, Signalled);

    /// <summary>Forgets a signal just before the kernel is asked, so that one that comes meanwhile is kept.</summary>
    internal void Clear() => Interlocked.Exchange(ref _state, Unknown);

    /// <summary>Begins a wait; false if a signal has come meanwhile, so that the kernel must be asked again.</summary>
    internal bool TryPark() => Interlocked.CompareExchange(ref _state, Parked, Unknown) == Unknown;

    /// <summary>Begins a wait whatever is known: the waiter has its own resumption posted.</summary>
    internal void Park() => Interlocked.Exchange(ref _state, Parked);

    /// <summary>Ends a wait; false if somebody else has ended it.</summary>
    internal bool TryUnpark() => Interlocked.CompareExchange(ref _state, Signalled, Parked) == Parked;

    /// <summary>The kernel says that it is ready. True if a wait ended by it, which the caller then resumes.</summary>
    internal bool Signal() => Interlocked.Exchange(ref _state, Signalled) == Parked;
}
