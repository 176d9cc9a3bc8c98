using System.Buffers;
using System.Buffers.Binary;

namespace Countersign.Identity.Inbound;

/// <summary>
/// The tokens that one thread has lately seen proven, so that seeing one again costs a comparison and not a digest.
/// Bounded; the bytes are leased, compared in a time that does not depend on them, and wiped when they make place for
/// others or are not seen for a while. What a token rests on is still asked every time: expiry, key, certificate.
/// </summary>
public sealed class TokenMemo
{
    private const int Places = 256;

    private readonly Held?[] _held = new Held?[Places];

    /// <summary>Wipes what nobody has shown since the last time this was called, beside whoever uses it.</summary>
    public void Forget()
    {
        foreach (ref Held? place in _held.AsSpan())
        {
            if (Volatile.Read(ref place) is not { IsSeen: false }) Unmark(place);
            else Interlocked.Exchange(ref place, null)?.Return();
        }
    }

    /// <summary>Takes what is held in a token's place out of others' reach; null if there is nothing.</summary>
    [HotPath]
    internal Held? Take(ReadOnlySpan<byte> token) => Interlocked.Exchange(ref _held[PlaceOf(token)], null);

    /// <summary>Puts it into the place of the token that it holds.</summary>
    [HotPath]
    internal void Put(ReadOnlySpan<byte> token, Held held)
    {
        held.IsSeen = true;
        Interlocked.Exchange(ref _held[PlaceOf(token)], held)?.Return();
    }

    private static void Unmark(Held? held)
    {
        if (held is not null) held.IsSeen = false;
    }

    // Only tokens that were proven are held, and a signature's last bytes spread well.
    private static int PlaceOf(ReadOnlySpan<byte> token)
    {
        if (token.Length < sizeof(ulong)) return 0;
        ulong last = BinaryPrimitives.ReadUInt64LittleEndian(token[^sizeof(ulong)..]);
        return (int)((last * 0x9E3779B97F4A7C15) >> 56);
    }

    /// <summary>A token's bytes and whom they were found to prove.</summary>
    internal sealed class Held
    {
        private byte[] _bytes = [];
        private int _count;

        /// <summary>The caller of the token.</summary>
        internal CachedCaller? Caller { get; private set; }

        /// <summary>True if it was shown lately.</summary>
        internal bool IsSeen { get; set; }

        /// <summary>True for the very same token.</summary>
        [HotPath]
        internal bool Is(ReadOnlySpan<byte> token) => SeenTokens.AreSame(_bytes.AsSpan(0, _count), token);

        /// <summary>Holds another token.</summary>
        internal void Hold(ReadOnlySpan<byte> token, CachedCaller caller)
        {
            if (token.Length > _bytes.Length)
            {
                Return();
                _bytes = ArrayPool<byte>.Shared.Rent(token.Length);
            }

            _bytes.AsSpan(0, _count).Clear();
            token.CopyTo(_bytes);
            _count = token.Length;
            Caller = caller;
        }

        /// <summary>Wipes the bytes and gives them back.</summary>
        internal void Return()
        {
            byte[] bytes = _bytes;
            bytes.AsSpan(0, _count).Clear();
            _bytes = [];
            _count = 0;
            Caller = null;
            if (bytes.Length > 0) ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
