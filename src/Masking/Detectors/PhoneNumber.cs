namespace Countersign.Masking.Detectors;

/// <summary>
/// A telephone number: of E.164 after <c>+</c> (or after <c>00</c> in groups) with an assigned country code; of the
/// North American plan in groups; or of ten or eleven digits in groups after a trunk <c>0</c>.
/// </summary>
internal static class PhoneNumber
{
    private const int DigitsMin = 8;
    private const int DigitsMax = 15;
    private const int NorthAmericanDigits = 11;   // with the country code; Russia and Kazakhstan have as many

    private static readonly bool[] Assigned = Codes();

    /// <summary>The length of the number at <paramref name="start"/>, or 0.</summary>
    public static int Match(in ValueText text, int start)
    {
        ReadOnlySpan<byte> value = text.Value;
        if (value.Length - start < DigitsMin || !BeginsHere(value, start)) return 0;
        byte first = value[start];
        byte second = value[start + 1];
        if (first != '+' && first != '0' && second != '0') return Math.Max(0, NorthAmerican(value, start) - start);
        var runs = new DigitRuns(text, start);
        if (first == '+') return Math.Max(0, International(value, start + 1, runs) - start);
        int end = first == '0' && second == '0'
            ? International(value, start + 2, runs, isGrouped: true)
            : Math.Max(Trunk(value, start, runs), NorthAmerican(value, start));
        return Math.Max(0, end - start);
    }

    private static bool BeginsHere(ReadOnlySpan<byte> value, int start)
    {
        if (start == 0) return true;
        byte before = value[start - 1];
        if (AsciiClass.IsWord(before) || before == '+') return false;
        return !(before is (byte)'-' or (byte)'.' or (byte)'/' && AsciiClass.DigitAt(value, start - 2));
    }

    private static bool EndsHere(ReadOnlySpan<byte> value, int end)
    {
        if (end >= value.Length) return true;
        byte after = value[end];
        return !AsciiClass.IsWord(after) && !(after is (byte)'-' or (byte)'.' && AsciiClass.DigitAt(value, end + 1));
    }

    /// <summary>Where the number whose country code begins at <paramref name="place"/> ends; or a negative number or
    /// 0.</summary>
    private static int International(
        ReadOnlySpan<byte> value, int place, in DigitRuns runs, bool isGrouped = false)
    {
        if (!AsciiClass.DigitAt(value, place) || !HasCountry(value, place)) return 0;
        bool isFixed = value[place] is (byte)'1' or (byte)'7';
        int most = isFixed ? NorthAmericanDigits : DigitsMax;
        int least = isFixed ? NorthAmericanDigits : DigitsMin;
        int digits = 0;
        int end = 0;
        int groups = 1;
        bool isOpen = false;
        while (true)
        {
            int length = runs.Length(value, place);
            digits += length;
            place += length;
            if (digits > most) return end;
            bool isWhole = digits >= least && !isOpen && (groups > 1 || !isGrouped);
            if (isWhole && AsciiClass.EndsWord(value, place)) end = place;
            int next = Gap(value, place, ref isOpen);
            if (next == 0 || (isGrouped && value[place..next].Contains((byte)'.'))) return end;
            place = next;
            groups++;
        }
    }

    // Digits that run on to a second number of a text come as further groups: the last group that fits ends it.
    private static int Gap(ReadOnlySpan<byte> value, int place, ref bool isOpen)
    {
        int next = place;
        if (isOpen)
        {
            if (next >= value.Length || value[next] != ')') return 0;
            isOpen = false;
            next++;
        }

        if (next < value.Length && value[next] is (byte)' ' or (byte)'-' or (byte)'.' or (byte)'/') next++;
        if (next < value.Length && value[next] == '(')
        {
            isOpen = true;
            next++;
        }

        return next > place && AsciiClass.DigitAt(value, next) ? next : 0;
    }

    private static bool HasCountry(ReadOnlySpan<byte> value, int place)
    {
        int code = 0;
        int digits = 0;
        bool isOpen = false;
        while (digits < 3)
        {
            if (!AsciiClass.DigitAt(value, place))
            {
                place = digits == 0 ? 0 : Gap(value, place, ref isOpen);
                if (place == 0) return false;
            }

            code = (code * 10) + value[place++] - '0';
            digits++;
            if (Assigned[code + Offset(digits)]) return true;
        }

        return false;
    }

