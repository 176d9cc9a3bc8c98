namespace Countersign.ControlPlane;

/// <summary>
/// Whether this process wants new calls, as <c>/health/ready</c> tells load balancers. The process that drains says so
/// here first, before it stops to accept.
/// </summary>
public sealed class Readiness
{
    private volatile bool _isDraining;

    /// <summary>Raised once, when the drain begins.</summary>
    public event Action? DrainBegun;

    /// <summary>True once a drain has begun; there is no way back.</summary>
    public bool IsDraining => _isDraining;

    /// <summary>Turns <c>/health/ready</c> to 503 <c>draining</c>.</summary>
    public void BeginDrain()
    {
        _isDraining = true;
        DrainBegun?.Invoke();
    }
}
