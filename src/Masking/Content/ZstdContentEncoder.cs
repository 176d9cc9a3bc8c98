using System.Buffers;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Countersign.Masking.Content;

/// <summary>Encodes Zstandard, in windows that RFC 9659 lets HTTP have.</summary>
internal sealed class ZstdContentEncoder : ContentEncoder
{
    private const int Level = 3;   // the library's own choice
    private const int PieceBytes = 4_096;

    private readonly Compressor _encoder = new(Level);

    /// <summary>Makes an encoder.</summary>
    public ZstdContentEncoder() =>
        _encoder.SetParameter(ZSTD_cParameter.ZSTD_c_windowLog, ContentLimits.ZstdWindowLogMax - 2);

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output) =>
        Encode(input, output, isLast: false);

    /// <inheritdoc/>
    public override void Finish(IBufferWriter<byte> output) => Encode([], output, isLast: true);

    /// <inheritdoc/>
    public override void Dispose() => _encoder.Dispose();

    private void Encode(ReadOnlySpan<byte> input, IBufferWriter<byte> output, bool isLast)
    {
        OperationStatus status;
        do
        {
            Span<byte> room = output.GetSpan(PieceBytes);
            status = _encoder.WrapStream(input, room, out int consumed, out int written, isLast);
            output.Advance(written);
            input = input[consumed..];
        }
        while (!input.IsEmpty || (isLast && status != OperationStatus.Done));
    }
}
