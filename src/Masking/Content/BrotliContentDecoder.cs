using System.Buffers;
using System.IO.Compression;

namespace Countersign.Masking.Content;

/// <summary>
/// Decodes Brotli (RFC 7932). The runtime's decoder cannot begin again, so a body costs one handle, and its state
/// outside the managed heap.
/// </summary>
internal sealed class BrotliContentDecoder : ContentDecoder
{
    private const int PieceBytes = 16_384;

    private readonly byte[] _decoded = new byte[PieceBytes];
    private BrotliDecoder _decoder;
    private bool _hasEnded;

    /// <inheritdoc/>
    protected override bool IsWhole => _hasEnded;

    /// <inheritdoc/>
    public override void Dispose() => _decoder.Dispose();

    /// <inheritdoc/>
    protected override void Begin()
    {
        _decoder.Dispose();
        _decoder = default;
        _hasEnded = false;
    }

    /// <inheritdoc/>
    protected override bool TryDecode(ReadOnlySpan<byte> input, IDecodedSink sink)
    {
        if (_hasEnded) return false;
        while (true)
        {
            OperationStatus status = _decoder.Decompress(input, _decoded, out int consumed, out int written);
            if (!TryPass(_decoded.AsSpan(0, written), sink)) return false;
            input = input[consumed..];
            switch (status)
            {
                case OperationStatus.Done:
                    _hasEnded = true;
                    return input.IsEmpty;
                case OperationStatus.NeedMoreData:
                    return input.IsEmpty;
                case OperationStatus.DestinationTooSmall:
                    break;
                default:
                    return false;
            }
        }
    }
}