    /// <summary>Area, exchange and line: 415-555-2671, (415) 555-2671, 1 415.555.2671.</summary>
    private static int NorthAmerican(ReadOnlySpan<byte> value, int start)
    {
        int place = start;
        if (value[place] == '1' && IsParting(value, place + 1)) place += 2;
        bool isOpen = place < value.Length && value[place] == '(';
        if (isOpen) place++;
        if (!IsArea(value, place)) return 0;
        place += 3;
        byte parting = 0;
        if (isOpen)
        {
            if (place >= value.Length || value[place] != ')') return 0;
            place++;
            if (place < value.Length && value[place] == ' ') place++;
        }
        else
        {
            if (!IsParting(value, place)) return 0;
            parting = value[place++];
        }

        if (!IsArea(value, place) || !IsParting(value, place + 3)) return 0;
        byte second = value[place + 3];
        if (parting == 0 ? second == '.' && value[start] != '(' : second != parting) return 0;
        place += 4;
        bool isLine = AsciiClass.Two(value, place) >= 0 && AsciiClass.Two(value, place + 2) >= 0;
        return isLine && EndsHere(value, place + 4) ? place + 4 : 0;
    }

    // Three digits, of which neither the first is 0 or 1 nor the last two are 11.
    private static bool IsArea(ReadOnlySpan<byte> value, int place)
    {
        int low = AsciiClass.Two(value, place + 1);
        return low >= 0 && low != 11 && (uint)(value[place] - '2') <= 7;
    }

    private static bool IsParting(ReadOnlySpan<byte> value, int place) =>
        place < value.Length && value[place] is (byte)' ' or (byte)'-' or (byte)'.';

    /// <summary>020 7946 0958, (030) 901820-12, 01.23.45.67.89, 0171/123456-78: the first parting may be a slash or a
    /// parenthesis, those after it are all the same; dots part three groups or more.</summary>
    private static int Trunk(ReadOnlySpan<byte> value, int start, in DigitRuns runs)
    {
        bool isOpen = value[start] == '(';
        int place = isOpen ? start + 1 : start;
        bool isTrunk = place + 1 < value.Length && value[place] == '0' && (uint)(value[place + 1] - '1') <= 8;
        if (!isTrunk) return 0;
        int digits = 0;
        int end = 0;
        byte parting = 0;
        bool hasSlash = false;
        for (int group = 1; ; group++)
        {
            int length = runs.Length(value, place);
            digits += length;
            place += length;
            if (length < 2 || digits > 11 || (group == 1 && length > 5)) return end;
            bool isDotted = parting == '.' && !isOpen;
            if (isDotted && group == 2 && length > 4) return end;
            if (digits >= 10 && group > (isDotted ? 2 : 1) && EndsHere(value, place)) end = place;
            if (place >= value.Length) return end;
            byte next = value[place];
            if (group == 1 && isOpen)
            {
                if (next != ')') return 0;
                place++;
                if (place < value.Length && value[place] == ' ') place++;
            }
            else if (group == 1 && next == '/')
            {
                hasSlash = true;
                place++;
            }
            else
            {
                bool isNext = next is (byte)' ' or (byte)'-' or (byte)'.' && (parting == 0 || next == parting)
                    && !(next == '.' && hasSlash);
                if (!isNext) return end;
                parting = next;
                place++;
            }
        }
    }

    private static int Offset(int digits) => digits switch { 1 => 0, 2 => 10, _ => 110 };

    // Country codes of ITU-T E.164.D, as assigned and reserved for services.
    private static bool[] Codes()
    {
        bool[] codes = new bool[1110];
        codes[1] = true;
        codes[7] = true;
        foreach (int code in (ReadOnlySpan<int>)
            [20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58,
             60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98])
        {
            codes[Offset(2) + code] = true;
        }

        Allow(codes, 211, 213);
        Allow(codes, 216, 216);
        Allow(codes, 218, 218);
        Allow(codes, 220, 258);
        Allow(codes, 260, 269);
        Allow(codes, 290, 291);
        Allow(codes, 297, 299);
        Allow(codes, 350, 359);
        Allow(codes, 370, 383);
        Allow(codes, 385, 387);
        Allow(codes, 389, 389);
        Allow(codes, 420, 421);
        Allow(codes, 423, 423);
        Allow(codes, 500, 509);
        Allow(codes, 590, 599);
        Allow(codes, 670, 670);
        Allow(codes, 672, 683);
        Allow(codes, 685, 692);
        Allow(codes, 800, 800);
        Allow(codes, 808, 808);
        Allow(codes, 850, 850);
        Allow(codes, 852, 853);
        Allow(codes, 855, 856);
        Allow(codes, 870, 870);
        Allow(codes, 878, 883);
        Allow(codes, 886, 886);
        Allow(codes, 888, 888);
        Allow(codes, 960, 968);
        Allow(codes, 970, 977);
        Allow(codes, 979, 979);
        Allow(codes, 992, 996);
        Allow(codes, 998, 998);
        return codes;
    }

    private static void Allow(bool[] codes, int first, int last) =>
        codes.AsSpan(Offset(3) + first, last - first + 1).Fill(true);
}
