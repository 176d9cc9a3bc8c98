using Countersign.Policy.Redis;

namespace Countersign.Policy.Tests.Redis;

public sealed class PolicyTrailTests
{
    private const PolicyChangeKind Publish = PolicyChangeKind.Publish;
    private const PolicyChangeKind Store = PolicyChangeKind.Store;
    private const PolicyChangeKind Activate = PolicyChangeKind.Activate;

    [Fact]
    public void Before_is_what_was_in_force_and_not_the_number_below()
    {
        // Proves that a bad version which was taken back does not come back; by taking back two in a row.
        Assert.Equal(34, Trail((Publish, 34), (Publish, 35)).Before(35));
        Assert.Equal(34, Trail((Publish, 34), (Publish, 35), (Activate, 34), (Publish, 36)).Before(36));
        Assert.Equal(2, Trail((Publish, 2), (Store, 3), (Store, 4), (Activate, 4)).Before(4));
    }

    [Fact]
    public void Going_back_again_goes_further_back()
    {
        // Proves that two steps back are no step forth; by a version taken back, and one put in force anew by its name.
        Assert.Equal(1, Trail((Publish, 1), (Publish, 2), (Publish, 3), (Activate, 2)).Before(2));
        Assert.Equal(0, Trail((Publish, 1), (Publish, 2), (Activate, 1)).Before(1));
        Assert.Equal(1, Trail((Publish, 1), (Publish, 2), (Activate, 1), (Activate, 2)).Before(2));
        Assert.Equal(0, Trail((Publish, 1)).Before(1));
        Assert.Equal(0, Trail((Publish, 1), (Publish, 2)).Before(7));
    }

    [Fact]
    public void A_version_was_in_force_never_or_nobody_knows()
    {
        // Proves the three answers; by a version put in force, one stored only, another document under a known number,
        // and one from before the changes that are looked at.
        PolicyTrail trail = Trail((Publish, 1), (Store, 2));
        Assert.True(trail.WasInForce(Revision(1, "1")));
        Assert.False(trail.WasInForce(Revision(2, "2")));
        Assert.False(trail.WasInForce(Revision(1, "other")));
        Assert.Null(trail.WasInForce(Revision(9, "9") with { Change = 4 }));
    }

    private static PolicyTrail Trail(params (PolicyChangeKind Kind, long Version)[] changes) => new(
        [
            .. changes.Select((change, at) => new PolicyChange(
                at + 5, change.Kind, change.Version, $"{change.Version}", "ann", 0, "", Resumes: false)),
        ],
        from: 5);

    private static PolicyRevision Revision(long version, string sha256) =>
        new(version, "ann", DateTimeOffset.UnixEpoch, sha256) { Change = 5 };
}
