using System.Text;

namespace Countersign.Audit.Tests;

public sealed class MerkleTests
{
    private static readonly string[] Leaves =
    [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ];

    private static readonly string[] Roots =
    [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    [Fact]
    public void Roots_are_those_of_certificate_transparency()
    {
        // Proves RFC 6962 hashing by the published test vectors, from the empty tree to eight leaves.
        MerkleFrontier frontier = new();
        byte[] hash = new byte[32];
        for (int size = 0; size <= Leaves.Length; size++)
        {
            frontier.Root(hash);
            Assert.Equal(Roots[size], Convert.ToHexStringLower(hash));
            if (size == Leaves.Length) break;
            MerkleHash.Leaf(Convert.FromHexString(Leaves[size]), hash);
            frontier.Append(hash);
        }
    }

    [Fact]
    public void The_frontier_agrees_with_the_recursive_definition()
    {
        // Proves roots and tile hashes for every size up to 600 against MTH as RFC 6962 section 2.1 writes it.
        MerkleFrontier frontier = new();
        List<byte[]> leaves = [];
        byte[] root = new byte[32];
        for (int size = 1; size <= 600; size++)
        {
            byte[] leaf = new byte[32];
            MerkleHash.Leaf(LogFixture.Payload(size), leaf);
            leaves.Add(leaf);
            int levels = frontier.Append(leaf);
            frontier.Root(root);
            Assert.Equal(Root(leaves, 0, size), root);
            Assert.Equal(leaf, frontier.TileHash(0).ToArray());
            Assert.Equal(size % 256 == 0 ? 2 : 1, levels);
            if (levels < 2) continue;
            Assert.Equal((size / 256) - 1, frontier.TileHashIndex(1));
            Assert.Equal(Root(leaves, size - 256, size), frontier.TileHash(1).ToArray());
        }
    }

    [Fact]
    public void A_leaf_of_any_length_hashes_alike()
    {
        // Proves that the short and the long way through the leaf hash agree, around the switch and at the limit.
        byte[] hash = new byte[32];
        foreach (int length in (int[])[0, 1, 2047, 2048, 2049, 65_535])
        {
            byte[] entry = new byte[length];
            entry.AsSpan().Fill(0xa5);
            MerkleHash.Leaf(entry, hash);
            Assert.Equal(System.Security.Cryptography.SHA256.HashData([0, .. entry]), hash);
        }
    }

    [Theory]
    [InlineData(0, "tile/0/000")]
    [InlineData(999, "tile/0/999")]
    [InlineData(1000, "tile/0/x001/000")]
    [InlineData(1234067, "tile/0/x001/x234/067")]
    public void Tile_paths_are_those_of_tlog_tiles(long tile, string path)
    {
        // Proves the path encoding with the specification's own example.
        Assert.Equal(path, LogFolder.TileName(0, tile));
    }

    [Fact]
    public void Crc_is_castagnoli()
    {
        // Proves the checksum with the catalogue's check value and 32 zero bytes of RFC 3720.
        Assert.Equal(0xE3069283u, Crc32C.Compute(Encoding.ASCII.GetBytes("123456789")));
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
    }

    private static byte[] Root(List<byte[]> leaves, int from, int to)
    {
        if (to - from == 1) return leaves[from];
        int half = 1;
        while (half * 2 < to - from) half *= 2;
        byte[] hash = new byte[32];
        MerkleHash.Node(Root(leaves, from, from + half), Root(leaves, from + half, to), hash);
        return hash;
    }
}
