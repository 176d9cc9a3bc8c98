using System.Buffers.Binary;
using Countersign.Identity.Inbound;

namespace Countersign.Bench;

/// <summary>
/// What one thread has lately seen proven, as the gateway once kept it for each of its loops (decision 0024): taken out
/// of its place, compared, and put back. Here to be measured beside what took its place.
/// </summary>
internal sealed class ThreadMemo
{
    private const int Places = 256;

    private readonly Held?[] _held = new Held?[Places];

    internal bool TryFind(ReadOnlySpan<byte> token, SeenTokens shared, out CachedCaller? caller)
    {
        ref Held? place = ref _held[PlaceOf(token)];
        Held? held = Interlocked.Exchange(ref place, null);
        if (held is null || !SeenTokens.AreSame(held.Token, token))
        {
            if (!shared.TryFind(token, out caller)) return false;
            held = new Held(token.ToArray(), caller!);
        }

        caller = held.Caller;
        held.IsShown = true;
        Interlocked.Exchange(ref place, held);
        if (!caller.IsUsed) caller.IsUsed = true;
        return true;
    }

    private static int PlaceOf(ReadOnlySpan<byte> token) =>
        (int)((BinaryPrimitives.ReadUInt64LittleEndian(token[^sizeof(ulong)..]) * 0x9E3779B97F4A7C15) >> 56);

    private sealed class Held(byte[] token, CachedCaller caller)
    {
        internal byte[] Token { get; } = token;

        internal CachedCaller Caller { get; } = caller;

        internal bool IsShown { get; set; }
    }
}
