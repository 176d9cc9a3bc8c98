using System.Buffers;
using System.IO.Compression;

namespace Countersign.Masking.Content;

/// <summary>Encodes gzip or zlib by the runtime's streams, which cannot begin again: a body costs a stream and its
/// state.</summary>
internal sealed class StreamEncoder : ContentEncoder
{
    private readonly WriterStream _sink = new();
    private readonly Stream _encoder;

    /// <summary>Makes an encoder of gzip, or of zlib.</summary>
    public StreamEncoder(ContentCoding coding) => _encoder = coding == ContentCoding.Gzip
        ? new GZipStream(_sink, CompressionLevel.Fastest, leaveOpen: true)
        : new ZLibStream(_sink, CompressionLevel.Fastest, leaveOpen: true);

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        _sink.Output = output;
        _encoder.Write(input);
    }

    /// <inheritdoc/>
    public override void Finish(IBufferWriter<byte> output)
    {
        _sink.Output = output;
        // A stream that was written nothing writes nothing: an empty body stays one, which decoders take.
        _encoder.Dispose();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _sink.Output = null;
        _encoder.Dispose();
    }

    private sealed class WriterStream : Stream
    {
        public IBufferWriter<byte>? Output { get; set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer) => Output?.Write(buffer);
    }
}
