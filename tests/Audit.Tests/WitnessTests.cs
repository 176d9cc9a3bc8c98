using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.Audit.Tests;

/// <summary>
/// Consistency proofs, cosignatures and witnesses, by the vectors of their specifications and by attack.
/// </summary>
public sealed class WitnessTests : IDisposable
{
    // Log, checkpoints and proof of transparency-dev/witness.
    private const string MonkeyKey = "monkeys+db4d9f7e+AULaJMvTtDLHPUcUrjdDad9vDlh/PTfC2VV60JUtCfWT";
    private const string BananaKey = "bananas+cf639f13+AaPjhFnPCQnid/Ql32KWhmh+uk72FVRfK+2DLmO3BI3M";
    private const string First = "monkeys\n5\n41smjBUiAU70EtKlT6lIOIYtRTYxYXsDB+XHfcvu/BE=\n\n\u2014 monkeys "
        + "202fftzGl3LVoqjXfwCFZZXs8I+5G22+Ek2K0AOyBuSJ/8/CZawNF+6fNlTKOCd622pbzJNkkJFWuw9DbicZCkEx9AY=\n";

    private const string Next = "monkeys\n8\nV8K9aklZ4EPB+RMOk1/8VsJUdFZR77GDtZUQq84vSbo=\n\n\u2014 monkeys "
        + "202ffoUEboiQYpHzICeaFmoy3RNviHTpAxYrq/eO4QQVQMvu9UebKBMX2MJC76NLthZaKsnKbCA8GxrjePZhvDCH7Ag=\n";

    private static readonly string[] Proof =
    [
        "b9e1d62618f7fee8034e4c5010f727ab24d8e4705cb296c374bf2025a87a10d2",
        "aac66cd7a79ce4012d80762fe8eec3a77f22d1ca4145c3f4cee022e7efcd599d",
        "89d0f753f66a290c483b39cd5e9eafb12021293395fad3d4a2ad053cfbcfdc9e",
        "29e40bb79c966f4c6fe96aff6f30acfce5f3e8d84c02215175d6e018a5dee833",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-witness-").FullName;
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeSeconds(1_679_315_147));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Every_tree_is_proven_to_begin_every_larger_one()
    {
        // Proves making and checking for all pairs of sizes up to 40, around a tile's border too, and that no pair is
        // proven with a hash changed, left out or added, or to another root.
        using LogFixture fixture = new();
        await fixture.WriteAsync(520);
        byte[][] roots = Roots(fixture, 520);
        long[] sizes = [.. Enumerable.Range(0, 40), 255, 256, 257, 511, 512, 513, 520];
        foreach (long old in sizes)
        {
            foreach (long size in sizes.Where(one => one >= old))
            {
                Assert.True(ConsistencyProof.TryMake(fixture.Folder, old, size, out var proof));
                Assert.True(ConsistencyProof.Verifies(old, roots[old], size, roots[size], proof), $"{old} {size}");
                Assert.False(ConsistencyProof.Verifies(old, roots[old], size, roots[size], [.. proof, new byte[32]]));
                if (old == 0) continue;
                Assert.False(ConsistencyProof.Verifies(old, new byte[32], size, roots[size], proof));
                Assert.False(ConsistencyProof.Verifies(old, roots[old], size, new byte[32], proof));
                if (proof.Count == 0) continue;
                Assert.False(ConsistencyProof.Verifies(old, roots[old], size, roots[size], [.. proof.Skip(1)]));
                byte[] changed = proof[^1].ToArray();
                changed[7] ^= 1;
                Assert.False(ConsistencyProof.Verifies(
                    old, roots[old], size, roots[size], [.. proof.Take(proof.Count - 1), changed]));
            }
        }

        Assert.False(ConsistencyProof.TryMake(fixture.Folder, 3, 521, out _));
        Assert.False(ConsistencyProof.TryMake(fixture.Folder, 5, 4, out _));
    }

