using Countersign.Masking.Content;

namespace Countersign.Masking.Tests.Content;

/// <summary>Keeps what a decoder gives, and what became of the body.</summary>
internal sealed class DecodedBytes : IDecodedSink
{
    private readonly List<byte> _bytes = [];

    public byte[] Bytes => [.. _bytes];

    public bool TryTake(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return true;
    }

    /// <summary>Decodes <paramref name="body"/> in chunks of <paramref name="size"/> bytes.</summary>
    public static (MaskStatus Status, string Because, byte[] Bytes) Decode(
        ContentDecoder decoder, byte[] body, int size, long bytesMax = 1 << 30)
    {
        var sink = new DecodedBytes();
        decoder.Reset(bytesMax);
        for (int place = 0; place < body.Length; place += size)
        {
            MaskStatus status = decoder.Write(body.AsSpan(place, Math.Min(size, body.Length - place)), sink);
            if (status == MaskStatus.Refused) return (status, decoder.RefusedBecause, sink.Bytes);
        }

        return (decoder.Finish(), decoder.RefusedBecause, sink.Bytes);
    }
}
