using System.Buffers.Binary;

namespace Countersign.Masking.Content;

/// <summary>
/// Decodes what HTTP calls deflate: zlib (RFC 1950), or the bare data (RFC 1951) that some servers send instead, told
/// apart by the first two bytes. Allocates nothing after it was made.
/// </summary>
internal sealed class DeflateDecoder : ContentDecoder
{
    private const int HeadBytes = 2;
    private const int TrailerBytes = 4;

    private readonly Inflater _inflater = new();
    private readonly byte[] _held = new byte[TrailerBytes];
    private Step _step;
    private bool _isBare;
    private int _heldCount;
    private uint _checksum;

    private enum Step : byte
    {
        Head = 0,
        Body,
        Trailer,
        End,
    }

    /// <inheritdoc/>
    protected override bool IsWhole => _step == Step.End;

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    /// <inheritdoc/>
    protected override void Begin()
    {
        _step = Step.Head;
        _isBare = false;
        _heldCount = 0;
        _checksum = Adler32.Empty;
        _inflater.Reset();
    }

    /// <inheritdoc/>
    protected override bool TryDecode(ReadOnlySpan<byte> input, IDecodedSink sink)
    {
        int place = 0;
        while (place < input.Length)
        {
            bool isTaken = _step switch
            {
                Step.Head => TryHead(input[place++], sink),
                Step.Body => TryInflate(input, ref place, sink),
                Step.Trailer => TryTrailer(input[place++]),
                _ => false,
            };
            if (!isTaken) return false;
        }

        return true;
    }

    private bool TryHead(byte one, IDecodedSink sink)
    {
        _held[_heldCount++] = one;
        if (_heldCount < HeadBytes) return true;
        _step = Step.Body;
        _heldCount = 0;
        _isBare = (_held[0] & 15) != 8 || _held[0] >> 4 > 7 || ((_held[0] << 8) | _held[1]) % 31 != 0;
        if (!_isBare) return (_held[1] & 0x20) == 0;   // no dictionary was agreed on
        int place = 0;
        while (place < HeadBytes && _step == Step.Body)
        {
            if (!TryInflate(_held.AsSpan(0, HeadBytes), ref place, sink)) return false;
        }

        return place == HeadBytes;
    }

    private bool TryInflate(ReadOnlySpan<byte> input, ref int place, IDecodedSink sink)
    {
        InflateStatus status;
        do
        {
            status = _inflater.Inflate(input, ref place);
            ReadOnlySpan<byte> decoded = _inflater.Take();
            if (!_isBare) _checksum = Adler32.Append(_checksum, decoded);
            if (!TryPass(decoded, sink)) return false;
        }
        while (status == InflateStatus.Full);

        if (status == InflateStatus.Ended) _step = _isBare ? Step.End : Step.Trailer;
        return status != InflateStatus.Damaged;
    }

    private bool TryTrailer(byte one)
    {
        _held[_heldCount++] = one;
        if (_heldCount < TrailerBytes) return true;
        _step = Step.End;
        return BinaryPrimitives.ReadUInt32BigEndian(_held) == _checksum;
    }
}