    [Fact]
    public async Task A_proof_from_another_past_contradicts_and_no_other_proof_does()
    {
        // Proves over sizes around borders that the proof of a log that was grown in another way shows that to whoever
        // saw the first, unless the old tree is whole; and that a right proof, a wrong one, one that is made up and
        // one to another root show nothing.
        using LogFixture fixture = new(), forked = new();
        await fixture.WriteAsync(80);
        await using (AuditLog log = LogFixture.Open(forked.Options)) await LogFixture.AppendAsync(log, 1_000, 1_001);
        await forked.WriteAsync(80);
        byte[][] roots = Roots(fixture, 80), other = Roots(forked, 80);
        int shown = 0;
        for (int old = 1; old <= 40; old++)
        {
            for (int size = old; size <= 80; size += 3)
            {
                Assert.True(ConsistencyProof.TryMake(fixture.Folder, old, size, out var own));
                Assert.True(ConsistencyProof.TryMake(forked.Folder, old, size, out var proof));
                bool isWhole = size > old && System.Numerics.BitOperations.IsPow2(old);
                Assert.Equal(!isWhole, ConsistencyProof.Contradicts(old, roots[old], size, other[size], proof));
                Assert.False(ConsistencyProof.Contradicts(old, roots[old], size, roots[size], own));
                shown += isWhole ? 0 : 1;
                if (size == old) continue;
                Assert.False(ConsistencyProof.Contradicts(old, roots[old], size, roots[size], proof));
                Assert.False(ConsistencyProof.Contradicts(
                    old, roots[old], size, roots[size], [.. own.Select(_ => new ReadOnlyMemory<byte>(new byte[32]))]));
                Assert.False(ConsistencyProof.Contradicts(old, roots[old], size, roots[size], []));
            }
        }

        Assert.True(shown > 300);
    }

    [Theory]
    [InlineData("TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6", false)]
    [InlineData("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2", true)]
    [InlineData("remora.n621.de+da77ade8+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2", false)]
    [InlineData("rekor.sigstore.dev+12345678+AwEB", false)]
    [InlineData("bananas.sigstore.dev+12344556", false)]
    public void Keys_of_cosigners_are_those_of_the_specification(string text, bool isOne)
    {
        // Proves type, id and form by the keys of transparency-dev/formats; a log's own key is none of a cosigner.
        Assert.Equal(isOne, CosignerKey.TryParse(text, out CosignerKey? key));
        if (isOne) Assert.Equal(text, key!.ToString());
    }

    [Fact]
    public void A_request_is_read_as_the_specification_writes_it()
    {
        // Proves the body by the specification's own example, and that other spellings are none.
        const string Hashes = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
            + "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n";
        const string Note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n";
        byte[] body = Encoding.UTF8.GetBytes("old 20852014\n" + Hashes + "\n" + Note);
        Assert.True(WitnessRequest.TryRead(body, out WitnessRequest? request));
        Assert.Equal((20_852_014, 2), (request!.OldSize, request.Proof.Count));
        Assert.Equal(body, request.Write());
        string[] bad = ["old 020852014\n", "old -1\n", "old\n", "20852014\n", "old 1\nAAAA\n"];
        Assert.All(bad, text => Assert.False(
            WitnessRequest.TryRead(Encoding.UTF8.GetBytes(text + "\n" + Note), out _)));
        string many = string.Concat(Enumerable.Repeat(Hashes.Split('\n')[0] + "\n", 64));
        Assert.False(WitnessRequest.TryRead(Encoding.UTF8.GetBytes("old 1\n" + many + "\n" + Note), out _));
    }

