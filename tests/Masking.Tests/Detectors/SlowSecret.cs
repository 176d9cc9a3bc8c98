using System.Text.RegularExpressions;

namespace Countersign.Masking.Tests.Detectors;

/// <summary>Keys and secrets for <see cref="SlowDetector"/>.</summary>
internal static partial class SlowSecret
{
    private const double LeastBits = 3.0 - 1e-9;

    private static readonly string[] Words =
    [
        "password", "passwd", "pwd", "passphrase", "passcode", "secret", "token", "apikey", "accesskey", "secretkey",
        "privatekey", "signingkey", "encryptionkey", "masterkey", "sharedkey", "accountkey", "authkey", "credential",
        "credentials", "authorization", "bearer", "sessionid", "cookie",
    ];

    public static int Key(string text, int start, bool telling)
    {
        Match match = Keys().Match(text, start);
        if (match.Success) return match.Length;
        if (telling && start == 0 && text.Length == 40 && Secret().Match(text).Length == 40) return 40;
        foreach (Match id in AccessKeyId().Matches(text))
        {
            int end = id.Index + id.Length;
            Match secret = Secret().Match(text, end);
            if (secret.Success && secret.Index == start && start - end <= 128) return secret.Length;
        }

        return 0;
    }

    public static bool IsTelling(string name)
    {
        string folded = string.Concat(name.Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant();
        return Words.Any(word => folded.EndsWith(word, StringComparison.Ordinal));
    }

    public static int HighEntropy(string text, int start, bool telling)
    {
        int length = 0;
        if (telling && text.Length <= 1_024)
            length = Math.Max(Kept(WholeRun().Match(text, start)), Grouped(text, start));
        foreach (Match assigned in Assigned().Matches(text))
        {
            if (assigned.Groups["value"].Index != start || !IsTelling(assigned.Groups["name"].Value)) continue;
            length = Math.Max(length, Kept(ValueRun().Match(text, start)));
            Match grouped = GroupsInText().Match(text, start);
            if (grouped.Success && Bits(grouped.Value) >= LeastBits) length = Math.Max(length, grouped.Length);
        }

        return length;
    }

    // All of the value but for blanks around it.
    private static int Grouped(string text, int start)
    {
        Match match = Groups().Match(text);
        return match.Success && match.Groups["all"].Index == start && Bits(match.Groups["all"].Value) >= LeastBits
            ? match.Groups["all"].Length
            : 0;
    }

    private static int Kept(Match run) => IsSecret(run.Value) ? run.Length : 0;

    private static bool IsSecret(string text)
    {
        if (text.Length is < 8 or > 512) return false;
        bool isMixed = text.Any(char.IsAsciiDigit)
            || (text.Any(char.IsAsciiLetterUpper) && text.Any(char.IsAsciiLetterLower));
        return isMixed && Bits(text) >= LeastBits;
    }

    private static double Bits(string text) => -text.GroupBy(one => one).Sum(group =>
    {
        double share = (double)group.Count() / text.Length;
        return share * Math.Log2(share);
    });

    [GeneratedRegex(@"^[\x00-\x20\x7F]*(?<all>[a-z]{4}([ -])[a-z]{4}\1[a-z]{4}\1[a-z]{4})[\x00-\x20\x7F]*\z")]
    private static partial Regex Groups();

    [GeneratedRegex(
        @"\G[a-z]{4}([ -])[a-z]{4}\1[a-z]{4}\1[a-z]{4}(?=\z|[\x00-\x08\x0A-\x1F\x7F""'`,;&<>()\[\]{}])")]
    private static partial Regex GroupsInText();

    [GeneratedRegex(
        @"\G(?<![0-9A-Za-z])(?:(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{35}(?![_-])|gh[pousr]_[A-Za-z0-9]{36,255}"
        + @"|github_pat_[A-Za-z0-9_-]{22,255}(?![_-])"
        + @"|gl(?:pat|dt|rt|ft|soat|cbt|imt)-[A-Za-z0-9_.-]{19,319}[A-Za-z0-9_-](?![A-Za-z0-9_-]|\.+[A-Za-z0-9_-])"
        + @"|gl(?:ptt|agent|oas)-[A-Za-z0-9_.-]{39,319}[A-Za-z0-9_-](?![A-Za-z0-9_-]|\.+[A-Za-z0-9_-])"
        + @"|(?:xox[abeoprs]-|xoxe\.xox[bp]-|xapp-)[A-Za-z0-9_-]{10,255}(?![_-])"
        + @"|hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]{20,255}(?!/)"
        + @"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}|whsec_[A-Za-z0-9+/]{32,88}(?![+/])"
        + @"|sk-ant-[A-Za-z0-9_-]{32,255}(?![_-])"
        + @"|sk-(?=[A-Za-z0-9_-]*[0-9])(?=[A-Za-z0-9_-]*[a-z])(?=[A-Za-z0-9_-]*[A-Z])[A-Za-z0-9_-]{32,255}(?![_-])"
        + ")(?![A-Za-z0-9])")]
    private static partial Regex Keys();

    [GeneratedRegex("(?<![0-9A-Za-z])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])")]
    private static partial Regex AccessKeyId();

    [GeneratedRegex(
        "(?<![A-Za-z0-9+/])(?=[A-Za-z+/]*[0-9])(?=[A-Z0-9+/]*[a-z])(?=[a-z0-9+/]*[A-Z])[A-Za-z0-9+/]{40}"
        + "(?![A-Za-z0-9+/])")]
    private static partial Regex Secret();

    [GeneratedRegex(@"\G(?<![^\x00-\x20\x7F])[^\x00-\x20\x7F]+")]
    private static partial Regex WholeRun();

    [GeneratedRegex(@"\G[^\x00-\x20\x7F""'`,;&<>()\[\]{}]+")]
    private static partial Regex ValueRun();

    // Within a name of up to 66 bytes; overlapping ones are found as each begins at its sign.
    [GeneratedRegex(
        @"(?<=(?<name>[A-Za-z0-9_.-]{1,65}[A-Za-z])[""']? ?)[=:] {0,2}[""']?(?:[Bb]earer |Basic |Token )?(?<value>)")]
    private static partial Regex Assigned();
}
