using Countersign.DataPlane.Calls;
using Countersign.Policy;

namespace Countersign.DataPlane.Tests.Calls;

public sealed class RateTableTests
{
    private const string Policy = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://up.test"] } }
        functions: { one: { upstream: up, method: GET, path: /one, risk: low } }
        rules: [{ id: all, subjects: { groups: [staff] }, functions: [one], effect: allow }]
        limits:
          - { id: fast, functions: [one], per: caller, rate: 1000/s, burst: 400 }
          - { id: people, functions: [one], per: chain, rate: 1/h }
        """;

    private static readonly PolicySnapshot Read =
        PolicyReader.Read(Policy, new MaskVocabulary(static _ => null, static _ => null)).Snapshot!;

    private static readonly RateLimit Fast = Read.Limits[0];
    private static readonly RateLimit People = Read.Limits[1];

    [Fact]
    public void Cells_are_spent_once_and_lost_with_their_lease()
    {
        // Proves the lease; by cells of it, its end, and a cell that comes back late.
        RateBucket bucket = new(Fast, "b");
        Assert.False(bucket.TryTake(0));
        bucket.Add(new RateGrant(true, 3, 10, TimeSpan.Zero), spent: 1, now: 0);
        Assert.True(bucket.TryTake(499));
        Assert.True(bucket.TryTake(499));
        Assert.False(bucket.TryTake(499));
        bucket.Return(499);
        Assert.True(bucket.TryTake(499));
        bucket.Return(499);
        Assert.False(bucket.TryTake(500));
        Assert.Equal((100, 1), (Fast.LeaseCells, People.LeaseCells));
    }

    [Fact]
    public async Task No_cell_is_spent_twice()
    {
        // Proves the swap; by eight threads that spend twenty thousand cells.
        RateBucket bucket = new(Fast, "b");
        bucket.Add(new RateGrant(true, 20_000, 0, TimeSpan.Zero), spent: 0, now: 0);
        int[] spent = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            int mine = 0;
            while (bucket.TryTake(1)) mine++;
            return mine;
        })));
        Assert.Equal(20_000, spent.Sum());
    }

    [Fact]
    public void There_are_no_more_buckets_than_the_bound()
    {
        // Proves bounded memory; by more keys than there may be buckets, and by idle ones that make room.
        RateTable table = new(bucketsMax: 4);
        for (int caller = 0; caller < 9; caller++) Give(table.Get(new RateKey(Fast, "iss", $"c{caller}"), 0), 0);
        Assert.Equal(4, table.Count);
        Assert.Same(table.Get(new RateKey(Fast, "iss", "c1"), 0), table.Get(new RateKey(Fast, "iss", "c1"), 0));
        Assert.NotSame(table.Get(new RateKey(Fast, "iss", "c8"), 0), table.Get(new RateKey(Fast, "iss", "c8"), 0));
        RateBucket late = table.Get(new RateKey(Fast, "iss", "c8"), 5_000);
        Assert.Same(late, table.Get(new RateKey(Fast, "iss", "c8"), 5_000));
        Assert.Equal(1, table.Count);
    }

    [Fact]
    public void A_person_is_one_in_any_case_and_a_caller_is_not()
    {
        // Proves the keys; by names that differ in case, and by issuer and subject that run together.
        Assert.Equal(new RateKey(People, "", "Ann"), new RateKey(People, "", "ann"));
        Assert.Equal(new RateKey(People, "", "Ann").StoreName(), new RateKey(People, "", "ann").StoreName());
        Assert.NotEqual(new RateKey(Fast, "i", "Ann"), new RateKey(Fast, "i", "ann"));
        Assert.NotEqual(new RateKey(Fast, "i", "xann").StoreName(), new RateKey(Fast, "ix", "ann").StoreName());
        Assert.DoesNotContain("ann", new RateKey(Fast, "i", "ann").StoreName(), StringComparison.Ordinal);
    }

    private static void Give(RateBucket bucket, long now) =>
        bucket.Add(new RateGrant(true, 1, 0, TimeSpan.Zero), spent: 0, now);
}
