using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking.Detectors;

/// <summary>
/// An international bank account number of ISO 13616: a country of its registry, check digits that make the whole 1
/// modulo 97, and the country's length; plain or in groups of four parted by a space, in either case.
/// </summary>
internal static class Iban
{
    private const string Lengths =
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27"
        + "GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24"
        + "ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23"
        + "ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

    private const byte None = 0xFF;
    private const ulong Modulus = 97;
    private const ulong NumberMax = ulong.MaxValue / 100 - 1;   // one letter more still fits

    private const int BytesMin = 15;
    private const int HeadBytes = 4;     // country and check digits
    private const int DigitsMax = 64;    // of 29 letters and digits behind them

    private static readonly Vector512<byte> BehindHead =
        Vector512.GreaterThanOrEqual(Vector512<byte>.Indices, Vector512.Create((byte)HeadBytes));
    private static readonly sbyte[] Weights = PowersOfTen();   // modulo 97, the last digit's in the middle
    private static readonly byte[] LengthByCountry = Countries();
    private static readonly byte[] Worths = WorthOfBytes();   // of digits and letters, and none of others

    /// <summary>The length of the number at <paramref name="start"/>, spaces with it, or 0.</summary>
    public static int Match(in ValueText text, int start)
    {
        if (!IsCountry(text.Value, start)) return 0;
        return Avx512Vbmi2.IsSupported && Bmi2.X64.IsSupported ? MatchBlock(text, start) : Match(text.Value, start);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsCountry(ReadOnlySpan<byte> value, int start)
    {
        if (value.Length - start < BytesMin) return false;
        byte first = value[start];
        byte second = value[start + 1];
        return AsciiClass.IsLetter(first) && AsciiClass.IsLetter(second)
            && LengthByCountry[Letter(first) * 26 + Letter(second)] > 0 && AsciiClass.BeginsWord(value, start);
    }

    // No number has more than 33 letters and digits and eight spaces, which a block holds.
    private static int MatchBlock(in ValueText text, int start)
    {
        const ulong Fourths = 0x8888_8888_8888_8888;
        Vector512<byte> bytes = text.Block(start, out ulong inValue);
        Vector512<byte> digit = bytes - Vector512.Create((byte)'0');
        Vector512<byte> letter = (bytes | Vector512.Create((byte)0x20)) - Vector512.Create((byte)'a');
        Vector512<byte> isLetter = Vector512.LessThan(letter, Vector512.Create((byte)26));
        ulong digits = Vector512.LessThan(digit, Vector512.Create((byte)10)).ExtractMostSignificantBits() & inValue;
        ulong letters = isLetter.ExtractMostSignificantBits() & inValue;
        if ((digits & 12) != 12) return 0;
        ReadOnlySpan<byte> head = text.Value[start..];
        uint first = (uint)Letter(head[0]);
        uint second = (uint)Letter(head[1]);
        int check = AsciiClass.Two(head, 2);
        int length = LengthByCountry[first * 26 + second];
        if (check is < 2 or > 98) return 0;
        ulong words = letters | digits;
        ulong spaces = Vector512.Equals(bytes, Vector512.Create((byte)' ')).ExtractMostSignificantBits();
        int end = BitOperations.TrailingZeroCount(Bmi2.X64.ParallelBitDeposit(1UL << (length - 1), words)) + 1;
        if (end > TriggerMasks.BlockBytes - 1 || (words >> end & 1) != 0) return 0;
        ulong inside = (1UL << end) - 1;
        ulong mayPart = Bmi2.X64.ParallelBitDeposit(Fourths, words) << 1;
        if ((~words & ~(spaces & mayPart) & inside) != 0) return 0;
        Vector512<byte> worth = Vector512.ConditionalSelect(isLetter, letter + Vector512.Create((byte)10), digit);
        Vector512<byte> isWord = isLetter | Vector512.LessThan(digit, Vector512.Create((byte)10));
        ulong rest = Remainder(worth, isWord & BehindHead, length - HeadBytes);
        rest = (((rest * 100) + 10 + first) * 100) + 10 + second;
        return ((rest * 100) + (uint)check) % Modulus == 1 ? end : 0;
    }

    // Letters are two digits each, which are put one behind another; each counts by its place.
    private static ulong Remainder(Vector512<byte> worth, Vector512<byte> isCounted, int count)
    {
        Vector512<byte> packed = Avx512Vbmi2.Compress(Vector512<byte>.Zero, isCounted, worth);
        Vector512<ushort> numbers = Avx512BW.ConvertToVector512UInt16(packed.GetLower());
        Vector512<ushort> tens = (numbers * Vector512.Create((ushort)205)) >> 11;   // a tenth, of numbers up to 68
        Vector512<byte> pairs = (tens | (numbers - tens * Vector512.Create((ushort)10)) << 8).AsByte();
        Vector512<ushort> isFirst = Vector512.LessThan(Vector512<ushort>.Indices, Vector512.Create((ushort)count));
        Vector512<ushort> isLetter = Vector512.GreaterThan(tens, Vector512<ushort>.Zero);
        Vector512<byte> kept = (isFirst & (isLetter | Vector512.Create((ushort)0xFF00))).AsByte();
        int digits = BitOperations.PopCount(kept.ExtractMostSignificantBits());
        Vector512<byte> decimals = Avx512Vbmi2.Compress(Vector512<byte>.Zero, kept, pairs);
        Vector512<sbyte> weights = Vector512.Create<sbyte>(Weights.AsSpan(DigitsMax - digits));
        Vector512<short> sums = Avx512BW.MultiplyAddAdjacent(decimals, weights);
        return (ulong)Vector512.Sum(Avx512BW.MultiplyAddAdjacent(sums, Vector512<short>.One)) % Modulus;
    }

    /// <summary>The same, byte by byte.</summary>
    public static int Match(ReadOnlySpan<byte> value, int start)
    {
        if (!IsCountry(value, start)) return 0;
        int first = Letter(value[start]);
        int second = Letter(value[start + 1]);
        int check = AsciiClass.Two(value, start + 2);
        int length = LengthByCountry[first * 26 + second];
        if (check is < 2 or > 98) return 0;
        int place = start + 4;
        ulong number = 0;
        for (int taken = 4; taken < length; taken++)
        {
            if ((taken & 3) == 0 && place < value.Length && value[place] == ' ') place++;
            if (place >= value.Length) return 0;
            byte worth = Worths[value[place++]];
            if (worth == None) return 0;
            number = (number * (worth < 10 ? 10UL : 100UL)) + worth;
            if (number > NumberMax) number %= Modulus;
        }

        number = (number * 100) + 10 + (uint)first;
        number = ((number % Modulus * 100) + 10 + (uint)second) * 100 + (uint)check;
        return number % Modulus == 1 && AsciiClass.EndsWord(value, place) ? place - start : 0;
    }

    private static int Letter(byte one) => (one | 0x20) - 'a';

    private static byte[] Countries()
    {
        byte[] lengths = new byte[26 * 26];
        for (int place = 0; place < Lengths.Length; place += 4)
        {
            int country = ((Lengths[place] - 'A') * 26) + Lengths[place + 1] - 'A';
            lengths[country] = (byte)(((Lengths[place + 2] - '0') * 10) + Lengths[place + 3] - '0');
        }

        return lengths;
    }

    private static byte[] WorthOfBytes()
    {
        byte[] worths = new byte[256];
        worths.AsSpan().Fill(None);
        for (int one = '0'; one <= '9'; one++) worths[one] = (byte)(one - '0');
        for (int one = 'a'; one <= 'z'; one++) worths[one] = worths[one - 0x20] = (byte)(10 + one - 'a');
        return worths;
    }

    private static sbyte[] PowersOfTen()
    {
        sbyte[] powers = new sbyte[2 * DigitsMax];
        int power = 1;
        for (int place = DigitsMax - 1; place >= 0; place--, power = power * 10 % (int)Modulus)
            powers[place] = (sbyte)power;
        return powers;
    }
}
