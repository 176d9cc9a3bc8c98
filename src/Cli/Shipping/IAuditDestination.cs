namespace Countersign.Cli.Shipping;

/// <summary>
/// Where audit entries are shipped to. Nothing here throws for a destination that is away or refuses. One caller at a
/// time.
/// </summary>
internal interface IAuditDestination : IAsyncDisposable
{
    /// <summary>True if it knows by itself which entries it has, so that a cursor on disk is only a hint.</summary>
    bool Remembers { get; }

    /// <summary>Readies it for a log, after a start and after every failure.</summary>
    ValueTask<ShipOpening> OpenAsync(LogIdentity log, CancellationToken cancellation);

    /// <summary>
    /// Writes a batch; <see cref="ShipStatus.Taken"/> once it is durable there by its own terms. Entries that it has
    /// already are taken, not added.
    /// </summary>
    ValueTask<ShipResult> WriteAsync(ShipBatch batch, CancellationToken cancellation);
}
