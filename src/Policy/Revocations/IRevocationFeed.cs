namespace Countersign.Policy.Revocations;

/// <summary>Keeps what is revoked in force here, as the store has it.</summary>
public interface IRevocationFeed
{
    /// <summary>Asks the store: what was revoked before this was called is in force here when it ends. False where the
    /// store did not tell; the last list stays in force then.</summary>
    ValueTask<bool> CatchUpAsync();
}
