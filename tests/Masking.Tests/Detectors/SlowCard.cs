using System.Globalization;
using System.Text.RegularExpressions;

namespace Countersign.Masking.Tests.Detectors;

/// <summary>The tables of <see cref="SlowDetector"/>, written another way than the detectors': prefixes as
/// patterns.</summary>
internal static class SlowCard
{
    /// <summary>Countries of the IBAN registry with their lengths, five characters each.</summary>
    public const string Accounts =
        "AD24,AE23,AL28,AT20,AZ28,BA20,BE16,BG22,BH22,BI27,BR29,BY28,CH21,CR22,CY28,CZ24,DE22,DJ27,DK18,DO28,EE20,EG29,"
        + "ES24,FI18,FK18,FO18,FR27,GB22,GE22,GI23,GL18,GR27,GT28,HN28,HR21,HU28,IE22,IL23,IQ23,IS26,IT27,JO30,KW30,"
        + "KZ20,LB28,LC32,LI21,LT20,LU20,LV21,LY25,MC27,MD24,ME22,MK19,MN20,MR27,MT31,MU30,NI28,NL18,NO15,OM23,PK24,"
        + "PL28,PS29,PT25,QA29,RO24,RS22,RU33,SA24,SC31,SD18,SE24,SI19,SK24,SM27,SO23,ST25,SV28,TL23,TN24,TR26,UA29,"
        + "VA22,VG24,XK20,YE30";

    private static readonly (string Pattern, int Least, int Most)[] Networks =
    [
        ("^4", 13, 13), ("^4", 16, 16), ("^4", 19, 19), ("^5[1-5]", 16, 16),
        ("^(222[1-9]|22[3-9]|2[3-6]|27[01]|2720)", 16, 16), ("^3[47]", 15, 15), ("^(6011|64[4-9]|65)", 16, 19),
        ("^(30[0-5]|3095|36|38|39)", 14, 19), ("^35(2[89]|[3-8])", 16, 19), ("^(62|81)", 16, 19),
        ("^(5018|5020|5038|5893|6304|6759|6761|6762|6763)", 12, 19), ("^(50|56|57|58|60|82)", 16, 16),
        ("^220[0-4]", 16, 19), ("^9792", 16, 16), ("^63[789]", 16, 16),
    ];

    public static bool IsIssued(string digits) => Networks.Any(network =>
        digits.Length >= network.Least && digits.Length <= network.Most && Regex.IsMatch(digits, network.Pattern));

    public static bool PassesLuhn(string digits)
    {
        int sum = 0;
        for (int fromRight = 0; fromRight < digits.Length; fromRight++)
        {
            int digit = digits[^(fromRight + 1)] - '0';
            string product = (digit * (1 + (fromRight % 2))).ToString(CultureInfo.InvariantCulture);
            sum += product.Sum(one => one - '0');
        }

        return sum % 10 == 0;
    }
}
