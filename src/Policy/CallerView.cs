namespace Countersign.Policy;

/// <summary>What one snapshot decides for one caller, filled in as the caller calls. Shared by all threads.</summary>
internal sealed class CallerView(PolicySnapshot snapshot, GroupSet groups, int functionCount)
{
    private readonly Decision?[] _byFunction = new Decision?[functionCount];

    public PolicySnapshot Snapshot { get; } = snapshot;

    public GroupSet Groups { get; } = groups;

    [HotPath]
    public Decision? Find(int functionIndex) => Volatile.Read(ref _byFunction[functionIndex]);

    /// <summary>Two threads may both write: their decisions say the same.</summary>
    public void Keep(int functionIndex, Decision decision) => Volatile.Write(ref _byFunction[functionIndex], decision);
}
