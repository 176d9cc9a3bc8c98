using System.Buffers.Text;

namespace Countersign.Audit;

/// <summary>
/// The calls of a log whose intent stands without an outcome, told by the fixed head that call records begin with: a
/// start passes over every entry anyway, and must not parse them all.
/// </summary>
internal sealed class OpenCalls
{
    private const int IdBytes = 36;
    private readonly Dictionary<Guid, long> _intents = [];

    private static ReadOnlySpan<byte> IntentHead => "{\"v\":1,\"type\":\"intent\",\"call\":\""u8;

    private static ReadOnlySpan<byte> OutcomeHead => "{\"v\":1,\"type\":\"outcome\",\"call\":\""u8;

    /// <summary>The numbers of their intents, ascending.</summary>
    internal IReadOnlyList<long> Intents => [.. _intents.Values.Order()];

    internal void Clear() => _intents.Clear();

    internal void Note(long entry, ReadOnlySpan<byte> payload)
    {
        if (TryCall(payload, IntentHead, out Guid begun)) _intents[begun] = entry;
        else if (TryCall(payload, OutcomeHead, out Guid ended)) _intents.Remove(ended);
    }

    /// <summary>True for an intent, with the call that it is of.</summary>
    internal static bool TryIntent(ReadOnlySpan<byte> payload, out Guid call) =>
        TryCall(payload, IntentHead, out call);

    private static bool TryCall(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> head, out Guid call)
    {
        call = default;
        return payload.Length > head.Length + IdBytes && payload.StartsWith(head)
            && Utf8Parser.TryParse(payload.Slice(head.Length, IdBytes), out call, out int read, 'D')
            && read == IdBytes;
    }
}
