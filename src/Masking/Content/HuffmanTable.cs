namespace Countersign.Masking.Content;

/// <summary>A canonical Huffman code of RFC 1951 section 3.2.2: short codes by one look, longer ones bit by
/// bit.</summary>
internal sealed class HuffmanTable
{
    private const int LookBits = 10;
    private const int LengthMax = 15;
    private const int SymbolsMax = 288;

    // By the next bits: symbol times 16 and length; zero is a longer code.
    private readonly ushort[] _looked = new ushort[1 << LookBits];
    private readonly ushort[] _counts = new ushort[LengthMax + 1];
    private readonly ushort[] _symbols = new ushort[SymbolsMax];

    /// <summary>
    /// Makes the code of these lengths. False if it has more codes than fit, or fewer: only a code of one symbol, or of
    /// none where <paramref name="mayBeEmpty"/>, leaves bits unused.
    /// </summary>
    public bool TryBuild(ReadOnlySpan<byte> lengths, bool mayBeEmpty)
    {
        Array.Clear(_counts);
        Array.Clear(_looked);
        foreach (byte length in lengths) _counts[length]++;
        int used = lengths.Length - _counts[0];
        _counts[0] = 0;
        int left = 1;
        for (int length = 1; length <= LengthMax; length++)
        {
            left = (left << 1) - _counts[length];
            if (left < 0) return false;
        }

        bool isSparse = used == 0 || (used == 1 && _counts[1] == 1);
        if (left > 0 && !(mayBeEmpty && isSparse)) return false;
        Fill(lengths);
        return true;
    }

    private void Fill(ReadOnlySpan<byte> lengths)
    {
        Span<int> offsets = stackalloc int[LengthMax + 2];
        Span<int> codes = stackalloc int[LengthMax + 2];
        offsets.Clear();
        codes.Clear();
        for (int length = 1; length <= LengthMax; length++)
        {
            offsets[length + 1] = offsets[length] + _counts[length];
            codes[length + 1] = (codes[length] + _counts[length]) << 1;
        }

        for (int symbol = 0; symbol < lengths.Length; symbol++)
        {
            int length = lengths[symbol];
            if (length == 0) continue;
            _symbols[offsets[length]++] = (ushort)symbol;
            int code = codes[length]++;
            if (length > LookBits) continue;
            int first = Reverse(code, length);
            for (int look = first; look < _looked.Length; look += 1 << length)
                _looked[look] = (ushort)((symbol << 4) | length);
        }
    }

    /// <summary>
    /// Reads a symbol from the <paramref name="count"/> low <paramref name="bits"/> and takes its bits away. -1 if
    /// there are too few, -2 if they are no code.
    /// </summary>
    public int Read(ref ulong bits, ref int count)
    {
        int looked = _looked[(int)bits & ((1 << LookBits) - 1)];
        int length = looked & 15;
        if (length == 0) return ReadLong(ref bits, ref count);
        if (length > count) return -1;
        bits >>= length;
        count -= length;
        return looked >> 4;
    }

    private int ReadLong(ref ulong bits, ref int count)
    {
        int code = 0;
        int first = 0;
        int index = 0;
        for (int length = 1; length <= LengthMax; length++)
        {
            if (length > count) return -1;
            code |= (int)(bits >> (length - 1)) & 1;
            int codes = _counts[length];
            if (code - codes < first)
            {
                bits >>= length;
                count -= length;
                return _symbols[index + code - first];
            }

            index += codes;
            first = (first + codes) << 1;
            code <<= 1;
        }

        return -2;
    }

    private static int Reverse(int code, int length)
    {
        int reversed = 0;
        for (int bit = 0; bit < length; bit++) reversed |= (code >> bit & 1) << (length - 1 - bit);
        return reversed;
    }
}
