using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Countersign.Policy;

namespace Countersign.Identity.Inbound;

/// <summary>The SHA-256 of a token: what the cache knows it by, so that no token is kept.</summary>
internal readonly struct TokenHash : IEquatable<TokenHash>
{
    private readonly ulong _first;
    private readonly ulong _second;
    private readonly ulong _third;
    private readonly ulong _fourth;

    private TokenHash(ReadOnlySpan<byte> digest)
    {
        _first = BinaryPrimitives.ReadUInt64LittleEndian(digest);
        _second = BinaryPrimitives.ReadUInt64LittleEndian(digest[8..]);
        _third = BinaryPrimitives.ReadUInt64LittleEndian(digest[16..]);
        _fourth = BinaryPrimitives.ReadUInt64LittleEndian(digest[24..]);
    }

    [HotPath]
    public static TokenHash Of(ReadOnlySpan<byte> token)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        Sha256State.Hash(token, digest);
        return new TokenHash(digest);
    }

    /// <summary>Reads the 64 hex digits that <see cref="ToString"/> writes.</summary>
    public static bool TryParse(string text, out TokenHash hash)
    {
        hash = default;
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        if (text.Length != 2 * digest.Length) return false;
        if (Convert.FromHexString(text, digest, out _, out _) != OperationStatus.Done) return false;
        hash = new TokenHash(digest);
        return true;
    }

    /// <summary>The first sixteen bytes in base64url.</summary>
    public string ToMark()
    {
        Span<byte> digest = stackalloc byte[2 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(digest, _first);
        BinaryPrimitives.WriteUInt64LittleEndian(digest[8..], _second);
        return Base64Url.EncodeToString(digest);
    }

    public override string ToString()
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(digest, _first);
        BinaryPrimitives.WriteUInt64LittleEndian(digest[8..], _second);
        BinaryPrimitives.WriteUInt64LittleEndian(digest[16..], _third);
        BinaryPrimitives.WriteUInt64LittleEndian(digest[24..], _fourth);
        return Convert.ToHexStringLower(digest);
    }

    [HotPath]
    public bool Equals(TokenHash other) =>
        _first == other._first && _second == other._second && _third == other._third && _fourth == other._fourth;

    public override bool Equals(object? obj) => obj is TokenHash other && Equals(other);

    // Only verified tokens get in, so nobody can aim for one bucket; the digest's own bits spread well.
    [HotPath]
    public override int GetHashCode() => (int)_first;
}

/// <summary>A verified token's caller, and what it depends on.</summary>
/// <param name="caller">Who calls.</param>
/// <param name="key">What verified it; null where the issuer itself was asked.</param>
/// <param name="ring">The issuer's keys; null likewise.</param>
/// <param name="expiresAtMs">Unix time in milliseconds from which the token is dead.</param>
/// <param name="marks">What it can be revoked by.</param>
internal sealed class CachedCaller(
    Caller caller, IssuerKey? key, IssuerKeyRing? ring, long expiresAtMs, TokenMarks marks)
{
    private bool _isUsed;
    private bool _isRevoked;

    /// <summary>What it can be revoked by.</summary>
    public TokenMarks Marks { get; } = marks;

    /// <summary>Unix time in milliseconds from which the issuer must be asked again.</summary>
    public long FreshUntilMs { get; init; } = long.MaxValue;

    /// <summary>True once it was revoked: it vouches for nobody any more.</summary>
    public bool IsRevoked => Volatile.Read(ref _isRevoked);

    public void Revoke() => Volatile.Write(ref _isRevoked, true);

    public Caller Caller { get; } = marks.Prove(caller);

    /// <summary>Unix time in milliseconds from which the token is dead.</summary>
    public long ExpiresAtMs { get; } = expiresAtMs;

    /// <summary>True since the last turn of generations. Racy on purpose: losing a mark costs one more
    /// verification.</summary>
    public bool IsUsed
    {
        get => Volatile.Read(ref _isUsed);
        set => Volatile.Write(ref _isUsed, value);
    }

    /// <summary>True while nobody revoked it, the key that verified it is published, and the issuer was reached lately
    /// enough.</summary>
    [HotPath]
    public bool IsVouchedFor(long nowMs) =>
        !IsRevoked && nowMs < FreshUntilMs && key is not { IsRemoved: true }
        && (ring is null || nowMs < ring.GoodUntilMs);
}

/// <summary>
/// Verified tokens, bounded: two generations, of which the older is dropped when the younger is full. Reading takes no
/// lock and copies nothing; what was used since the last turn is carried over when its generation goes.
/// </summary>
internal sealed class CallerCache(int entriesMax)
{
    private readonly int _generationEntriesMax = Math.Max(1, entriesMax / 2);
    private readonly Lock _writer = new();
    private Generation _young = new();
    private Generation _old = new();

    /// <summary>Entries now, at most the bound.</summary>
    public int Count
    {
        get
        {
            lock (_writer) return _young.Count + _old.Count;
        }
    }

    [HotPath]
    public bool TryFind(in TokenHash token, out CachedCaller? found)
    {
        // Young before old, as a turn writes them old before young: what moves from one to the other is not missed.
        if (!Volatile.Read(ref _young).Entries.TryGetValue(token, out found)
            && !Volatile.Read(ref _old).Entries.TryGetValue(token, out found)) return false;
        if (!found.IsUsed) found.IsUsed = true;
        return true;
    }

    /// <summary>Keeps an entry, and gives back the one to use: that of the first of several verifications at
    /// once.</summary>
    public CachedCaller Add(in TokenHash token, CachedCaller entry, long nowMs)
    {
        lock (_writer)
        {
            if (TryFind(token, out CachedCaller? found) && found!.IsVouchedFor(nowMs)) return found;
            if (_young.Count >= _generationEntriesMax) Turn(nowMs);
            _young.Put(token, entry);
            return entry;
        }
    }

    /// <summary>Revokes what the list covers. The list must be in force for new entries already.</summary>
    public void Revoke(RevocationIndex revoked)
    {
        if (revoked.IsEmpty) return;
        lock (_writer)
        {
            foreach (Generation generation in (Generation[])[_young, _old])
            {
                foreach ((_, CachedCaller entry) in generation.Entries)
                {
                    if (revoked.Covers(entry.Marks)) entry.Revoke();
                }
            }
        }
    }

    private void Turn(long nowMs)
    {
        // Half a generation at most is carried, so that a turn always makes room.
        Generation next = new();
        foreach ((TokenHash token, CachedCaller entry) in _old.Entries)
        {
            if (next.Count >= _generationEntriesMax / 2) break;
            if (!entry.IsUsed || nowMs >= entry.ExpiresAtMs || !entry.IsVouchedFor(nowMs)) continue;
            entry.IsUsed = false;
            next.Put(token, entry);
        }

        Volatile.Write(ref _old, _young);
        Volatile.Write(ref _young, next);
    }

    /// <summary>A dictionary with a cheap count; the dictionary's own takes every lock it has.</summary>
    private sealed class Generation
    {
        public ConcurrentDictionary<TokenHash, CachedCaller> Entries { get; } = new();

        public int Count { get; private set; }

        public void Put(in TokenHash token, CachedCaller entry)
        {
            if (Entries.TryAdd(token, entry)) Count++;
            else Entries[token] = entry;
        }
    }
}
