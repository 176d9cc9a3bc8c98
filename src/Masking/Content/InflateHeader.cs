namespace Countersign.Masking.Content;

/// <summary>The codes of a block of RFC 1951: the fixed ones, or those that the block's head describes.</summary>
internal sealed class InflateHeader
{
    private const int SymbolsMax = 286;
    private const int DistancesMax = 30;
    private const int CodesMax = 19;

    private static readonly HuffmanTable FixedSymbols = Fixed(
        [.. Enumerable.Repeat((byte)8, 144), .. Enumerable.Repeat((byte)9, 112), .. Enumerable.Repeat((byte)7, 24),
         .. Enumerable.Repeat((byte)8, 8)]);

    private static readonly HuffmanTable FixedDistances = Fixed([.. Enumerable.Repeat((byte)5, 32)]);

    private readonly HuffmanTable _symbols = new();
    private readonly HuffmanTable _distances = new();
    private readonly HuffmanTable _codes = new();
    private readonly byte[] _lengths = new byte[SymbolsMax + DistancesMax];
    private readonly byte[] _codeLengths = new byte[CodesMax];
    private int _symbolCount;    // zero until the counts were read
    private int _distanceCount;
    private int _codeCount;
    private int _read;
    private int _repeat;         // the code that says how a length repeats, while its bits are awaited
    private bool _hasCodes;

    private static ReadOnlySpan<byte> Order => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    /// <summary>The code of literals and lengths.</summary>
    public HuffmanTable Symbols { get; private set; } = FixedSymbols;

    /// <summary>The code of distances.</summary>
    public HuffmanTable Distances { get; private set; } = FixedDistances;

    /// <summary>Takes the fixed codes.</summary>
    public void UseFixed()
    {
        Symbols = FixedSymbols;
        Distances = FixedDistances;
    }

    /// <summary>Begins a head.</summary>
    public void Begin()
    {
        _symbolCount = _read = _repeat = 0;
        _hasCodes = false;
        Array.Clear(_codeLengths);
    }

    /// <summary>Reads on; 1 once the codes are made, 0 if bits are wanted, -1 if the head is damaged.</summary>
    public int Read(ref ulong bits, ref int count)
    {
        if (_symbolCount == 0)
        {
            if (count < 14) return 0;
            _symbolCount = (int)Take(5, ref bits, ref count) + 257;
            _distanceCount = (int)Take(5, ref bits, ref count) + 1;
            _codeCount = (int)Take(4, ref bits, ref count) + 4;
            if (_symbolCount > SymbolsMax || _distanceCount > DistancesMax) return -1;
        }

        while (!_hasCodes)
        {
            if (_read == _codeCount)
            {
                if (!_codes.TryBuild(_codeLengths, mayBeEmpty: false)) return -1;
                _hasCodes = true;
                _read = 0;
                break;
            }

            if (count < 3) return 0;
            _codeLengths[Order[_read++]] = (byte)Take(3, ref bits, ref count);
        }

        int step = ReadLengths(ref bits, ref count);
        return step <= 0 ? step : Build();
    }

    private int ReadLengths(ref ulong bits, ref int count)
    {
        int total = _symbolCount + _distanceCount;
        while (_read < total)
        {
            if (_repeat == 0)
            {
                int symbol = _codes.Read(ref bits, ref count);
                if (symbol < 0) return symbol + 1;
                if (symbol < 16)
                {
                    _lengths[_read++] = (byte)symbol;
                    continue;
                }

                _repeat = symbol;
            }

            (int width, int least) = _repeat switch { 16 => (2, 3), 17 => (3, 3), _ => (7, 11) };
            if (count < width) return 0;
            int times = least + (int)Take(width, ref bits, ref count);
            if (times > total - _read || (_repeat == 16 && _read == 0)) return -1;
            byte length = _repeat == 16 ? _lengths[_read - 1] : (byte)0;
            _lengths.AsSpan(_read, times).Fill(length);
            _read += times;
            _repeat = 0;
        }

        return 1;
    }

    private int Build()
    {
        ReadOnlySpan<byte> lengths = _lengths;
        bool isBuilt = lengths[256] > 0
            && _symbols.TryBuild(lengths[.._symbolCount], mayBeEmpty: true)
            && _distances.TryBuild(lengths.Slice(_symbolCount, _distanceCount), mayBeEmpty: true);
        Symbols = _symbols;
        Distances = _distances;
        return isBuilt ? 1 : -1;
    }

    private static uint Take(int width, ref ulong bits, ref int count)
    {
        uint taken = (uint)bits & ((1u << width) - 1);
        bits >>= width;
        count -= width;
        return taken;
    }

    private static HuffmanTable Fixed(byte[] lengths)
    {
        var table = new HuffmanTable();
        table.TryBuild(lengths, mayBeEmpty: false);
        return table;
    }
}
