using System.Text.RegularExpressions;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Detectors;

/// <summary>Private keys for <see cref="SlowDetector"/>.</summary>
internal static partial class SlowPrivateKey
{
    public static int Length(string text, int start)
    {
        Match begin = KeyBegin().Match(text, start);
        if (!begin.Success || begin.Groups["label"].Length > 32) return 0;
        string end = "-----END " + begin.Groups["label"].Value + "-----";
        int at = text.IndexOf(end, start + begin.Length, StringComparison.Ordinal);
        int last = at < 0 ? text.Length : at + end.Length;
        int place = Math.Min(start + DetectorLimits.DetectionBytesMax, last);
        while (place < last && Belongs(text.AsSpan(start..place), text[place])) place++;
        return place - start;
    }

    private static bool Belongs(ReadOnlySpan<char> before, char one)
    {
        ReadOnlySpan<char> line = before[(before.LastIndexOfAny('\n', '\r') + 1)..];
        if (one is '\n' or '\r' || InHeader().IsMatch(line)) return true;
        if (AfterColon().IsMatch(line)) return one is ' ' or '\t';
        return KeyCharacter().IsMatch(one.ToString()) || (one == ':' && AfterName().IsMatch(line));
    }

    [GeneratedRegex(@"\G-----BEGIN (?<label>[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?)-----")]
    private static partial Regex KeyBegin();

    [GeneratedRegex(@"(?:^|\\[nr])[ \t]*[A-Za-z][A-Za-z0-9-]*:[ \t]")]
    private static partial Regex InHeader();

    [GeneratedRegex(@"(?:^|\\[nr])[ \t]*[A-Za-z][A-Za-z0-9-]*:\z")]
    private static partial Regex AfterColon();

    [GeneratedRegex(@"(?:^|\\[nr])[ \t]*[A-Za-z][A-Za-z0-9-]*\z")]
    private static partial Regex AfterName();

    [GeneratedRegex(@"[A-Za-z0-9+/=_\\ \t-]")]
    private static partial Regex KeyCharacter();
}
