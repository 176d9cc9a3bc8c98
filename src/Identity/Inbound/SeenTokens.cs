using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Numerics;
using System.Security.Cryptography;

namespace Countersign.Identity.Inbound;

/// <summary>
/// Tokens that were found proven and are shown again and again, known by their very bytes to all threads: what finds
/// them in less time than their SHA-256 takes. Bounded, and wiped when nobody shows them any more; what a token rests
/// on is still asked every time. Thread-safe, and reading takes no lock.
/// </summary>
/// <param name="bytesMax">Bytes of tokens kept at most; what comes beyond is known by its SHA-256 alone.</param>
internal sealed class SeenTokens(int bytesMax)
{
    private readonly ConcurrentDictionary<ulong, Seen> _byEnd = new();
    private long _bytes;

    /// <summary>Bytes of tokens kept.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>The caller of this very token.</summary>
    [HotPath]
    public bool TryFind(ReadOnlySpan<byte> token, out CachedCaller? caller)
    {
        caller = null;
        if (!_byEnd.TryGetValue(EndOf(token), out Seen? seen) || !AreSame(seen.Token, token)) return false;
        if (!seen.IsShown) seen.IsShown = true;
        caller = seen.Caller;
        if (!caller.IsUsed) caller.IsUsed = true;
        return true;
    }

    /// <summary>Keeps a token that was found proven, if there is room; of two that end alike the later.</summary>
    public void Keep(ReadOnlySpan<byte> token, CachedCaller caller)
    {
        if (Interlocked.Add(ref _bytes, token.Length) > bytesMax)
        {
            Interlocked.Add(ref _bytes, -token.Length);
            return;
        }

        Seen kept = new(token.ToArray(), caller);
        Seen? before = null;
        _byEnd.AddOrUpdate(EndOf(token), kept, (_, there) =>
        {
            before = there;
            return kept;
        });
        if (before is not null) Wipe(before);
    }

    /// <summary>Wipes one.</summary>
    public void Drop(ReadOnlySpan<byte> token)
    {
        ulong end = EndOf(token);
        if (!_byEnd.TryGetValue(end, out Seen? seen) || !AreSame(seen.Token, token)) return;
        if (_byEnd.TryRemove(KeyValuePair.Create(end, seen))) Wipe(seen);
    }

    /// <summary>Revokes what the list covers, wherever else it is known.</summary>
    public void Revoke(RevocationIndex revoked)
    {
        foreach ((_, Seen seen) in _byEnd)
        {
            if (revoked.Covers(seen.Caller.Marks)) seen.Caller.Revoke();
        }
    }

    /// <summary>Wipes what nobody has shown since the last time this was called.</summary>
    public void Forget()
    {
        foreach (KeyValuePair<ulong, Seen> pair in _byEnd)
        {
            if (pair.Value.IsShown) pair.Value.IsShown = false;
            else if (_byEnd.TryRemove(pair)) Wipe(pair.Value);
        }
    }

    /// <summary>Compares all of it, whatever differs, so that time tells nothing of where. The library's own way of
    /// that goes byte by byte without optimization, which for a token costs more than its SHA-256.</summary>
    [HotPath]
    internal static bool AreSame(ReadOnlySpan<byte> held, ReadOnlySpan<byte> token)
    {
        if (token.Length != held.Length) return false;
        Vector<byte> differs = Vector<byte>.Zero;
        int at = 0;
        for (; at <= token.Length - Vector<byte>.Count; at += Vector<byte>.Count)
            differs |= new Vector<byte>(held[at..]) ^ new Vector<byte>(token[at..]);
        int rest = 0;
        for (; at < token.Length; at++) rest |= held[at] ^ token[at];
        return (rest == 0) & Vector.EqualsAll(differs, Vector<byte>.Zero);
    }

    // A signature's last bytes spread well, and only proven tokens are kept, so that nobody can aim for one place. What
    // ends alike is compared whole, and then known by its SHA-256.
    private static ulong EndOf(ReadOnlySpan<byte> token) =>
        token.Length < sizeof(ulong) ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(token[^sizeof(ulong)..]);

    // Never given to anything else: a thread that still compares with it finds zeros, which no token holds.
    private void Wipe(Seen seen)
    {
        if (!seen.TryEnd()) return;
        Interlocked.Add(ref _bytes, -seen.Token.Length);
        CryptographicOperations.ZeroMemory(seen.Token);
    }

    private sealed class Seen(byte[] token, CachedCaller caller)
    {
        private bool _isShown = true;
        private int _isEnded;

        public byte[] Token { get; } = token;

        public CachedCaller Caller { get; } = caller;

        /// <summary>True since the last look. Racy on purpose: losing a mark costs one more digest.</summary>
        public bool IsShown
        {
            get => Volatile.Read(ref _isShown);
            set => Volatile.Write(ref _isShown, value);
        }

        /// <summary>True for the first of those who would wipe it.</summary>
        public bool TryEnd() => Interlocked.Exchange(ref _isEnded, 1) == 0;
    }
}
