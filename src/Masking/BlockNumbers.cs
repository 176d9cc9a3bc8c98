using System.Runtime.CompilerServices;

namespace Countersign.Masking;

/// <summary>
/// Numbers (RFC 8259 section 6) and literals in blocks that follow each other, all of a block at once: what may stand
/// behind what, and from each point and exponent a run of digits that one addition walks, so that its carry stops at
/// the byte behind. Carried from block to block is what the last byte was.
/// </summary>
internal partial struct BlockNumbers
{
    // Each 0 or 1, but for the bytes of a literal that goes on.
    private ulong _digit;
    private ulong _zero;        // that begins a number, or follows its minus
    private ulong _dot;
    private ulong _minus;       // that begins a number
    private ulong _fraction;    // within digits behind a point
    private ulong _literal;
    private ulong _letter;      // the last of a literal, or one within
    private ulong _exponent;
    private ulong _sign;        // of an exponent
    private ulong _power;       // within digits behind an exponent

    /// <summary>Not 0 if what reaches the last block's end is more than digits.</summary>
    public ulong Open { get; private set; }

    /// <summary>True if the next block must be checked whatever it holds.</summary>
    public readonly bool GoesOn => (Open | _zero) != 0;

    /// <summary>Moves over a block that is sound and whose numbers are <paramref name="digits"/> alone;
    /// <paramref name="first"/> are zeros that begin one.</summary>
    public void PassDigits(ulong digits, ulong first) => (_digit, _zero) = (digits >> 63, first >> 63);

    /// <summary>A block whose numbers are digits alone; returns the places of those that are wrong.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong CheckDigits(ulong starts, ulong digits, ulong zeros)
    {
        if (digits == ulong.MaxValue) return digits;   // of nothing else: too long for this, and maybe for any number
        ulong first = starts & zeros;
        ulong wrong = (first << 1 | _zero) & digits;
        (_digit, _zero) = (digits >> 63, first >> 63);
        return wrong;
    }

    /// <summary>Any block: places of bytes that are wrong in <paramref name="scalars"/>, of which each number or
    /// literal begins at <paramref name="starts"/>. A literal may go on in <paramref name="bytes"/> behind
    /// it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public ulong Check<TBlock>(ReadOnlySpan<byte> bytes, ulong scalars, ulong starts)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        if (scalars == ulong.MaxValue) return scalars;
        TBlock block = TBlock.Load(bytes);
        ulong digits = block.InRange((byte)'0', 10) & scalars;
        ulong zeros = block.Equal((byte)'0');
        ulong minus = block.Equal((byte)'-');
        ulong dots = block.Equal((byte)'.');
        ulong literals = TBlock.Literals(bytes, starts & ~(digits | minus), out ulong fives);
        ulong letters = (literals | literals << 1 | literals << 2 | literals << 3 | fives << 4 | _literal) & scalars;
        ulong left = scalars & ~letters;
        ulong wrong = (letters << 1 | _letter) & left;
        _literal = literals >> 63 | literals >> 62 | literals >> 61 | fives >> 60;
        _letter = letters >> 63;
        ulong afterDigit = digits << 1 | _digit;
        ulong begins = minus & starts;
        ulong afterMinus = begins << 1 | _minus;
        dots &= left;
        ulong afterDot = dots << 1 | _dot;
        ulong first = (starts | afterMinus) & digits & zeros;
        wrong |= ((first << 1 | _zero) & digits) | (dots & ~afterDigit) | ((afterDot | afterMinus) & ~digits);
        ulong behindFraction = Behind(afterDot | _fraction, digits, ref _fraction);
        wrong |= behindFraction & dots;
        ulong others = left & ~(digits | dots | begins);
        if ((others | _exponent | _sign | _power) != 0)
            wrong |= CheckPowers<TBlock>(bytes, others, digits, dots, afterDigit);
        (_digit, _zero, _dot, _minus) = (digits >> 63, first >> 63, dots >> 63, begins >> 63);
        Open = _dot | _minus | _fraction | _letter | _exponent | _sign | _power;
        return wrong;
    }

    // Exponents, and whatever else is neither a digit nor a point nor a number's minus.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong CheckPowers<TBlock>(
        ReadOnlySpan<byte> bytes, ulong others, ulong digits, ulong dots, ulong afterDigit)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        TBlock block = TBlock.Load(bytes);
        ulong exponents = block.EqualFolded((byte)'e') & others;
        ulong signs = (block.Equal((byte)'+') | block.Equal((byte)'-')) & others;
        ulong afterExponent = exponents << 1 | _exponent;
        ulong afterSign = signs << 1 | _sign;
        ulong wrong = others & ~(exponents | signs);
        wrong |= (exponents & ~afterDigit) | (signs & ~afterExponent) | (afterSign & ~digits);
        wrong |= afterExponent & ~(digits | signs);
        ulong behindPower = Behind((afterExponent & digits) | afterSign | _power, digits, ref _power);
        wrong |= behindPower & (dots | exponents);
        (_exponent, _sign) = (exponents >> 63, signs >> 63);
        return wrong;
    }

    // The byte behind each run of digits that begins, or goes on from the last block, at starts.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Behind(ulong starts, ulong digits, ref ulong open)
    {
        ulong sum = starts + digits;
        open = sum < digits ? 1UL : 0;
        return sum & ~digits;
    }
}
