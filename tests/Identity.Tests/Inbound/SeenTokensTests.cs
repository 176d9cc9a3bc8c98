using System.Text;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using Countersign.Policy.Revocations;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

/// <summary>Tokens known by their bytes.</summary>
public sealed class SeenTokensTests
{
    private static readonly byte[] Token = Encoding.ASCII.GetBytes("aaaa.bbbb." + new string('c', 77) + "signature");

    [Fact]
    public void OnlyTheVeryBytesAreFound()
    {
        // Proves that a token which differs in any one byte, in length, or only in what stands before the same end is
        // another.
        SeenTokens seen = new(10_000);
        CachedCaller caller = Entry();
        seen.Keep(Token, caller);
        Assert.True(seen.TryFind(Token, out CachedCaller? found));
        Assert.Same(caller, found);
        for (int at = 0; at < Token.Length; at++)
        {
            byte[] other = [.. Token];
            other[at] ^= 1;
            Assert.False(seen.TryFind(other, out _));
        }

        Assert.False(seen.TryFind(Token.AsSpan(1), out _));
        Assert.False(seen.TryFind([(byte)'a', .. Token], out _));
        Assert.False(seen.TryFind(default, out _));
    }

    [Fact]
    public void TheBoundHolds()
    {
        // Proves that bytes beyond the bound are not kept, that what is kept stays, that room comes back, and that of
        // two that end alike one is kept and counted.
        SeenTokens seen = new((2 * Token.Length) + 4);
        seen.Keep(Token, Entry());
        byte[] alike = [(byte)'x', .. Token];
        seen.Keep(alike, Entry());
        Assert.Equal((false, true), (seen.TryFind(Token, out _), seen.TryFind(alike, out _)));
        Assert.Equal(alike.Length, seen.Bytes);
        byte[] second = [.. Token.Reverse()], third = [.. Token.Select(one => (byte)(one + 1))];
        seen.Keep(second, Entry());
        seen.Keep(third, Entry());
        Assert.Equal((true, false), (seen.TryFind(second, out _), seen.TryFind(third, out _)));
        seen.Drop(second);
        Assert.Equal((false, alike.Length), (seen.TryFind(second, out _), (int)seen.Bytes));
        seen.Keep(third, Entry());
        Assert.True(seen.TryFind(third, out _));
    }

    [Fact]
    public void WhatNobodyShowsIsForgotten()
    {
        // Proves that a token is gone at the second look since it was shown, and one that is shown is not.
        SeenTokens seen = new(10_000);
        byte[] busy = [.. Token.Reverse()];
        seen.Keep(Token, Entry());
        seen.Keep(busy, Entry());
        for (int look = 0; look < 3; look++)
        {
            seen.Forget();
            Assert.True(seen.TryFind(busy, out _));
        }

        Assert.Equal((false, busy.Length), (seen.TryFind(Token, out _), (int)seen.Bytes));
    }

    [Fact]
    public void WhatIsRevokedIsRevokedHereToo()
    {
        // Proves that a revocation reaches a caller whom only the bytes still lead to.
        SeenTokens seen = new(10_000);
        CachedCaller revoked = Entry("one"), other = Entry("two");
        seen.Keep(Token, revoked);
        seen.Keep([.. Token.Reverse()], other);
        DateTimeOffset now = DateTimeOffset.UnixEpoch;
        seen.Revoke(new RevocationIndex(
            new RevocationListing(1, [new(RevocationKind.Id, "i", "one", now, now.AddHours(1), "", "")])));
        Assert.Equal((true, false), (revoked.IsRevoked, other.IsRevoked));
    }

    [Fact]
    public void ThreadsFindTheirOwnWhileOthersComeAndGo()
    {
        // Proves that nobody is ever taken for another, with many threads that keep, find, drop and forget tokens of
        // few places at once.
        SeenTokens seen = new(600);
        (byte[] Token, CachedCaller Caller)[] all =
        [
            .. Enumerable.Range(0, 24).Select(number =>
                (Encoding.ASCII.GetBytes($"{number:D40}-ends-{number % 5}"), Entry())),
        ];
        Parallel.For(0, 8, thread =>
        {
            Random random = new(thread);
            for (int turn = 0; turn < 20_000; turn++)
            {
                (byte[] token, CachedCaller caller) = all[random.Next(all.Length)];
                if (seen.TryFind(token, out CachedCaller? found)) Assert.Same(caller, found);
                else seen.Keep(token, caller);
                if (random.Next(50) == 0) seen.Drop(token);
                if (random.Next(500) == 0) seen.Forget();
            }
        });
        seen.Forget();
        seen.Forget();
        Assert.Equal(0, seen.Bytes);
    }

    private static CachedCaller Entry(string id = "") =>
        new(new Caller("i", "alice", CallerKind.Human, [], ["alice"]), null, null, long.MaxValue,
            new TokenMarks([], "i", id, [], 0));
}
