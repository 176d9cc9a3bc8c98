using System.Buffers;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Countersign.Masking.Content;

/// <summary>
/// Decodes Zstandard (RFC 8878): frames one after another, skippable ones too, with windows of up to 8 MiB
/// (RFC 9659). The library's decoder begins again for each body; it keeps its window outside the managed heap.
/// </summary>
internal sealed class ZstdContentDecoder : ContentDecoder
{
    private const int PieceBytes = 16_384;

    private readonly byte[] _decoded = new byte[PieceBytes];
    private readonly Decompressor _decoder = new();
    private bool _hasEnded;

    /// <summary>Makes a decoder.</summary>
    public ZstdContentDecoder() =>
        _decoder.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, ContentLimits.ZstdWindowLogMax);

    /// <inheritdoc/>
    protected override bool IsWhole => _hasEnded;

    /// <inheritdoc/>
    public override void Dispose() => _decoder.Dispose();

    /// <inheritdoc/>
    protected override void Begin()
    {
        _decoder.ResetStream();
        _hasEnded = false;
    }

    /// <inheritdoc/>
    protected override bool TryDecode(ReadOnlySpan<byte> input, IDecodedSink sink)
    {
        while (true)
        {
            OperationStatus status;
            int consumed;
            int written;
            try
            {
                status = _decoder.UnwrapStream(input, _decoded, out consumed, out written);
            }
            catch (ZstdException)
            {
                return false;   // the library has no other way to say that data is damaged
            }

            if (!TryPass(_decoded.AsSpan(0, written), sink)) return false;
            input = input[consumed..];
            _hasEnded = status == OperationStatus.Done;
            bool isStuck = consumed == 0 && written == 0;
            if (input.IsEmpty && (_hasEnded || written < _decoded.Length)) return true;
            if (isStuck) return input.IsEmpty;
        }
    }
}
