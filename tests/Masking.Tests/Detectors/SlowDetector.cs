using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Detectors;

/// <summary>
/// Says slowly what the detectors should say: at every place of the value, for each detector by itself, with regular
/// expressions on Latin-1 text (a character is a byte) and arithmetic on big integers.
/// </summary>
internal static partial class SlowDetector
{
    private static readonly Regex[] Cards =
    [
        .. Enumerable.Range(12, 8).Select(count => new Regex(
            @"\G(?<![0-9A-Za-z])(?<![0-9]\.)(?:[0-9][ -]?){" + (count - 1) + @"}[0-9]"
            + @"(?:\.0{1,32}(?![0-9A-Za-z])(?!\.[0-9])|(?![0-9A-Za-z])(?!\.[0-9]))")),
    ];

    /// <summary>The first detection at or after <paramref name="from"/>, with all that overlap it and one another; or
    /// <see cref="Detection.None"/>.</summary>
    public static Detection Find(byte[] value, DetectorSet wanted, int from, bool besideTellingName)
    {
        string text = Encoding.Latin1.GetString(value);
        Detection found = Detection.None;
        for (int start = from; start < Math.Min(text.Length, found.End); start++)
        {
            int end = found.End;
            int longest = 0;
            bool isHost = IsHost(text, start, found, wanted, besideTellingName);
            for (uint bit = 1; bit <= (uint)DetectorSet.HighEntropy; bit <<= 1)
            {
                var detector = (DetectorSet)bit;
                bool isKey = detector == DetectorSet.PrivateKey;
                if ((wanted & detector) == 0 || (isKey && start < found.KeyEnd)) continue;
                if (isHost && detector == DetectorSet.Email) continue;
                int length = Length(text, start, detector, besideTellingName);
                if (length == 0) continue;
                if (found.Length == 0) found = new(start, 0, detector) { All = 0, KeyEnd = 0 };
                if (found.Length == 0) end = start;
                if (start == found.Start && length > longest) found = found with { Detector = detector };
                longest = Math.Max(longest, length);
                end = Math.Max(end, start + length);
                found = found with { Length = end - found.Start, All = found.All | detector };
                if (isKey) found = found with { KeyStart = start, KeyEnd = start + length };
            }
        }

        return found;
    }

    // Behind user and password of a URL, and nothing else that may hold a sign.
    private static bool IsHost(string text, int start, Detection found, DetectorSet wanted, bool telling)
    {
        DetectorSet[] others = [DetectorSet.HighEntropy, DetectorSet.PrivateKey, DetectorSet.BasicAuthUrl];
        return found.All.HasFlag(DetectorSet.BasicAuthUrl)
            && !found.All.HasFlag(DetectorSet.Email) && !found.All.HasFlag(DetectorSet.HighEntropy)
            && !found.All.HasFlag(DetectorSet.PrivateKey) && found.End < text.Length
            && text[found.End] == '@' && !text[start..found.End].Contains('@', StringComparison.Ordinal)
            && !others.Any(other => wanted.HasFlag(other) && Length(text, start, other, telling) > 0);
    }

    private static int Length(string text, int start, DetectorSet detector, bool telling) => detector switch
    {
        DetectorSet.PaymentCard => Card(text, start),
        DetectorSet.Email => Email(text, start),
        DetectorSet.UsSsn => Ssn().Match(text, start).Length,
        DetectorSet.Iban => Account(text, start),
        DetectorSet.Phone => SlowPhone.Length(text, start),
        DetectorSet.Jwt => Token(text, start),
        DetectorSet.PrivateKey => SlowPrivateKey.Length(text, start),
        DetectorSet.CloudKey => SlowSecret.Key(text, start, telling),
        DetectorSet.BasicAuthUrl => Url(text, start),
        _ => SlowSecret.HighEntropy(text, start, telling),
    };

    private static int Card(string text, int start)
    {
        for (int count = 19; count >= 12; count--)
        {
            Match match = Cards[count - 12].Match(text, start);
            if (!match.Success) continue;
            string number = match.Value.Split('.')[0];
            string[] groups = number.Split(' ', '-');
            bool isGrouped = groups[..^1].All(group => group.Length is >= 3 and <= 8)
                && (groups.Length == 1 || groups[0].Length >= 4);
            string digits = string.Concat(groups);
            if (isGrouped && SlowCard.IsIssued(digits) && SlowCard.PassesLuhn(digits)) return number.Length;
        }

        return 0;
    }

    private static int Email(string text, int start)
    {
        Match match = Address().Match(text, start);
        if (!match.Success) return 0;
        int sign = match.Groups["sign"].Index;
        string local = text[start..sign];
        if (!local.Any(one => char.IsAsciiLetterOrDigit(one) || one >= 0x80)) return 0;
        bool continues = start > 0 && LocalCharacter().IsMatch(text[(start - 1)..start]);
        if (continues)
        {
            // Only the last 64 bytes of a longer run, from the first whole character of them.
            int first = sign - 64;
            while (first < sign && first > 0 && text[first] is >= '\x80' and < '\xC0') first++;
            if (start != first) return 0;
        }

        string domain = text[(sign + 1)..Math.Min(text.Length, sign + 1 + 253)];
        domain = Domain().Match(domain).Value;
        int end = 0;
        foreach (Match label in Label().Matches(domain).Skip(1))
        {
            Match top = TopLevel().Match(label.Value);
            if (top.Success) end = label.Index + top.Length;
        }

        return end == 0 ? 0 : sign + 1 + end - start;
    }