    [Fact]
    public void A_witness_answers_as_the_specification_says()
    {
        // Proves each status by the cases of transparency-dev/witness: growth, an old size that is not the seen one,
        // other roots, proofs that are not empty or not right, other keys, other logs.
        using CheckpointWitness witness = Open();
        Assert.Equal(404, Ask(witness, 0, [], First.Replace("monkeys\n5", "gibbons\n5", StringComparison.Ordinal)));
        Assert.Equal(403, Ask(witness, 0, [], First.Replace("202fftz", "202fgtz", StringComparison.Ordinal)));
        Assert.Equal(403, Ask(witness, 0, [], First.Replace("\n5\n", "\n6\n", StringComparison.Ordinal)));
        Assert.Equal(400, Ask(witness, 6, [], First));
        Assert.Equal(409, Ask(witness, 2, [], First));
        Assert.Equal(422, Ask(witness, 0, Proof, First));
        Assert.Equal(400, witness.Add("old 0\n"u8).Status);
        Assert.Equal(0, witness.Latest(Monkeys).Length);
        WitnessAnswer first = Add(witness, 0, [], First);
        Assert.Equal(200, first.Status);
        Assert.True(witness.Key.HasSigned(Encoding.UTF8.GetBytes(First + first.Body), out DateTimeOffset at));
        Assert.Equal(_clock.GetUtcNow(), at);
        Assert.Equal(200, Ask(witness, 5, [], First));
        WitnessAnswer stale = Add(witness, 0, [], Next);
        Assert.Equal((409, "5\n", false), (stale.Status, stale.Body, stale.IsConflict));
        Assert.False(Add(witness, 5, Proof[1..], Next).IsConflict);
        Assert.Equal(422, Ask(witness, 5, Proof[1..], Next));
        Assert.Equal(422, Ask(witness, 5, [], Next));
        Assert.Equal(200, Ask(witness, 5, Proof, Next));
        WitnessAnswer back = Add(witness, 5, [], First);
        Assert.Equal((409, "8\n", true), (back.Status, back.Body, back.IsConflict));
        Assert.False(back.IsProven);
        Assert.Equal(
            Next + witness.Add(Request(8, [], Next)).Body, Encoding.UTF8.GetString(witness.Latest(Monkeys).Span));
        string hash = Convert.ToHexStringLower(SHA256.HashData("monkeys"u8));
        Assert.Equal(witness.Latest(Monkeys).ToArray(), witness.LatestByHash(hash).ToArray());
        Assert.Equal(0, witness.LatestByHash("../key.seed").Length);
    }

    [Theory]
    [InlineData(7, true)]
    [InlineData(8, false)]
    [InlineData(32, false)]
    [InlineData(33, true)]
    public async Task A_fork_is_told_whatever_was_seen(int seen, bool isProven)
    {
        // Proves that a log of the same key with another beginning is a conflict for the witness: proven by its proof,
        // but where what was seen is a power of two, of which no proof says anything; and that a log which goes on from
        // what was seen is cosigned behind it.
        const int Size = 50;
        using LogFixture fixture = new(), forked = new();
        await fixture.WriteAsync(seen);
        await using (AuditLog log = LogFixture.Open(forked.Options)) await LogFixture.AppendAsync(log, 1_000, 1_001);
        await forked.WriteAsync(Size);
        string written = File.ReadAllText(Path.Combine(fixture.Folder, "log.vkey")).Trim();
        Assert.True(AuditKey.TryParse(written, out AuditKey? key));
        using CheckpointWitness witness = CheckpointWitness.Open(_folder, "witness.example/w1", _ => key, _clock);
        Assert.Equal(200, witness.Add(Held(fixture, 0)).Status);
        WitnessAnswer answer = witness.Add(Held(forked, seen));
        Assert.Equal((422, true, isProven), (answer.Status, answer.IsConflict, answer.IsProven));
        WitnessRequest.TryRead(Held(fixture, seen), out WitnessRequest? again);
        WitnessAnswer same = witness.Add(new WitnessRequest(seen, [new byte[32]], again!.Note).Write());
        Assert.Equal((422, false), (same.Status, same.IsConflict));   // the head that was seen, with a proof too many
        await fixture.WriteAsync(Size);
        Assert.Equal(200, witness.Add(Held(fixture, seen)).Status);

        byte[] Held(LogFixture one, long old)
        {
            byte[] note = File.ReadAllBytes(Path.Combine(one.Folder, "checkpoint"));
            long size = long.Parse(Encoding.UTF8.GetString(note).Split('\n')[1], CultureInfo.InvariantCulture);
            Assert.True(ConsistencyProof.TryMake(one.Folder, old, size, out IReadOnlyList<ReadOnlyMemory<byte>> proof));
            return new WitnessRequest(old, [.. proof], note).Write();
        }
    }

