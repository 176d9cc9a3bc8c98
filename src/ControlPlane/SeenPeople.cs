using System.Runtime.CompilerServices;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane;

/// <summary>
/// Notes in the store which groups a person shows here, so that a claim knows of a group that an approver has lost
/// since, and a decision of one that whoever decides has lost. Once for each token and again after a while, not with
/// every request.
/// </summary>
internal sealed class SeenPeople(IApprovalStore store, TimeProvider clock)
{
    // What was noted is kept far longer; this only bounds how long a store that has forgotten is not told again.
    private static readonly TimeSpan NotedAgainAfter = TimeSpan.FromMinutes(5);

    // A verified token's caller is one object for as long as it is cached.
    private readonly ConditionalWeakTable<Caller, Noted> _noted = [];

    /// <summary>Notes a person; anybody else approves nothing. A store that is away is told next time.</summary>
    public async ValueTask NoteAsync(Caller caller)
    {
        if (!caller.IsPerson) return;
        if (_noted.TryGetValue(caller, out Noted? noted) && clock.GetElapsedTime(noted.At) < NotedAgainAfter) return;
        if (await store.NoteAsync(caller) != StoreStatus.Ok) return;
        _noted.AddOrUpdate(caller, new Noted(clock.GetTimestamp()));
    }

    /// <summary>
    /// The caller with the groups that are known to be theirs now (<see cref="SeenPerson.Narrow"/>); null when the
    /// store does not tell.
    /// </summary>
    public async ValueTask<Caller?> PresentAsync(Caller caller)
    {
        if (!caller.IsPerson) return caller;
        StoreResult<SeenPerson> seen = await store.SeenAsync(caller.Issuer, caller.Subject);
        return seen.IsOk ? seen.Value!.Narrow(caller) : null;
    }

    private sealed record Noted(long At);
}
