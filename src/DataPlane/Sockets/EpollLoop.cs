using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Sockets;

/// <summary>
/// One thread that waits for its sockets to become ready and runs, then and there, whatever waited for them. A call
/// whose client and upstream are both of this loop never changes threads. Nothing on this thread may block. A turn
/// receives for all sockets that are ready, goes on with each, and sends what they wrote: decision 0087.
/// </summary>
internal sealed partial class EpollLoop : IDisposable
{
    // What a turn takes in: few enough that what is written first need not wait long for the turn's end.
    private const int EventsPerWait = 32;
    private const ulong WakeToken = ulong.MaxValue;

    private readonly ConcurrentQueue<IResumable> _posted = new();
    private readonly Lock _slotsGate = new();
    private readonly Stack<int> _freeSlots = new();
    private readonly LoopClock _clock;
    private readonly ILogger _log;
    private readonly int _lane;
    private readonly int _epoll;
    private readonly int _wake;
    private readonly Thread _thread;
    private readonly bool _usesRing;
    private readonly Steps _woken = new();
    private Steps _sends = new();
    private Steps _sending = new();
    private bool _isShared;   // the turn is of several sockets
    private Slot[] _slots = new Slot[64];
    private int _slotCount;
    private int _isAwake;
    private volatile bool _isStopping;
    private bool _isClosed;

    /// <summary>Starts a loop. Throws <see cref="IOException"/> where the kernel has no descriptor left.</summary>
    /// <param name="lane">Its number, from 1 on.</param>
    /// <param name="usesRing">Receives and sends by <see cref="Ring"/>, where the kernel lets it.</param>
    /// <param name="clock">The clock whose turns it begins.</param>
    /// <param name="log">Where faults go.</param>
    internal EpollLoop(int lane, bool usesRing, LoopClock clock, ILogger log)
    {
        _usesRing = usesRing;
        _clock = clock;
        _lane = lane;
        _log = log;
        _epoll = Epoll.Create();
        _wake = Epoll.CreateWake();
        if (_epoll < 0 || _wake < 0 || !Epoll.TryWatch(_epoll, _wake, Epoll.In | Epoll.EdgeTriggered, WakeToken))
        {
            throw new IOException("The kernel gave no epoll instance: are there file descriptors left?");
        }

        _thread = new Thread(Run) { IsBackground = true, Name = "countersign-io-" + lane };
        _thread.Start();
    }

    /// <summary>Sockets it watches.</summary>
    internal int Count => Volatile.Read(ref _slotCount);

    /// <summary>True on the loop's own thread.</summary>
    internal bool IsCurrent => Environment.CurrentManagedThreadId == _thread.ManagedThreadId;

    /// <summary>Watches a socket from now on; the returned slot is given back by <see cref="Forget"/>.</summary>
    internal int Watch(EpollConnection socket, int descriptor)
    {
        int slot;
        ulong token;
        lock (_slotsGate)
        {
            if (_isClosed) throw new IOException("The event loop has ended.");
            if (!_freeSlots.TryPop(out slot))
            {
                slot = _slotCount;
                if (slot == _slots.Length)
                {
                    Slot[] larger = new Slot[_slots.Length * 2];
                    _slots.CopyTo(larger, 0);
                    Volatile.Write(ref _slots, larger);
                }
            }

            uint generation = _slots[slot].Generation + 1;
            _slots[slot] = new Slot(socket, generation);
            token = ((ulong)generation << 32) | (uint)slot;
            _slotCount++;
            const uint Both = Epoll.In | Epoll.Out | Epoll.ReadHup | Epoll.EdgeTriggered;
            if (Epoll.TryWatch(_epoll, descriptor, Both, token)) return slot;
        }

        Forget(slot);
        throw new IOException("The kernel does not watch the socket: error " + Marshal.GetLastPInvokeError() + ".");
    }

    /// <summary>Lets go of a socket; the kernel stops watching when its descriptor is closed.</summary>
    internal void Forget(int slot)
    {
        lock (_slotsGate)
        {
            _slots[slot] = _slots[slot] with { Socket = null };
            _freeSlots.Push(slot);
            _slotCount--;
        }
    }

    /// <summary>Has something resumed on this loop's thread, soon.</summary>
    internal void Post(IResumable resumable)
    {
        _posted.Enqueue(resumable);
        if (Interlocked.Exchange(ref _isAwake, 1) == 0) Wake();
    }

