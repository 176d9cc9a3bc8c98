namespace Countersign.Audit;

/// <summary>
/// Room in the log for one call: a record for its intent and one for its outcome. The default holds nothing. Give it
/// back
/// once, with <see cref="AuditLog.Return"/>, whether its records were used or not.
/// </summary>
public readonly struct AuditReservation : IEquatable<AuditReservation>
{
    private readonly AuditRecord? _intent;
    private readonly AuditRecord? _outcome;

    internal AuditReservation(AuditRecord intent, AuditRecord outcome)
    {
        _intent = intent;
        _outcome = outcome;
        IntentLeaseTag = intent.LeaseTag;
        OutcomeLeaseTag = outcome.LeaseTag;
    }

    /// <summary>True if it came from <see cref="AuditLog.TryReserve"/>.</summary>
    public bool IsHeld => _intent is not null;

    /// <summary>The record for what is about to happen.</summary>
    public AuditRecord Intent => _intent ?? throw new InvalidOperationException("nothing is reserved");

    /// <summary>The record for what came of it.</summary>
    public AuditRecord Outcome => _outcome ?? throw new InvalidOperationException("nothing is reserved");

    internal uint IntentLeaseTag { get; }

    internal uint OutcomeLeaseTag { get; }

    /// <summary>True for the same reservation.</summary>
    public bool Equals(AuditReservation other) =>
        ReferenceEquals(_intent, other._intent) && IntentLeaseTag == other.IntentLeaseTag
        && ReferenceEquals(_outcome, other._outcome) && OutcomeLeaseTag == other.OutcomeLeaseTag;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is AuditReservation other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_intent, IntentLeaseTag);

    /// <summary>True for the same reservation.</summary>
    public static bool operator ==(AuditReservation left, AuditReservation right) => left.Equals(right);

    /// <summary>False for the same reservation.</summary>
    public static bool operator !=(AuditReservation left, AuditReservation right) => !left.Equals(right);
}
