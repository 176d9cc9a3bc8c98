using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Policy.Tests.Approvals;

public sealed class PayloadSealTests
{
    private static readonly byte[] KeyFile = [.. Enumerable.Range(0, 32).Select(value => (byte)value)];

    [Fact]
    public void What_is_sealed_opens_under_its_own_name_only()
    {
        // Proves sealing and its binding to the name, by opening under the same and another id, key and label.
        using var seal = new PayloadSeal(KeyFile);
        using var again = new PayloadSeal(KeyFile);
        using var secrets = new PayloadSeal(KeyFile, PayloadSeal.SecretLabel);
        using var other = new PayloadSeal(KeyFile.AsSpan(1));
        byte[] box = seal.Seal("a", "payload"u8);
        Assert.True(again.TryOpen("a", box, out byte[] opened));
        Assert.Equal("payload"u8.ToArray(), opened);
        Assert.False(seal.TryOpen("b", box, out _));
        Assert.False(secrets.TryOpen("a", box, out _));
        Assert.False(other.TryOpen("a", box, out _));
        Assert.True(seal.TryOpen("a", seal.Seal("a", []), out byte[] nothing));
        Assert.Empty(nothing);
    }

    [Fact]
    public void No_changed_byte_opens()
    {
        // Proves that every byte is authenticated, by flipping each and by cutting the box at every length.
        using var seal = new PayloadSeal(KeyFile);
        byte[] box = seal.Seal("a", "payload"u8);
        for (int index = 0; index < box.Length; index++)
        {
            box[index] ^= 1;
            Assert.False(seal.TryOpen("a", box, out byte[] opened));
            Assert.Empty(opened);
            box[index] ^= 1;
            Assert.False(seal.TryOpen("a", box.AsSpan(0, index), out _));
        }
    }

    [Fact]
    public void Two_boxes_of_one_payload_differ()
    {
        // Proves that nonces are fresh, by sealing the same thing twice.
        using var seal = new PayloadSeal(KeyFile);
        Assert.NotEqual(seal.Seal("a", "payload"u8), seal.Seal("a", "payload"u8));
    }

    [Fact]
    public void A_wiped_or_short_key_is_no_key()
    {
        // Proves that neither a disposed seal nor a short key file seals anything.
        var seal = new PayloadSeal(KeyFile);
        seal.Dispose();
        Assert.Throws<ObjectDisposedException>(() => seal.Seal("a", "payload"u8));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PayloadSeal(KeyFile.AsSpan(0, 15)));
    }
}