    [Fact]
    public void A_witness_remembers_over_a_restart()
    {
        // Proves that key and what was seen are on disk.
        string key;
        using (CheckpointWitness witness = Open())
        {
            key = witness.Key.ToString();
            Assert.Equal(200, Ask(witness, 0, [], First));
        }

        using CheckpointWitness again = Open();
        Assert.Equal(key, again.Key.ToString());
        Assert.Equal(409, Ask(again, 0, [], Next));
        Assert.Equal(200, Ask(again, 5, Proof, Next));
    }

    [Fact]
    public void A_cosignature_is_of_one_text_one_time_and_one_witness()
    {
        // Proves that a changed text, time or name is not cosigned, extension lines included.
        using CheckpointWitness witness = Open();
        string cosigned = First + Add(witness, 0, [], First).Body;
        Assert.True(witness.Key.HasSigned(Encoding.UTF8.GetBytes(cosigned), out _));
        Assert.False(witness.Key.HasSigned(Encoding.UTF8.GetBytes(First), out _));
        Assert.False(witness.Key.HasSigned(Encoding.UTF8.GetBytes(
            cosigned.Replace("\n5\n", "\n6\n", StringComparison.Ordinal)), out _));
        Assert.False(witness.Key.HasSigned(Encoding.UTF8.GetBytes(
            cosigned.Replace("BE=\n\n", "BE=\nmore\n\n", StringComparison.Ordinal)), out _));
        byte[] note = Encoding.UTF8.GetBytes(cosigned);
        for (int at = note.AsSpan().LastIndexOf("\u2014"u8); at < note.Length; at++)
        {
            note[at] ^= 1;
            Assert.False(witness.Key.HasSigned(note, out _));
            note[at] ^= 1;
        }
    }

    private static AuditKey Monkeys => AuditKey.TryParse(MonkeyKey, out AuditKey? key) ? key! : throw new IOException();

    private CheckpointWitness Open() => CheckpointWitness.Open(
        _folder, "witness.example/w1",
        origin => origin is "monkeys" or "bananas"
            && AuditKey.TryParse(origin == "monkeys" ? MonkeyKey : BananaKey, out AuditKey? key) ? key : null,
        _clock);

    private static int Ask(CheckpointWitness witness, long old, string[] proof, string note) =>
        Add(witness, old, proof, note).Status;

    private static WitnessAnswer Add(CheckpointWitness witness, long old, string[] proof, string note) =>
        witness.Add(Request(old, proof, note));

    private static byte[] Request(long old, string[] proof, string note) => new WitnessRequest(
        old, [.. proof.Select(hash => new ReadOnlyMemory<byte>(Convert.FromHexString(hash)))],
        Encoding.UTF8.GetBytes(note)).Write();

    private static byte[][] Roots(LogFixture fixture, int size)
    {
        MerkleFrontier frontier = new();
        byte[][] roots = new byte[size + 1][];
        byte[] leaf = new byte[32];
        for (int entry = 0; entry <= size; entry++)
        {
            frontier.Root(roots[entry] = new byte[32]);
            if (entry == size) break;
            MerkleHash.Leaf(Assert.Single(AuditReader.Between(fixture.Folder, entry, entry + 1)).Payload.Span, leaf);
            frontier.Append(leaf);
        }

        return roots;
    }
}
