using System.Collections.Concurrent;

namespace Countersign.Masking.Content;

/// <summary>Keeps decoders between bodies, at most so many of each coding.</summary>
internal sealed class DecoderPool(int keptMax) : IDisposable
{
    private readonly ConcurrentQueue<ContentDecoder>[] _kept =
        [.. Enum.GetValues<ContentCoding>().Select(_ => new ConcurrentQueue<ContentDecoder>())];

    /// <summary>A decoder of this coding, which must be reset.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The coding needs none.</exception>
    public ContentDecoder Rent(ContentCoding coding)
    {
        if (_kept[(int)coding].TryDequeue(out ContentDecoder? kept)) return kept;
        return coding switch
        {
            ContentCoding.Gzip => new GzipDecoder(),
            ContentCoding.Deflate => new DeflateDecoder(),
            ContentCoding.Brotli => new BrotliContentDecoder(),
            ContentCoding.Zstd => new ZstdContentDecoder(),
            _ => throw new ArgumentOutOfRangeException(nameof(coding)),
        };
    }

    /// <summary>Takes a decoder back, whatever became of its body.</summary>
    public void Return(ContentCoding coding, ContentDecoder decoder)
    {
        if (_kept[(int)coding].Count < keptMax) _kept[(int)coding].Enqueue(decoder);
        else decoder.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ConcurrentQueue<ContentDecoder> kept in _kept)
        {
            while (kept.TryDequeue(out ContentDecoder? decoder)) decoder.Dispose();
        }
    }
}
