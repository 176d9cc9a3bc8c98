using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking.Detectors;

/// <summary>
/// A payment card's number: a network's prefix with a length that the network issues, the check digit of ISO/IEC 7812-1
/// (Luhn), plain or in groups of three to eight digits (the last may be shorter or longer, the first has four or more)
/// parted by one space or dash each. Part of a decimal fraction is none; a whole number that is written as a decimal,
/// with a fraction of zeros, may be one, without that fraction.
/// </summary>
internal static class CardNumber
{
    private const int DigitsMin = 12;
    private const int DigitsMax = 19;

    // By the first four digits: bit n for a length of 12 + n.
    private static readonly byte[] LengthsByPrefix = Prefixes();

    // What a digit counts that counts twice.
    private static readonly Vector256<byte> Doubled = Vector256.Create(
        (byte)0, 2, 4, 6, 8, 1, 3, 5, 7, 9, 0, 0, 0, 0, 0, 0, 0, 2, 4, 6, 8, 1, 3, 5, 7, 9, 0, 0, 0, 0, 0, 0);

    /// <summary>The length of the number at <paramref name="start"/>, whose first bytes are
    /// <paramref name="groups"/>, or 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Match(ReadOnlySpan<byte> value, int start, in DigitGroups groups)
    {
        if (!groups.MayBeCard) return 0;
        return Avx512Vbmi2.VL.IsSupported ? MatchGroups(value, start, groups) : Match(value, start);
    }

