using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking.Detectors;

/// <summary>The first 32 bytes of a number as bits, so that most numbers that are nobody's cost a few
/// instructions.</summary>
internal readonly struct DigitGroups
{
    private const int CardDigitsMin = 12;
    private const uint SocialSecurityBytes = 0b111_1111_1111;
    private const uint SocialSecurityDigits = 0b111_1011_0111;
    private const uint PhoneBytes = 0b1111_1111_1111;
    private const uint PhoneDigits = 0b1111_0111_0111;

    private readonly Vector256<byte> _text;
    private readonly uint _run;       // digits, spaces and dashes
    private readonly bool _isZero;    // the first digit

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private DigitGroups(Vector256<byte> text, uint inValue)
    {
        _text = text;
        Digits = IsDigit(text).ExtractMostSignificantBits() & inValue;
        _run = (Vector256.Equals(text, Vector256.Create((byte)' '))
            | Vector256.Equals(text, Vector256.Create((byte)'-'))).ExtractMostSignificantBits() & inValue | Digits;
        _isZero = text.GetElement(0) == '0';
    }

    /// <summary>Which of the bytes are digits, a bit each.</summary>
    public uint Digits { get; }

    /// <summary>Which are one space or dash between two digits.</summary>
    public uint Partings => _run & ~Digits & Digits << 1 & Digits >> 1;

    /// <summary>What the digits are worth, one behind another; behind those of the value, anything.</summary>
    public Vector256<byte> Packed
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Avx512Vbmi2.VL.Compress(
            Vector256<byte>.Zero, IsDigit(_text), _text - Vector256.Create((byte)'0'));
    }

    /// <summary>False if no card's number begins here: a card has twelve digits in a run, and its first group has four
    /// to eight of them or all.</summary>
    public bool MayBeCard
    {
        get
        {
            uint run = _run & ((~_run & (_run + 1)) - 1);   // the ones before the first zero
            int first = BitOperations.TrailingZeroCount(~Digits);
            return BitOperations.PopCount(Digits & run) >= CardDigitsMin && first is >= 4 and <= 8 or >= CardDigitsMin
                && !_isZero;
        }
    }

    /// <summary>False if not three, two and four digits begin here.</summary>
    public bool MayBeSocialSecurityNumber => (Digits & SocialSecurityBytes) == SocialSecurityDigits;

    /// <summary>False if no national number begins here: it begins with a zero, or has three, three and four digits,
    /// perhaps behind a one, or a parenthesis behind that.</summary>
    public bool MayBePhone
    {
        get
        {
            uint behind = Digits >> 2;
            bool isOne = (Digits & 3) == 1 && ((behind & PhoneBytes) == PhoneDigits || _text.GetElement(2) == '(');
            return _isZero || (Digits & PhoneBytes) == PhoneDigits || isOne;
        }
    }

    /// <summary>Reads the number at <paramref name="place"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DigitGroups At(in ValueText text, int place)
    {
        Vector256<byte> bytes = text.Part(place, out uint inValue);
        return new(bytes, inValue);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> IsDigit(Vector256<byte> text) =>
        Vector256.LessThan(text - Vector256.Create((byte)'0'), Vector256.Create((byte)10));
}
