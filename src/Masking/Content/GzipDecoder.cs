using System.Buffers.Binary;

namespace Countersign.Masking.Content;

/// <summary>Decodes gzip (RFC 1952): members one after another, each with its checksum and length. Allocates nothing
/// after it was made.</summary>
internal sealed class GzipDecoder : ContentDecoder
{
    private const int FixedHeadBytes = 10;
    private const int TrailerBytes = 8;
    private const byte HasHeadChecksum = 2;
    private const byte HasExtra = 4;
    private const byte HasName = 8;
    private const byte HasComment = 16;
    private const byte ReservedFlags = 0xE0;

    private readonly Inflater _inflater = new();
    private readonly byte[] _held = new byte[FixedHeadBytes];
    private Step _step;
    private byte _flags;      // of the head's parts, those that are still to come
    private int _heldCount;
    private int _extra;
    private int _headBytes;
    private uint _headChecksum;
    private uint _checksum;
    private uint _length;

    private enum Step : byte
    {
        Head = 0,
        ExtraLength,
        Extra,
        Name,
        Comment,
        HeadChecksum,
        Body,
        Trailer,
    }

    // And the method: deflate, the only one there is.
    private static ReadOnlySpan<byte> Magic => [0x1F, 0x8B, 8];

    /// <inheritdoc/>
    protected override bool IsWhole => _step == Step.Head && _heldCount == 0;

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    /// <inheritdoc/>
    protected override void Begin()
    {
        _step = Step.Head;
        _heldCount = _headBytes = 0;
        _headChecksum = 0;
    }

    /// <inheritdoc/>
    protected override bool TryDecode(ReadOnlySpan<byte> input, IDecodedSink sink)
    {
        int place = 0;
        while (place < input.Length)
        {
            bool isTaken = _step == Step.Body ? TryInflate(input, ref place, sink) : TryFrame(input, ref place);
            if (!isTaken) return false;
        }

        return true;
    }

    private bool TryInflate(ReadOnlySpan<byte> input, ref int place, IDecodedSink sink)
    {
        InflateStatus status;
        do
        {
            status = _inflater.Inflate(input, ref place);
            ReadOnlySpan<byte> decoded = _inflater.Take();
            _checksum = Crc32.Append(_checksum, decoded);
            _length += (uint)decoded.Length;
            if (!TryPass(decoded, sink)) return false;
        }
        while (status == InflateStatus.Full);

        if (status == InflateStatus.Ended) _step = Step.Trailer;
        return status != InflateStatus.Damaged;
    }

    private bool TryFrame(ReadOnlySpan<byte> input, ref int place)
    {
        byte one = input[place++];
        if (_step == Step.Trailer) return TryTrailer(one);
        if (_step != Step.HeadChecksum) _headChecksum = Crc32.Append(_headChecksum, [one]);
        if (++_headBytes > ContentLimits.GzipHeadBytesMax) return false;
        switch (_step)
        {
            case Step.Head:
                return TryHead(one);
            case Step.ExtraLength:
                _held[_heldCount++] = one;
                if (_heldCount < 2) return true;
                _extra = BinaryPrimitives.ReadUInt16LittleEndian(_held);
                _step = Step.Extra;
                if (_extra == 0) NextPart();
                return true;
            case Step.Extra:
                if (--_extra == 0) NextPart();
                return true;
            case Step.Name or Step.Comment:
                if (one == 0) NextPart();
                return true;
            default:
                _held[_heldCount++] = one;
                if (_heldCount < 2) return true;
                bool isRight = BinaryPrimitives.ReadUInt16LittleEndian(_held) == (ushort)_headChecksum;
                NextPart();
                return isRight;
        }
    }

    private bool TryHead(byte one)
    {
        if (_heldCount < 3 && one != Magic[_heldCount]) return false;
        _held[_heldCount++] = one;
        if (_heldCount < FixedHeadBytes) return true;
        _flags = _held[3];
        NextPart();
        return (_held[3] & ReservedFlags) == 0;
    }

    private void NextPart()
    {
        _heldCount = 0;
        if (Has(HasExtra)) _step = Step.ExtraLength;
        else if (Has(HasName)) _step = Step.Name;
        else if (Has(HasComment)) _step = Step.Comment;
        else if (Has(HasHeadChecksum)) _step = Step.HeadChecksum;
        else
        {
            _step = Step.Body;
            _inflater.Reset();
            _checksum = _length = 0;
        }
    }

    private bool Has(byte flag)
    {
        bool isSet = (_flags & flag) != 0;
        _flags &= (byte)~flag;
        return isSet;
    }

    private bool TryTrailer(byte one)
    {
        _held[_heldCount++] = one;
        if (_heldCount < TrailerBytes) return true;
        Begin();   // another member may follow
        return BinaryPrimitives.ReadUInt32LittleEndian(_held) == _checksum
            && BinaryPrimitives.ReadUInt32LittleEndian(_held.AsSpan(4)) == _length;
    }
}
