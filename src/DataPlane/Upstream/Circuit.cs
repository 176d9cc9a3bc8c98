using Countersign.Policy;

namespace Countersign.DataPlane.Upstream;

/// <summary>Whether calls pass to an endpoint. The numbers are those of the metric.</summary>
internal enum CircuitState : byte
{
    /// <summary>Calls pass.</summary>
    Closed = 0,

    /// <summary>Ejected: none passes.</summary>
    Open = 1,

    /// <summary>The ejection is over: one call at a time shows whether the endpoint is back.</summary>
    HalfOpen = 2,
}

/// <summary>
/// What the calls to an endpoint say of it: failures in a row open the circuit for a time that doubles. Moves are made
/// under the lock of the endpoint's group; states are read without.
/// </summary>
internal sealed class Circuit
{
    private int _failures;
    private int _ejections;
    private int _trials;
    private long _until;
    private long _closedAt;
    private bool _isAvoided;
    private volatile CircuitState _state;

    /// <summary>Where it stands.</summary>
    internal CircuitState State => _state;

    /// <summary>True if it failed as an ejected one does, and had to stay: others are preferred.</summary>
    internal bool IsAvoided => Volatile.Read(ref _isAvoided);

    /// <summary>True if the last call was answered and all is well: nothing need be noted.</summary>
    internal bool IsCalm => Volatile.Read(ref _failures) == 0 && _state == CircuitState.Closed;

    /// <summary>Takes the one trial of a half-open circuit; false if a call is trying already.</summary>
    internal bool TryBeginTrial() => Interlocked.CompareExchange(ref _trials, 1, 0) == 0;

    /// <summary>A trial ended without saying anything of the endpoint.</summary>
    internal void EndTrial() => Volatile.Write(ref _trials, 0);

    /// <summary>A call was answered. True if the state changed.</summary>
    internal bool Succeed(long now)
    {
        if (_state == CircuitState.Open) return false; // said before the ejection
        _failures = 0;
        _isAvoided = false;
        if (_state == CircuitState.Closed) return false;
        _closedAt = now;
        return Move(CircuitState.Closed);
    }

    /// <summary>A call failed. True if the state changed.</summary>
    /// <param name="terms">When to eject, and for how long.</param>
    /// <param name="mayOpen">False if too many other endpoints are ejected.</param>
    /// <param name="now">Timestamp.</param>
    /// <param name="frequency">Timestamps per second.</param>
    internal bool Fail(EjectionTerms terms, bool mayOpen, long now, long frequency)
    {
        if (_state == CircuitState.Open) return false;
        bool isTrial = _state == CircuitState.HalfOpen;
        if (++_failures < terms.After && !isTrial) return false;

        // As long a calm as the longest ejection, and the past is forgotten.
        if (!isTrial && now - _closedAt > (long)(terms.ForMax.TotalSeconds * frequency)) _ejections = 0;
        double seconds = Math.Min(terms.For.TotalSeconds * Math.Pow(2, _ejections), terms.ForMax.TotalSeconds);
        _until = now + (long)(seconds * frequency);
        _isAvoided = !mayOpen;
        if (!mayOpen) return Move(CircuitState.Closed);
        _ejections = Math.Min(_ejections + 1, 30);
        return Move(CircuitState.Open);
    }

    /// <summary>Ends what has lasted long enough. True if the state changed.</summary>
    internal bool Beat(long now)
    {
        if (now < _until) return false;
        if (_isAvoided)
        {
            _isAvoided = false;
            _failures = 0;
        }

        return _state == CircuitState.Open && Move(CircuitState.HalfOpen);
    }

    private bool Move(CircuitState to)
    {
        bool isChange = _state != to;
        _state = to;
        _failures = isChange ? 0 : _failures;
        EndTrial();
        return isChange;
    }
}
