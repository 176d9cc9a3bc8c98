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

    private static readonly byte[] LengthByCountry = Countries();
    private static readonly byte[] Worths = WorthOfBytes();   // of digits and letters, and none of others

    /// <summary>The length of the number at <paramref name="start"/>, spaces with it, or 0.</summary>
    public static int Match(ReadOnlySpan<byte> value, int start)
    {
        if (value.Length - start < 15) return 0;
        byte first = value[start];
        byte second = value[start + 1];
        if (!AsciiClass.IsLetter(first) || !AsciiClass.IsLetter(second)) return 0;
        int check = AsciiClass.Two(value, start + 2);
        int length = LengthByCountry[Letter(first) * 26 + Letter(second)];
        if (check is < 2 or > 98 || length == 0 || !AsciiClass.BeginsWord(value, start)) return 0;
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

        number = (number * 100) + 10 + (uint)Letter(first);
        number = ((number % Modulus * 100) + 10 + (uint)Letter(second)) * 100 + (uint)check;
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
}
