using System.Text;

namespace Countersign.Audit.Tests;

public sealed class CheckpointTests
{
    private static readonly byte[] Seed = [.. Enumerable.Range(1, 32).Select(one => (byte)one)];

    [Fact]
    public void A_note_of_the_reference_implementation_verifies()
    {
        // Proves key form, key id and signature by the example of golang.org/x/mod/sumdb/note.
        const string Text = "If you think cryptography is the answer to your problem,\n"
            + "then you don't know what your problem is.\n";
        const string Line = "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFY"
            + "C2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        const string Key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        Assert.True(AuditKey.TryParse(Key, out AuditKey? key));
        Assert.Equal(Key, key!.ToString());
        Assert.Equal(0xc74f20a3u, key.Id);
        Assert.Equal(AuditCheckpointStatus.Ok, AuditCheckpoint.CheckSignatures(Text, [Line], key));
        Assert.Equal(AuditCheckpointStatus.SignatureInvalid, AuditCheckpoint.CheckSignatures(Text + " ", [Line], key));
    }

    [Fact]
    public void A_checkpoint_is_read_as_it_was_signed()
    {
        // Proves the round trip, and the exact form: origin, size, root, empty line, signature line.
        using LogKey key = LogKey.FromSeed("example.com/log", Seed)!;
        byte[] root = new byte[32];
        MerkleHash.Empty(root);
        AuditCheckpoint signed = key.Sign(20_852_163, root);
        string text = Encoding.UTF8.GetString(signed.Note.Span);
        const string Start = "example.com/log\n20852163\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
            + "\u2014 example.com/log ";
        Assert.StartsWith(Start, text, StringComparison.Ordinal);
        Assert.Equal(AuditCheckpointStatus.Ok,
            AuditCheckpoint.Parse(signed.Note.Span, key.Public, out AuditCheckpoint? read));
        Assert.Equal(20_852_163, read!.Size);
        Assert.Equal(root, read.Root.ToArray());
        Assert.Equal("example.com/log", read.Origin);
    }

    [Fact]
    public void Any_flipped_bit_of_a_checkpoint_is_refused()
    {
        // Proves that a note has one spelling: every bit of it is flipped in turn, and none of the results is believed.
        using LogKey key = LogKey.FromSeed("example.com/log", Seed)!;
        byte[] note = key.Sign(7, new byte[32]).Note.ToArray();
        for (int bit = 0; bit < note.Length * 8; bit++)
        {
            note[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(AuditCheckpointStatus.Ok,
                AuditCheckpoint.Parse(note, key.Public, out AuditCheckpoint? none));
            Assert.Null(none);
            note[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.Equal(AuditCheckpointStatus.Ok, AuditCheckpoint.Parse(note, key.Public, out _));
    }

    [Fact]
    public void Signatures_of_others_are_passed_over()
    {
        // Proves that a cosigned checkpoint is read, and that a cosigner alone does not make one.
        using LogKey key = LogKey.FromSeed("example.com/log", Seed)!;
        using LogKey other = LogKey.FromSeed("example.com/witness", [.. Seed.Reverse()])!;
        string note = Encoding.UTF8.GetString(key.Sign(1, new byte[32]).Note.Span);
        string witness = Encoding.UTF8.GetString(other.Sign(1, new byte[32]).Note.Span).Split("\n\n")[1];
        byte[] both = Encoding.UTF8.GetBytes(note + witness);
        byte[] witnessOnly = Encoding.UTF8.GetBytes(note.Split("\n\n")[0] + "\n\n" + witness);
        Assert.Equal(AuditCheckpointStatus.Ok, AuditCheckpoint.Parse(both, key.Public, out _));
        Assert.Equal(AuditCheckpointStatus.Unsigned, AuditCheckpoint.Parse(witnessOnly, key.Public, out _));
        Assert.Equal(AuditCheckpointStatus.Malformed, AuditCheckpoint.Parse([], key.Public, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("name")]
    [InlineData("na me+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    [InlineData("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    [InlineData("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T")]
    public void A_malformed_key_is_refused(string text)
    {
        // Proves that names, ids and lengths are checked, not trusted.
        Assert.False(AuditKey.TryParse(text, out AuditKey? key));
        Assert.Null(key);
    }
}
