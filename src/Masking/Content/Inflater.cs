using System.Buffers.Binary;

namespace Countersign.Masking.Content;

/// <summary>How far an inflater came.</summary>
internal enum InflateStatus : byte
{
    /// <summary>The data is none of RFC 1951.</summary>
    Damaged = 0,

    /// <summary>All input was taken.</summary>
    NeedMore,

    /// <summary>The window is full: what it holds must be taken before it goes on.</summary>
    Full,

    /// <summary>The last block has ended; the input after it was not taken.</summary>
    Ended,
}

/// <summary>
/// Inflates RFC 1951 data. The runtime's own streams tell neither where the data ended nor that it was cut, and
/// allocate for each body; this one is strict, and is kept. The decision record on inflating says more.
/// </summary>
internal sealed class Inflater
{
    private const int HistoryBytes = 32_768;
    private const int WindowBytes = 2 * HistoryBytes;
    private const int RoomMin = 16_384;   // less room than this is made larger, which moves the history
    private const int CopyMax = 258;
    private const int EndOfBlock = 256;

    private readonly byte[] _window = new byte[WindowBytes];
    private readonly InflateHeader _header = new();
    private ulong _bits;
    private int _bitCount;
    private int _written;    // bytes in the window
    private int _taken;      // of these, how many were taken
    private bool _isLast;
    private int _length;     // of the copy or the stored bytes under way
    private int _symbol;
    private State _state;

    private enum State : byte
    {
        BlockHead = 0,
        StoredLength,
        Stored,
        CodeLengths,
        Symbol,
        LengthBits,
        Distance,
        DistanceBits,
        Ended,
    }

