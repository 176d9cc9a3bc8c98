namespace Countersign.ControlPlane.Approvals;

/// <summary>
/// How long a stream may go on: until its viewer goes, the listener stops, or the token or session that it was opened
/// with is over, to the moment.
/// </summary>
internal sealed class StreamLease : IDisposable
{
    // Longer than a timer can be set for is longer than anybody listens: they come back.
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(30);

    private readonly DateTimeOffset _until;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _expiry;
    private readonly CancellationTokenSource _ends;

    public StreamLease(
        DateTimeOffset until, TimeProvider clock, CancellationToken gone, CancellationToken stopping)
    {
        TimeSpan left = until - clock.GetUtcNow();
        if (left < TimeSpan.Zero) left = TimeSpan.Zero;
        _until = until;
        _clock = clock;
        _expiry = new CancellationTokenSource(left < LongestTimer ? left : LongestTimer, clock);
        _ends = CancellationTokenSource.CreateLinkedTokenSource(gone, stopping, _expiry.Token);
    }

    /// <summary>Cancelled when it is over.</summary>
    public CancellationToken Ends => _ends.Token;

    /// <summary>True when nothing more may be told; by the clock too, since a timer may be late.</summary>
    public bool IsOver => _ends.IsCancellationRequested || _clock.GetUtcNow() >= _until;

    /// <inheritdoc/>
    public void Dispose()
    {
        _ends.Dispose();
        _expiry.Dispose();
    }
}
