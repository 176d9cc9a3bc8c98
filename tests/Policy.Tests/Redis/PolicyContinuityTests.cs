using Countersign.Policy.Redis;

namespace Countersign.Policy.Tests.Redis;

public sealed class PolicyContinuityTests
{
    private static readonly string Sha256 = new('a', 64);

    [Fact]
    public void A_store_that_goes_on_is_whole()
    {
        // Proves the usual: the same change, one more, many more; and that who has seen nothing trusts.
        PolicyChange[] chain = Chain(6);
        Assert.Equal(Continuity.Whole, Judge(chain[2], chain[2], []));
        Assert.Equal(Continuity.Whole, Judge(chain[2], chain[3], chain[2..4]));
        Assert.Equal(Continuity.Whole, Judge(chain[0], chain[5], chain));
        Assert.Equal(Continuity.Whole, PolicyContinuity.Judge(PolicyMark.None, Mark(chain[3]), []));
    }

    [Fact]
    public void A_store_that_lost_or_changed_something_is_broken()
    {
        // Proves each way to go back: fewer changes, none, another in the place of one, a missing link, a changed one.
        PolicyChange[] chain = Chain(6);
        Assert.Equal(Continuity.Broken, Judge(chain[5], chain[3], []));
        Assert.Equal(Continuity.Broken, PolicyContinuity.Judge(Mark(chain[5]), PolicyMark.None, []));
        PolicyChange[] other = Chain(6, from: 3, author: "mallory");
        Assert.Equal(Continuity.Broken, Judge(chain[4], other[4], []));
        Assert.Equal(Continuity.Broken, Judge(chain[4], other[5], other[4..]));
        Assert.Equal(Continuity.Broken, Judge(chain[2], chain[5], [chain[2], chain[3], chain[5]]));
        Assert.Equal(Continuity.Broken, Judge(chain[2], chain[5], []));
        PolicyChange changed = Rehashed(chain[4] with { Version = 9 });
        Assert.Equal(Continuity.Broken, Judge(chain[2], chain[5], [chain[2], chain[3], changed, chain[5]]));
    }

    [Fact]
    public void A_loss_that_somebody_went_on_from_is_resumed()
    {
        // Proves the way on; by a change beyond what was lost that says so, and one that does not.
        PolicyChange[] chain = Chain(6);
        PolicyChange resuming = Next(chain[2], number: 7, resumes: true);
        PolicyChange after = Next(resuming);
        Assert.Equal(Continuity.Resumed, Judge(chain[5], resuming, [resuming]));
        Assert.Equal(Continuity.Resumed, Judge(chain[4], after, [resuming, after]));
        Assert.Equal(Continuity.Whole, Judge(chain[2], after, [chain[2], resuming, after]));
        PolicyChange silent = Next(chain[2], number: 7);
        Assert.Equal(Continuity.Broken, Judge(chain[5], silent, [silent]));

        // One that is no further than what was seen is no way on for who has seen it.
        Assert.Equal(Continuity.Broken, Judge(Next(after), after, [resuming, after]));
    }

    [Fact]
    public void A_change_is_written_and_read_and_every_part_is_in_its_hash()
    {
        // Proves the form; by reading what was written, and by changing each part.
        PolicyChange change = Chain(2)[1];
        Assert.Equal(change.Hash, PolicyChange.Read(change.Write())!.Hash);
        PolicyChange[] others =
        [
            change with { Number = 9 }, change with { Kind = PolicyChangeKind.Store }, change with { Version = 9 },
            change with { Sha256 = "b" }, change with { Author = "x" }, change with { At = 9 },
            change with { Previous = "" }, change with { Resumes = true },
        ];
        Assert.Equal(9, others.Append(change).Select(one => Rehashed(one).Hash).Distinct().Count());
        Assert.Null(PolicyChange.Read("{}"u8.ToArray()));
        Assert.Null(PolicyChange.Read("nonsense"u8.ToArray()));
        Assert.Null(PolicyChange.Read(null));
    }

    private static PolicyChange Rehashed(PolicyChange one) => new(
        one.Number, one.Kind, one.Version, one.Sha256, one.Author, one.At, one.Previous, one.Resumes);

    private static Continuity Judge(PolicyChange seen, PolicyChange told, PolicyChange[] changes) =>
        PolicyContinuity.Judge(Mark(seen), Mark(told), changes);

    private static PolicyMark Mark(PolicyChange change) => new(change.Number, change.Hash, change.Version, 9);

    private static PolicyChange Next(PolicyChange before, long? number = null, bool resumes = false) => new(
        number ?? before.Number + 1, PolicyChangeKind.Publish, before.Version + 1, Sha256, "ann", 1, before.Hash,
        resumes);

    // From a number on, another hand wrote it.
    private static PolicyChange[] Chain(int count, int from = int.MaxValue, string author = "ann")
    {
        List<PolicyChange> chain = [];
        for (int number = 1; number <= count; number++)
        {
            chain.Add(new PolicyChange(
                number, PolicyChangeKind.Publish, number, Sha256, number >= from ? author : "ann", number,
                number == 1 ? "" : chain[^1].Hash, Resumes: false));
        }

        return [.. chain];
    }
}
