using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Countersign.Masking.Detectors;

/// <summary>The first 32 bytes of a number as bits, so that most numbers that are nobody's cost a few
/// instructions.</summary>
internal readonly struct DigitGroups
{
    private const int Bytes = 32;
    private const int CardDigitsMin = 12;
    private const uint SocialSecurityBytes = 0b111_1111_1111;
    private const uint SocialSecurityDigits = 0b111_1011_0111;

    private readonly uint _digits;
    private readonly uint _run;       // digits, spaces and dashes
    private readonly bool _isZero;    // the first digit

    private DigitGroups(ReadOnlySpan<byte> bytes)
    {
        Vector256<byte> text = Vector256.Create(bytes);
        Vector256<byte> digit = Vector256.LessThan(text - Vector256.Create((byte)'0'), Vector256.Create((byte)10));
        _digits = digit.ExtractMostSignificantBits();
        _run = (digit | Vector256.Equals(text, Vector256.Create((byte)' '))
            | Vector256.Equals(text, Vector256.Create((byte)'-'))).ExtractMostSignificantBits();
        _isZero = bytes[0] == '0';
    }

    /// <summary>False if no card's number begins here: a card has twelve digits in a run, and its first group has four
    /// to eight of them or all.</summary>
    public bool MayBeCard
    {
        get
        {
            uint run = _run & ((~_run & (_run + 1)) - 1);   // the ones before the first zero
            int first = BitOperations.TrailingZeroCount(~_digits);
            return BitOperations.PopCount(_digits & run) >= CardDigitsMin && first is >= 4 and <= 8 or >= CardDigitsMin
                && !_isZero;
        }
    }

    /// <summary>False if not three, two and four digits begin here.</summary>
    public bool MayBeSocialSecurityNumber => (_digits & SocialSecurityBytes) == SocialSecurityDigits;

    /// <summary>False if no national number begins here: its first group is an area of three digits, a 1 before that,
    /// or begins with a zero.</summary>
    public bool MayBePhone => _isZero || BitOperations.TrailingZeroCount(~_digits) is 1 or 3;

    /// <summary>Reads the number at <paramref name="place"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DigitGroups At(ReadOnlySpan<byte> value, int place)
    {
        ReadOnlySpan<byte> rest = value[place..];
        return rest.Length >= Bytes ? new(rest) : Short(rest);
    }

    private static DigitGroups Short(ReadOnlySpan<byte> rest)
    {
        Span<byte> padded = stackalloc byte[Bytes];
        rest.CopyTo(padded);
        return new(padded);
    }
}
