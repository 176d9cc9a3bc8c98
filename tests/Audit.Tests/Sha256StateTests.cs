using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Countersign.Audit.Tests;

/// <summary>The gateway's way to SHA-256 gives what the framework's gives, in whatever runs the bytes come.</summary>
public sealed class Sha256StateTests
{
    [Fact]
    public void Digests_are_the_frameworks_at_every_length_and_split()
    {
        // Proves against the framework's digest that neither length nor split matters, around one and more blocks.
        byte[] bytes = new byte[2_000];
        new Random(11).NextBytes(bytes);
        using Sha256State state = new();
        byte[] digest = new byte[SHA256.HashSizeInBytes];
        for (int length = 0; length <= 200; length++)
        {
            byte[] expected = SHA256.HashData(bytes.AsSpan(0, length));
            for (int split = 0; split <= length; split++)
            {
                state.Append(bytes.AsSpan(0, split));
                state.Append(bytes.AsSpan(split, length - split));
                state.Finish(digest);
                Assert.Equal(expected, digest);
            }
        }
    }

    [Fact]
    public void Long_runs_and_one_call_agree_with_the_framework()
    {
        // Proves the same on both sides of the length from which the runtime may not be kept waiting.
        byte[] bytes = new byte[100_000];
        new Random(12).NextBytes(bytes);
        byte[] digest = new byte[SHA256.HashSizeInBytes];
        foreach (int length in new[] { 511, 512, 513, 4_096, 100_000 })
        {
            Sha256State.Hash(bytes.AsSpan(0, length), digest);
            Assert.Equal(SHA256.HashData(bytes.AsSpan(0, length)), digest);
        }
    }

    [Fact]
    public void A_digest_may_lie_over_its_input_and_must_have_room()
    {
        // Proves that input and digest may share memory, and that a refusal leaves nothing in the thread's state.
        byte[] bytes = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];
        byte[] expected = SHA256.HashData(bytes);
        Sha256State.Hash(bytes, bytes);
        Assert.Equal(expected, bytes[..SHA256.HashSizeInBytes]);
        Assert.Throws<ArgumentOutOfRangeException>(() => Sha256State.Hash("x"u8, new byte[31]));
        Sha256State.Hash("abc"u8, bytes);
        Assert.Equal(SHA256.HashData("abc"u8), bytes[..SHA256.HashSizeInBytes]);
    }

    [Fact]
    public void OpenSSL_serves_where_it_is()
    {
        // Proves that the slower way is not taken quietly where the library can be loaded.
        bool isThere = OperatingSystem.IsLinux()
            && Environment.Is64BitProcess
            && NativeLibrary.TryLoad("libcrypto.so.3", out _);
        Assert.Equal(isThere, Sha256State.IsNative);
    }
}
