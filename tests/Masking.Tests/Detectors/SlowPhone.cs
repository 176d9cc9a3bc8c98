using System.Text.RegularExpressions;

namespace Countersign.Masking.Tests.Detectors;

/// <summary>Telephone numbers for <see cref="SlowDetector"/>.</summary>
internal static partial class SlowPhone
{
    private const string Codes =
        "1|7|2[07]|3[0123469]|4[013456789]|5[1-8]|6[0-6]|8[1246]|9[0123458]|21[12368]|22[0-9]|23[0-9]|24[0-9]|25[0-8]"
        + "|26[0-9]|29[01789]|35[0-9]|37[0-9]|38[0-35679]|42[013]|50[0-9]|59[0-9]|67[02-9]|68[0-35-9]|69[0-2]|80[08]"
        + "|85[02356]|87[089]|88[0-3]|886|888|96[0-8]|97[0-79]|99[2-68]";

    public static int Length(string text, int start)
    {
        if (!Begins().IsMatch(text, start) || text.Length - start < 8) return 0;
        if (text[start] == '+') return International(text, start, 1, isGrouped: false);
        int north = NorthAmerican().Match(text, start).Length;
        if (north > 0) return north;
        return text[start..].StartsWith("00", StringComparison.Ordinal)
            ? International(text, start, 2, isGrouped: true)
            : Trunk(text, start);
    }

    // Every piece that ends with a digit, and of those that are numbers the longest.
    private static int International(string text, int start, int prefix, bool isGrouped)
    {
        int best = 0;
        for (int end = start + prefix + 1; end <= Math.Min(text.Length, start + 90); end++)
        {
            string number = text[(start + prefix)..end];
            if (!char.IsAsciiDigit(number[^1]) || !char.IsAsciiDigit(number[0])) continue;
            if (!HasGroups(number) || (isGrouped && number.Contains('.', StringComparison.Ordinal))) break;
            string digits = string.Concat(number.Where(char.IsAsciiDigit));
            bool isClosed = number.Count(one => one == '(') == number.Count(one => one == ')');
            bool isFixed = digits[0] is '1' or '7';
            bool isCounted = isFixed ? digits.Length == 11 : digits.Length is >= 8 and <= 15;
            bool isParted = !isGrouped || number.Length > digits.Length;
            bool ends = end == text.Length || !char.IsAsciiLetterOrDigit(text[end]);
            if (isClosed && isCounted && isParted && ends && Country().IsMatch(digits)) best = end - start;
        }

        return best;
    }

    // Parentheses close where they are open, and open where they are not.
    private static bool HasGroups(string number)
    {
        bool isOpen = false;
        foreach (Match gap in Gap().Matches(number))
        {
            Match form = GapForm().Match(gap.Value);
            if (!form.Success || (form.Groups["closes"].Length > 0) != isOpen) return false;
            isOpen = form.Groups["opens"].Length > 0;
        }

        return true;
    }

    private static int Trunk(string text, int start)
    {
        int best = 0;
        for (int end = start + 10; end <= Math.Min(text.Length, start + 24); end++)
        {
            string number = text[start..end];
            if (!TrunkForm().IsMatch(number) || !Ends().IsMatch(text, end)) continue;
            if (number.Count(char.IsAsciiDigit) is 10 or 11) best = number.Length;
        }

        return best;
    }

    [GeneratedRegex(@"\G(?<![0-9A-Za-z+])(?<![0-9][-./])")]
    private static partial Regex Begins();

    [GeneratedRegex(@"\G(?![0-9A-Za-z])(?![-.][0-9])")]
    private static partial Regex Ends();

    [GeneratedRegex("^(?:" + Codes + ")")]
    private static partial Regex Country();

    [GeneratedRegex("[^0-9]+")]
    private static partial Regex Gap();

    [GeneratedRegex(@"^(?<closes>\)?)[ ./-]?(?<opens>\(?)\z")]
    private static partial Regex GapForm();

    [GeneratedRegex(
        @"\G(?:\([2-9](?!11)[0-9]{2}\) ?[2-9](?!11)[0-9]{2}[ .-][0-9]{4}"
        + @"|1[ .-]\([2-9](?!11)[0-9]{2}\) ?[2-9](?!11)[0-9]{2}[ -][0-9]{4}"
        + @"|(?:1[ .-])?[2-9](?!11)[0-9]{2}([ .-])[2-9](?!11)[0-9]{2}\1[0-9]{4})(?![0-9A-Za-z])(?![-.][0-9])")]
    private static partial Regex NorthAmerican();

    [GeneratedRegex(
        @"^(?:\(0[1-9][0-9]{0,3}\) ?[0-9]{2,}(?:([ .-])[0-9]{2,}(?:\1[0-9]{2,})*)?"
        + @"|0[1-9][0-9]{0,3}/[0-9]{2,}(?:([ -])[0-9]{2,}(?:\2[0-9]{2,})*)?"
        + @"|0[1-9][0-9]{0,3}([ -])[0-9]{2,}(?:\3[0-9]{2,})*"
        + @"|0[1-9][0-9]{0,3}\.[0-9]{2,4}(?:\.[0-9]{2,})+)\z")]
    private static partial Regex TrunkForm();
}
