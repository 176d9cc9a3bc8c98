using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Countersign.Masking;

/// <summary>
/// Numbers (RFC 8259 section 6) and literals in blocks that follow each other, all of a block at once: what may stand
/// behind what, and from each point and exponent a run of digits that one addition walks, so that its carry stops at
/// the byte behind. Carried from block to block is what the last byte was.
/// </summary>
internal struct BlockNumbers
{
    private const uint True = 0x6575_7274;    // in the order of the bytes
    private const uint Null = 0x6C6C_756E;
    private const uint Fals = 0x736C_6166;
    private const int WordBytes = 8;

    // Each 0 or 1, but for the bytes of a literal that goes on.
    private ulong _digit;
    private ulong _dot;
    private ulong _exponent;
    private ulong _sign;        // which digits must follow
    private ulong _minus;       // that begins a number
    private ulong _zero;        // that begins one, or follows its minus
    private ulong _fraction;    // within digits behind a point
    private ulong _power;       // within digits behind an exponent
    private ulong _literal;
    private ulong _letter;      // the last of a literal, or one within

    /// <summary>Not 0 if a number or literal reaches the last block's end.</summary>
    public ulong Open { get; private set; }

    /// <summary>A block whose numbers are digits alone; returns the places of those that are wrong.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong CheckDigits(ulong starts, ulong digits, ulong zeros)
    {
        ulong first = starts & zeros;
        Open = _digit = digits >> 63;
        _zero = first >> 63;
        return first << 1 & digits;
    }

    /// <summary>Any block: places of bytes that are wrong in <paramref name="scalars"/>. A literal may go on in
    /// <paramref name="bytes"/> behind it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public ulong Check<TBlock>(ReadOnlySpan<byte> bytes, ulong scalars, ulong starts)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        // A block of nothing else: too long for this, and maybe for any number.
        if (scalars == ulong.MaxValue) return scalars;
        ulong taken = _literal & scalars;
        ulong wrong = 0;
        _literal = 0;
        TBlock block = TBlock.Load(bytes);
        ulong digits = block.InRange((byte)'0', 10) & scalars;
        ulong minus = block.Equal((byte)'-') & scalars;
        ulong literals = starts & ~(digits | minus);
        if (literals != 0)
        {
            wrong |= Literals(bytes, literals, ref taken);
            block = TBlock.Load(bytes);
        }

        ulong left = scalars & ~taken;
        digits &= left;
        minus &= left;
        ulong dots = block.Equal((byte)'.') & left;
        ulong exponents = block.EqualFolded((byte)'e') & left;
        ulong plus = block.Equal((byte)'+') & left;
        wrong |= (taken << 1 | _letter) & left;
        _letter = taken >> 63;
        wrong |= left & ~(digits | dots | exponents | minus | plus);
        ulong afterDigit = digits << 1 | _digit;
        ulong afterExponent = exponents << 1 | _exponent;
        ulong afterSign = (minus | plus) << 1 | _sign;
        ulong begins = minus & starts;
        ulong whole = (starts & digits) | ((begins << 1 | _minus) & digits);
        ulong first = whole & block.Equal((byte)'0');
        wrong |= (first << 1 | _zero) & digits;
        wrong |= (dots | exponents) & ~afterDigit;
        wrong |= (plus | (minus & ~starts)) & ~afterExponent;
        wrong |= ((dots << 1 | _dot) | afterSign) & ~digits;
        wrong |= afterExponent & ~(digits | minus | plus);
        ulong behindFraction = Behind(dots << 1 | _dot | _fraction, digits, ref _fraction);
        ulong power = (afterExponent & digits) | (afterSign & ~(starts << 1) & ~_minus) | _power;
        ulong behindPower = Behind(power, digits, ref _power);
        wrong |= (behindFraction & dots) | (behindPower & (dots | exponents));
        (_digit, _dot, _exponent) = (digits >> 63, dots >> 63, exponents >> 63);
        (_sign, _minus, _zero) = ((minus | plus) >> 63, begins >> 63, first >> 63);
        Open = scalars >> 63;
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

    // taken becomes the bytes of literals, right or wrong; what of them lies behind the block is carried.
    private ulong Literals(ReadOnlySpan<byte> bytes, ulong literals, ref ulong taken)
    {
        ulong wrong = 0;
        for (; literals != 0; literals &= literals - 1)
        {
            int place = BitOperations.TrailingZeroCount(literals);
            ulong word = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice(place, WordBytes));
            bool isFalse = (uint)word == Fals && (byte)(word >> 32) == 'e';
            bool isRight = isFalse || (uint)word is True or Null;
            ulong letters = isFalse ? 31UL : isRight ? 15UL : 1UL;
            taken |= letters << place;
            if (place > 59) _literal |= letters >> (BlockWindow.BlockBytes - place);
            if (!isRight) wrong |= 1UL << place;
        }

        return wrong;
    }
}