    // A number may end where a group does, and nowhere else.
    private static int MatchGroups(ReadOnlySpan<byte> value, int start, in DigitGroups groups)
    {
        uint first = BinaryPrimitives.ReadUInt32LittleEndian(value[start..]) - 0x3030_3030;
        first = first * 10 + (first >> 8) & 0x00FF_00FF;
        byte lengths = LengthsByPrefix[first * 100 + (first >> 16) & 0xFFFF];
        if (lengths == 0 || !BeginsHere(value, start)) return 0;
        Vector256<byte> numerals = groups.Packed;
        uint others = ~groups.Digits;
        int matched = 0;
        int place = 0;
        int digits = 0;
        while (true)
        {
            int end = BitOperations.TrailingZeroCount(others);
            int length = end - place;
            digits += length;
            if (digits > DigitsMax) return matched;
            bool isLength = digits >= DigitsMin && (lengths >> (digits - DigitsMin) & 1) != 0;
            if (isLength && IsChecked(numerals, digits) && EndsHere(value, start + end)) matched = end;
            bool goesOn = (groups.Partings >> end & 1) != 0 && length is >= 3 and <= 8 && digits >= 4;
            if (!goesOn) return matched;
            place = end + 1;
            others &= others - 1;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsChecked(Vector256<byte> numerals, int digits)
    {
        Vector256<byte> counted = Vector256.LessThan(Vector256<byte>.Indices, Vector256.Create((byte)digits));
        Vector256<byte> odd = Vector256.Create((ushort)0xFF00).AsByte();
        Vector256<byte> twice = (digits & 1) == 0 ? ~odd : odd;
        Vector256<byte> worth = Vector256.ConditionalSelect(twice, Avx2.Shuffle(Doubled, numerals), numerals) & counted;
        Vector256<ulong> sums = Avx2.SumAbsoluteDifferences(worth, Vector256<byte>.Zero).AsUInt64();
        return Vector256.Sum(sums) % 10 == 0;
    }

    /// <summary>The length of the number at <paramref name="start"/>, or 0.</summary>
    public static int Match(ReadOnlySpan<byte> value, int start)
    {
        if (!BeginsHere(value, start)) return 0;
        int digits = 0;
        int inGroup = 0;
        int sumEvenDoubled = 0;   // the digits at even places, from 0, count twice
        int sumOddDoubled = 0;
        int prefix = 0;
        byte lengths = 0;
        int matched = 0;
        int place = start;
        while (place < value.Length && digits < DigitsMax)
        {
            byte one = value[place];
            if (!AsciiClass.IsDigit(one))
            {
                bool parts = one is (byte)' ' or (byte)'-' && inGroup is >= 3 and <= 8 && digits >= 4;
                if (!parts || !AsciiClass.DigitAt(value, place + 1)) break;
                inGroup = 0;
                place++;
                continue;
            }

            int digit = one - '0';
            int doubled = digit >= 5 ? (digit * 2) - 9 : digit * 2;
            sumEvenDoubled += (digits & 1) == 0 ? doubled : digit;
            sumOddDoubled += (digits & 1) == 0 ? digit : doubled;
            digits++;
            inGroup++;
            place++;
            if (digits <= 4) prefix = (prefix * 10) + digit;
            if (digits == 4)
            {
                lengths = LengthsByPrefix[prefix];
                if (lengths == 0) return 0;
            }

            if (digits < DigitsMin || (lengths >> (digits - DigitsMin) & 1) == 0) continue;
            int sum = (digits & 1) == 0 ? sumEvenDoubled : sumOddDoubled;
            if (sum % 10 == 0 && EndsHere(value, place)) matched = place - start;
        }

        return matched;
    }

    private static bool BeginsHere(ReadOnlySpan<byte> value, int start) =>
        AsciiClass.BeginsWord(value, start)
        && !(start > 1 && value[start - 1] == '.' && AsciiClass.IsDigit(value[start - 2]));

    private static bool EndsHere(ReadOnlySpan<byte> value, int end)
    {
        bool hasFraction = end < value.Length && value[end] == '.' && AsciiClass.DigitAt(value, end + 1);
        if (!hasFraction) return AsciiClass.EndsWord(value, end);
        ReadOnlySpan<byte> fraction = value[(end + 1)..];
        int zeros = fraction.IndexOfAnyExcept((byte)'0');
        if (zeros < 0) zeros = fraction.Length;
        bool goesOn = zeros < fraction.Length && fraction[zeros] == '.' && AsciiClass.DigitAt(fraction, zeros + 1);
        return zeros is > 0 and <= DetectorLimits.FractionMax && AsciiClass.EndsWord(fraction, zeros) && !goesOn;
    }

    // Issuer prefixes as the networks publish them; see docs/MASKING.md.
    private static byte[] Prefixes()
    {
        byte[] lengths = new byte[10_000];
        Allow(lengths, 4000, 4999, 13, 13);   // Visa
        Allow(lengths, 4000, 4999, 16, 16);
        Allow(lengths, 4000, 4999, 19, 19);
        Allow(lengths, 5100, 5599, 16, 16);   // Mastercard
        Allow(lengths, 2221, 2720, 16, 16);
        Allow(lengths, 3400, 3499, 15, 15);   // American Express
        Allow(lengths, 3700, 3799, 15, 15);
        Allow(lengths, 6011, 6011, 16, 19);   // Discover
        Allow(lengths, 6440, 6599, 16, 19);
        Allow(lengths, 3000, 3059, 14, 19);   // Diners Club
        Allow(lengths, 3095, 3095, 14, 19);
        Allow(lengths, 3600, 3699, 14, 19);
        Allow(lengths, 3800, 3999, 14, 19);
        Allow(lengths, 3528, 3589, 16, 19);   // JCB
        Allow(lengths, 6200, 6299, 16, 19);   // UnionPay
        Allow(lengths, 8100, 8199, 16, 19);
        foreach (int maestro in (ReadOnlySpan<int>)[5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763])
            Allow(lengths, maestro, maestro, 12, 19);
        Allow(lengths, 5000, 5099, 16, 16);   // Dankort, Elo, Verve, RuPay, Maestro
        Allow(lengths, 5600, 5899, 16, 16);
        Allow(lengths, 6000, 6099, 16, 16);   // RuPay
        Allow(lengths, 8200, 8299, 16, 16);
        Allow(lengths, 2200, 2204, 16, 19);   // Mir
        Allow(lengths, 9792, 9792, 16, 16);   // Troy
        Allow(lengths, 6370, 6399, 16, 16);   // InstaPayment, Hipercard
        return lengths;
    }

    private static void Allow(byte[] lengths, int first, int last, int least, int most)
    {
        int bits = ((1 << (most - least + 1)) - 1) << (least - DigitsMin);
        for (int prefix = first; prefix <= last; prefix++) lengths[prefix] |= (byte)bits;
    }
}
