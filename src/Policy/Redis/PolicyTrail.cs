namespace Countersign.Policy.Redis;

/// <summary>What was in force when, read from the chained changes; pure.</summary>
internal sealed class PolicyTrail
{
    private readonly HashSet<(long Version, string Sha256)> _inForce = [];
    private readonly List<long> _steps = [];
    private readonly long _from;

    /// <summary>Reads changes in their order.</summary>
    /// <param name="changes">The changes from <paramref name="from"/> to the last.</param>
    /// <param name="from">The number of the first that was asked for; what was before is not known.</param>
    public PolicyTrail(IReadOnlyList<PolicyChange> changes, long from)
    {
        _from = from;
        foreach (PolicyChange change in changes)
        {
            if (change.Kind == PolicyChangeKind.Store) continue;
            _inForce.Add((change.Version, change.Sha256));

            // Going back to a version takes back what came after it: the next step back leads further, not forth again.
            int known = _steps.LastIndexOf(change.Version);
            if (known >= 0) _steps.RemoveRange(known, _steps.Count - known);
            _steps.Add(change.Version);
        }
    }

    /// <summary>The version that <paramref name="current"/> came after; 0 if that is not known.</summary>
    public long Before(long current) => _steps.Count > 1 && _steps[^1] == current ? _steps[^2] : 0;

    /// <summary>Whether a version was ever in force; null if that is not known.</summary>
    public bool? WasInForce(PolicyRevision revision) =>
        _inForce.Contains((revision.Version, revision.Sha256)) ? true : revision.Change >= _from ? false : null;
}
