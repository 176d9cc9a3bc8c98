using System.Numerics;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// What one call takes up: its place in the gateway and at its upstream, and memory for what is held back. Given back
/// whole at the end of the call, whatever happened. One per connection, used by one call after another.
/// </summary>
internal sealed class AdmissionTicket
{
    // What a leased buffer rents at least.
    private const uint BufferBytesMin = 4_096;

    private Admission? _admission;
    private ConcurrencyLimit? _upstream;
    private long _bodyBytes;
    private long _windowBytes;

    /// <summary>When the request left, as a timestamp; 0 where that is not measured.</summary>
    internal long DepartedAt { get; set; }

    /// <summary>Takes a place in the gateway.</summary>
    [HotPath]
    internal bool TryEnter(Admission admission)
    {
        if (!admission.Gateway.TryEnter()) return false;
        _admission = admission;
        return true;
    }

    /// <summary>Takes a place at an upstream.</summary>
    [HotPath]
    internal bool TryEnterUpstream(ConcurrencyLimit upstream)
    {
        if (!upstream.TryEnter()) return false;
        _upstream = upstream;
        return true;
    }

    /// <summary>
    /// Takes memory for a request body that has come to this many bytes, as its buffer grows: by doubling.
    /// </summary>
    internal bool TryBuffer(int bytes)
    {
        long wanted = BitOperations.RoundUpToPowerOf2(Math.Max((uint)bytes, BufferBytesMin));
        if (wanted <= _bodyBytes) return true;
        if (_admission is null || !_admission.TryBuffer(wanted - _bodyBytes)) return false;
        _bodyBytes = wanted;
        return true;
    }

    /// <summary>Takes memory for an answer that will be held back.</summary>
    [HotPath]
    internal bool TryHoldWindow(int bytes)
    {
        if (_admission is null || !_admission.TryBuffer(bytes)) return false;
        _windowBytes = bytes;
        return true;
    }

    /// <summary>
    /// Gives up the places while the call is held, and the window with them; false if too many are held already.
    /// </summary>
    internal bool TryPark()
    {
        if (_admission is not { } admission || !admission.TryPark()) return false;
        admission.Gateway.Leave();
        _upstream?.Leave();
        admission.Buffer(-_windowBytes);
        return true;
    }

    /// <summary>Takes them again, room or none: the call has waited its turn, and may have spent an approval.</summary>
    internal void Resume()
    {
        _admission!.Unpark();
        _admission.Gateway.Enter();
        _upstream?.Enter();
        _admission.Buffer(_windowBytes);
    }

    /// <summary>Gives everything back.</summary>
    [HotPath]
    internal void Return()
    {
        _upstream?.Leave();
        _upstream = null;
        DepartedAt = 0;
        if (_admission is not { } admission) return;
        _admission = null;
        admission.Gateway.Leave();
        long held = _bodyBytes + _windowBytes;
        if (held > 0) admission.Buffer(-held);
        _bodyBytes = _windowBytes = 0;
    }
}