    private static int Account(string text, int start)
    {
        Match match = AccountForm().Match(text, start);
        if (!match.Success) return 0;
        string country = match.Value[..2].ToUpperInvariant();
        int at = SlowCard.Accounts.IndexOf(country, StringComparison.Ordinal);
        while (at % 5 > 0) at = SlowCard.Accounts.IndexOf(country, at + 1, StringComparison.Ordinal);
        if (at < 0) return 0;
        int length = int.Parse(SlowCard.Accounts.AsSpan(at + 2, 2), CultureInfo.InvariantCulture);
        int end = start;
        var plain = new StringBuilder();
        while (plain.Length < length)
        {
            if (plain.Length > 0 && plain.Length % 4 == 0 && end < text.Length && text[end] == ' ') end++;
            if (end >= text.Length || !char.IsAsciiLetterOrDigit(text[end])) return 0;
            plain.Append(char.ToUpperInvariant(text[end++]));
        }

        if (plain[2] < '0' || (end < text.Length && char.IsAsciiLetterOrDigit(text[end]))) return 0;
        string turned = plain.ToString()[4..] + plain.ToString()[..4];
        string number = string.Concat(turned.Select(
            one => char.IsAsciiDigit(one) ? one.ToString() : (one - 'A' + 10).ToString(CultureInfo.InvariantCulture)));
        int check = int.Parse(plain.ToString(2, 2), CultureInfo.InvariantCulture);
        return check is >= 2 and <= 98 && BigInteger.Parse(number, CultureInfo.InvariantCulture) % 97 == 1
            ? end - start
            : 0;
    }

    private static int Token(string text, int start)
    {
        Match match = TokenForm().Match(text, start);
        if (!match.Success || match.Groups["signed"].Length > DetectorLimits.DetectionBytesMax) return 0;
        string header = match.Groups["header"].Value;
        if (header.Length > DetectorLimits.TokenHeaderMax || header.Length % 4 == 1) return 0;
        try
        {
            string padded = header.Replace('-', '+').Replace('_', '/').PadRight((header.Length + 3) / 4 * 4, '=');
            byte[] decoded = Convert.FromBase64String(padded);
            if (Convert.ToBase64String(decoded) != padded) return 0;   // bits left over
            using JsonDocument json = JsonDocument.Parse(decoded, new JsonDocumentOptions { MaxDepth = 16 });
            if (json.RootElement.ValueKind != JsonValueKind.Object) return 0;
            if (!json.RootElement.TryGetProperty("alg", out _)) return 0;
        }
        catch (Exception fault) when (fault is JsonException or FormatException)
        {
            return 0;
        }

        return match.Length <= DetectorLimits.DetectionBytesMax ? match.Length : match.Groups["signed"].Length;
    }

    private static int Url(string text, int start)
    {
        Match match = UserInfo().Match(text, start);
        if (!match.Success) return 0;
        string authority = match.Value;
        if (authority.Length > DetectorLimits.AuthorityMax) authority = authority[..DetectorLimits.AuthorityMax];
        int sign = authority.LastIndexOf('@');
        if (sign <= 0 || sign == authority.Length - 1) return 0;
        int colon = authority.IndexOf(':', StringComparison.Ordinal);
        return colon >= 0 && colon < sign - 1 ? sign : 0;
    }

    [GeneratedRegex(
        @"\G(?<![0-9A-Za-z])(?<![0-9][-.])(?!000|666|9)[0-9]{3}([- ])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}(?![0-9A-Za-z])"
        + "(?!-[0-9])")]
    private static partial Regex Ssn();

    [GeneratedRegex(@"\G[\x80-\xFFA-Za-z0-9._%+'-]{1,64}(?<sign>@)")]
    private static partial Regex Address();

    [GeneratedRegex(@"^[\x80-\xFFA-Za-z0-9._%+'-]\z")]
    private static partial Regex LocalCharacter();

    [GeneratedRegex(@"^(?:[\x80-\xFFA-Za-z0-9-]+(?:\.(?=[\x80-\xFFA-Za-z0-9-])|))*")]
    private static partial Regex Domain();

    [GeneratedRegex(@"[^.]+")]
    private static partial Regex Label();

    [GeneratedRegex(@"^(?:[\x80-\xFF]+\z|[Xx][Nn]--[A-Za-z0-9-]+\z|[A-Za-z]{2,}(?=\z|[\x80-\xFF]))")]
    private static partial Regex TopLevel();

    [GeneratedRegex(@"\G(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}[0-9A-Za-z ]{11}")]
    private static partial Regex AccountForm();

    [GeneratedRegex(
        @"\G(?<![A-Za-z0-9_-])(?<signed>(?<header>e[yw][A-Za-z0-9_-]*)\."
        + @"(?:[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*|\.[A-Za-z0-9_-]+))(?:\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)?")]
    private static partial Regex TokenForm();

    [GeneratedRegex(@"\G(?<=[0-9A-Za-z]://)[^\x00-\x20/?#""'<>\\`\x7F]+")]
    private static partial Regex UserInfo();
}
