using System.Buffers;

namespace Countersign.Masking.Content;

/// <summary>Encodes a body as it streams by, where it is configured to leave as it came. Serves one body.</summary>
internal abstract class ContentEncoder : IDisposable
{
    /// <summary>An encoder of this coding; zlib for deflate.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The coding needs none.</exception>
    public static ContentEncoder Of(ContentCoding coding) => coding switch
    {
        ContentCoding.Gzip or ContentCoding.Deflate => new StreamEncoder(coding),
        ContentCoding.Brotli => new BrotliContentEncoder(),
        ContentCoding.Zstd => new ZstdContentEncoder(),
        _ => throw new ArgumentOutOfRangeException(nameof(coding)),
    };

    /// <summary>Encodes <paramref name="input"/>; what is ready goes to <paramref name="output"/>.</summary>
    public abstract void Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output);

    /// <summary>Ends the body.</summary>
    public abstract void Finish(IBufferWriter<byte> output);

    /// <inheritdoc/>
    public abstract void Dispose();
}