    /// <summary>Ends the thread; what still waits is never resumed.</summary>
    public void Dispose()
    {
        if (_isStopping) return;
        _isStopping = true;
        Wake();
        if (!IsCurrent) _thread.Join();
    }

    /// <summary>
    /// Has a flush sent at the end of this turn; false if it need not wait for others, or this is not the loop's
    /// thread.
    /// </summary>
    [HotPath]
    internal bool TryDefer(EpollWriter flush)
    {
        if (!_isShared || Lane.Current != _lane) return false;
        _sends.Add(flush);
        return true;
    }

    private void Run()
    {
        Lane.Enter(_lane);
        Ring? ring = _usesRing ? Ring.TryOpen() : null;
        if (_usesRing && ring is null) LogNoRing(_log);
        EpollEvents events = new(EventsPerWait);
        while (!_isStopping)
        {
            LoopClock.Rest();
            int count = Epoll.Wait(_epoll, events, waits: _sends.Count == 0);
            int error = count < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (error != 0 && error != Epoll.Interrupted)
            {
                LogBroken(_log, error);
                break;
            }

            for (int index = 0; index < count; index++)
            {
                (uint ready, ulong token) = events.At(index);
                if (token != WakeToken) Dispatch(ready, token);
            }

            _isShared = _woken.Count > 1;
            Take(_woken, ring);
            if (Volatile.Read(ref _isAwake) != 0) RunPosted();
            if (_sends.Count == 0) continue;
            (_sends, _sending) = (_sending, _sends);
            Take(_sending, ring);
        }

        ring?.Dispose();
        lock (_slotsGate)
        {
            _isClosed = true;
            Epoll.Close(_wake);
            Epoll.Close(_epoll);
        }
    }

    private void Dispatch(uint ready, ulong token)
    {
        Slot slot = Volatile.Read(ref _slots)[(int)(uint)token];
        // An event of a socket that was closed a moment ago must not reach its successor.
        if (slot.Socket is null || slot.Generation != (uint)(token >> 32)) return;
        slot.Socket.OnReady(ready, _woken);
    }

    private void Take(Steps steps, Ring? ring)
    {
        if (steps.Count > 1 && ring is { IsBroken: false }) Ask(steps, ring);
        for (int index = 0; index < steps.Count; index++)
        {
            try
            {
                _clock.Turn();
                steps[index].Continue();
            }
            catch (Exception fault)
            {
                // Continuations keep their exceptions to themselves, so this is a bug; the other sockets go on.
                LogFault(_log, fault);
            }
        }

        steps.Clear();
    }

    // What could not be asked for together each asks for itself as it goes on.
    private void Ask(Steps steps, Ring ring)
    {
        try
        {
            steps.Ask(ring);
        }
        catch (Exception fault)
        {
            LogFault(_log, fault);
        }

        if (ring.IsBroken) LogRingLost(_log);
    }

    private void RunPosted()
    {
        // First the flag, then the queue: whoever posts after this wakes the loop again.
        Interlocked.Exchange(ref _isAwake, 0);
        for (int left = _posted.Count; left > 0 && _posted.TryDequeue(out IResumable? resumable); left--)
        {
            try
            {
                _clock.Turn();
                resumable.Resume();
            }
            catch (Exception fault)
            {
                LogFault(_log, fault);
            }
        }

        // What was posted meanwhile waits for the sockets' turn, and is not forgotten.
        if (!_posted.IsEmpty && Interlocked.Exchange(ref _isAwake, 1) == 0) Wake();
    }

    // The number of a closed descriptor soon belongs to another file, which must never get these eight bytes. Waking
    // is for cancellations and yields, not for every call, so the lock costs nothing.
    private void Wake()
    {
        lock (_slotsGate)
        {
            if (!_isClosed) Epoll.Wake(_wake);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A continuation failed on an event loop")]
    private static partial void LogFault(ILogger log, Exception fault);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "An event loop has no io_uring, perhaps for want of memory that may be locked, and does without")]
    private static partial void LogNoRing(ILogger log);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "An event loop's io_uring refused what it was given; it goes on without")]
    private static partial void LogRingLost(ILogger log);

    [LoggerMessage(Level = LogLevel.Critical, Message = "An event loop ended: the kernel said error {Error}")]
    private static partial void LogBroken(ILogger log, int error);

    private readonly record struct Slot(EpollConnection? Socket, uint Generation);
}

/// <summary>What a loop resumes on its own thread.</summary>
internal interface IResumable
{
    /// <summary>Runs on the loop's thread; may not block.</summary>
    void Resume();
}
