using System.Text;

namespace Countersign.Audit.Tests;

public sealed class TlogProofTests
{
    [Fact]
    public async Task Every_record_of_a_log_is_proven_by_the_key_alone()
    {
        // Proves writing, reading and verifying for every entry of a log of several tiles, under the key that signed it
        // and no other, and that neither another index nor another record passes.
        using LogFixture fixture = new();
        await fixture.WriteAsync(300);
        Assert.True(AuditVerifier.TryReadCheckpoint(fixture.Folder, out AuditCheckpoint? checkpoint));
        Assert.True(AuditKey.TryParse(await File.ReadAllTextAsync(
            fixture.PathOf("log.vkey"), TestContext.Current.CancellationToken), out AuditKey? key));
        using LogKey other = LogKey.FromSeed(LogFixture.Origin, new byte[32])!;
        foreach (AuditEntry entry in AuditReader.Between(fixture.Folder, 0, 300))
        {
            string text = TlogProof.Of(fixture.Folder, entry, checkpoint!)!.ToString();
            Assert.True(TlogProof.TryRead(Encoding.UTF8.GetBytes(text), out TlogProof? proof));
            Assert.Equal(text, proof!.ToString());
            Assert.True(proof.Verifies(key!, out AuditCheckpoint? signed));
            Assert.Equal((entry.Index, 300), (proof.Index, signed!.Size));
            Assert.False(proof.Verifies(other.Public, out signed));
            Assert.Null(signed);
            long another = (entry.Index + 1) % 300;
            Assert.False(Read(text.Replace($"index {entry.Index}\n", $"index {another}\n", StringComparison.Ordinal))
                .Verifies(key!, out _));
            string payload = Convert.ToBase64String(LogFixture.Payload(another));
            Assert.False(Read(text.Replace(
                Convert.ToBase64String(entry.Payload.Span), payload, StringComparison.Ordinal)).Verifies(key!, out _));
        }
    }

    [Theory]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 5\nH1\nH2\n\ntest checkpoint\n", true)]
    [InlineData("c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\nH1\n\ncheckpoint data\n", true)]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n", true)]
    [InlineData("wrong-header\nindex 0\n\ncheckpoint\n", false)]
    [InlineData("c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n", false)]
    [InlineData("c2sp.org/tlog-proof@v1\n\n\ncheckpoint\n", false)]
    [InlineData("c2sp.org/tlog-proof@v1\nindex notanumber\n\ncheckpoint\n", false)]
    [InlineData("c2sp.org/tlog-proof@v1\nindex -5\n\ncheckpoint\n", false)]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 05\n\ncheckpoint\n", false)]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\ncheckpoint\n", false)]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\ncheckpoint\n", false)]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 0\n", false)]
    [InlineData("", false)]
    public void The_form_is_that_of_the_specification(string form, bool isOne)
    {
        // Proves by the cases of transparency-dev/formats, and more, what is a proof, and that one is written as it was
        // read.
        string text = form.Replace("H1", Hash("hash1"), StringComparison.Ordinal)
            .Replace("H2", Hash("hash2"), StringComparison.Ordinal);
        Assert.Equal(isOne, TlogProof.TryRead(Encoding.UTF8.GetBytes(text), out TlogProof? proof));
        if (isOne) Assert.Equal(text, proof!.ToString());
    }

    [Fact]
    public void A_path_longer_than_any_tree_is_refused()
    {
        // Proves the bound: 63 hashes are a path, 64 are none.
        foreach (int count in (int[])[63, 64])
        {
            string path = string.Concat(Enumerable.Repeat(Hash("x") + "\n", count));
            byte[] text = Encoding.UTF8.GetBytes($"c2sp.org/tlog-proof@v1\nindex 0\n{path}\ncheckpoint\n");
            Assert.Equal(count == 63, TlogProof.TryRead(text, out _));
        }
    }

    private static TlogProof Read(string text)
    {
        Assert.True(TlogProof.TryRead(Encoding.UTF8.GetBytes(text), out TlogProof? proof));
        return proof!;
    }

    private static string Hash(string text) =>
        Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