    private static ReadOnlySpan<ushort> LengthBase =>
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
         258];

    private static ReadOnlySpan<byte> LengthBits =>
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    private static ReadOnlySpan<ushort> DistanceBase =>
        [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
         6145, 8193, 12289, 16385, 24577];

    private static ReadOnlySpan<byte> DistanceBits =>
        [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];

    /// <summary>Begins new data.</summary>
    public void Reset()
    {
        _bits = 0;
        _bitCount = _written = _taken = 0;
        _isLast = false;
        _state = State.BlockHead;
    }

    /// <summary>What was inflated and not taken yet; taking it makes room.</summary>
    public ReadOnlySpan<byte> Take()
    {
        // The slice outlives the move below: what was taken last is never moved before the next call.
        if (_taken == _written && _written > WindowBytes - RoomMin)
        {
            _window.AsSpan(_written - HistoryBytes, HistoryBytes).CopyTo(_window);
            _written = _taken = HistoryBytes;
        }

        ReadOnlySpan<byte> fresh = _window.AsSpan(_taken, _written - _taken);
        _taken = _written;
        return fresh;
    }

    /// <summary>Inflates from <paramref name="input"/> at <paramref name="place"/> on.</summary>
    public InflateStatus Inflate(ReadOnlySpan<byte> input, ref int place)
    {
        if (_taken == _written) Take();
        while (true)
        {
            if (_written > WindowBytes - CopyMax) return InflateStatus.Full;
            Refill(input, ref place);
            int step = _state switch
            {
                State.BlockHead => BeginBlock(),
                State.StoredLength => BeginStored(),
                State.Stored => CopyStored(input, ref place),
                State.CodeLengths => ReadCode(),
                State.Ended => End(ref place),
                _ => ReadSymbols(input, ref place),
            };
            if (step < 0) return InflateStatus.Damaged;
            if (step > 0) continue;
            if (_state == State.Ended) return InflateStatus.Ended;
            if (_written > WindowBytes - CopyMax) return InflateStatus.Full;
            if (place == input.Length) return InflateStatus.NeedMore;
        }
    }

    private void Refill(ReadOnlySpan<byte> input, ref int place)
    {
        if (input.Length - place >= 8)
        {
            _bits |= BinaryPrimitives.ReadUInt64LittleEndian(input[place..]) << _bitCount;
            place += (63 - _bitCount) >> 3;
            _bitCount |= 56;
            // Bits above the count may be set; they are the same ones that come again.
            return;
        }

        while (_bitCount <= 55 && place < input.Length)
        {
            _bits |= (ulong)input[place++] << _bitCount;
            _bitCount += 8;
        }
    }

    private uint TakeBits(int count)
    {
        uint taken = (uint)_bits & ((1u << count) - 1);
        _bits >>= count;
        _bitCount -= count;
        return taken;
    }

    // Each step returns 1 to go on, 0 where input or room is wanted, -1 where the data is damaged.
    private int BeginBlock()
    {
        if (_isLast)
        {
            _state = State.Ended;
            return 1;
        }

        if (_bitCount < 3) return 0;
        _isLast = TakeBits(1) == 1;
        switch (TakeBits(2))
        {
            case 0:
                TakeBits(_bitCount & 7);
                _state = State.StoredLength;
                return 1;
            case 1:
                _header.UseFixed();
                _state = State.Symbol;
                return 1;
            case 2:
                _header.Begin();
                _state = State.CodeLengths;
                return 1;
            default:
                return -1;
        }
    }

    private int BeginStored()
    {
        if (_bitCount < 32) return 0;
        uint length = TakeBits(16);
        if (length != (~TakeBits(16) & 0xFFFF)) return -1;
        _length = (int)length;
        _state = State.Stored;
        return 1;
    }

    private int CopyStored(ReadOnlySpan<byte> input, ref int place)
    {
        GiveBack(ref place);
        int count = Math.Min(_length, Math.Min(input.Length - place, WindowBytes - _written));
        input.Slice(place, count).CopyTo(_window.AsSpan(_written));
        place += count;
        _written += count;
        _length -= count;
        if (_length > 0) return 0;
        _state = State.BlockHead;
        return 1;
    }

    // Whole bytes that were read ahead are read again from the input: they are always of the chunk at hand, since a
    // step stops only where its bits are too few.
    private void GiveBack(ref int place)
    {
        place -= _bitCount >> 3;
        _bits = 0;
        _bitCount = 0;
    }

    private int End(ref int place)
    {
        GiveBack(ref place);
        return 0;
    }

    private int ReadCode()
    {
        int step = _header.Read(ref _bits, ref _bitCount);
        if (step > 0) _state = State.Symbol;
        return step;
    }

    private int ReadSymbols(ReadOnlySpan<byte> input, ref int place)
    {
        while (_written <= WindowBytes - CopyMax)
        {
            if (_state == State.Symbol)
            {
                if (_bitCount < 48) Refill(input, ref place);
                int symbol = _header.Symbols.Read(ref _bits, ref _bitCount);
                if (symbol < EndOfBlock)
                {
                    if (symbol < 0) return symbol + 1;
                    _window[_written++] = (byte)symbol;
                    continue;
                }

                if (symbol == EndOfBlock)
                {
                    _state = State.BlockHead;
                    return 1;
                }

                _symbol = symbol - EndOfBlock - 1;
                if (_symbol >= LengthBase.Length) return -1;
                _state = State.LengthBits;
            }

            int step = ReadCopy();
            if (step <= 0) return step;
        }

        return 0;
    }

    private int ReadCopy()
    {
        if (_state == State.LengthBits)
        {
            int bits = LengthBits[_symbol];
            if (_bitCount < bits) return 0;
            _length = LengthBase[_symbol] + (int)TakeBits(bits);
            _state = State.Distance;
        }

        if (_state == State.Distance)
        {
            _symbol = _header.Distances.Read(ref _bits, ref _bitCount);
            if (_symbol < 0) return ++_symbol;
            if (_symbol >= DistanceBase.Length) return -1;
            _state = State.DistanceBits;
        }

        int extra = DistanceBits[_symbol];
        if (_bitCount < extra) return 0;
        int distance = DistanceBase[_symbol] + (int)TakeBits(extra);
        if (distance > _written) return -1;
        Copy(distance);
        _state = State.Symbol;
        return 1;
    }

    private void Copy(int distance)
    {
        int from = _written - distance;
        if (distance >= _length)
        {
            _window.AsSpan(from, _length).CopyTo(_window.AsSpan(_written));
        }
        else
        {
            for (int copied = 0; copied < _length; copied++) _window[_written + copied] = _window[from + copied];
        }

        _written += _length;
    }
}
