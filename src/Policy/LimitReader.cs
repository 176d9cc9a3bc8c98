using System.Globalization;

namespace Countersign.Policy;

/// <summary>Reads the limits.</summary>
internal sealed class LimitReader(PolicyContent content, FunctionReader functions, PolicyErrors errors)
{
    private static readonly SectionKeys Keys = new(["id", "functions", "per", "rate"], ["burst"], [], []);

    public void ReadLimits(List<DocumentNode> items)
    {
        HashSet<string> ids = new(StringComparer.Ordinal);
        foreach (DocumentNode item in items)
        {
            if (Section.Open(item, "a limit", Keys, errors) is not { } section) continue;
            string id = RuleReader.ReadId(section, ids, errors);
            List<string> covered = section.TextList("functions", 1, functions.ReferenceFault);
            RateScope per = section.Word("per", ["caller", "function", "chain"], []) switch
            {
                "caller" => RateScope.Caller,
                "function" => RateScope.Function,
                "chain" => RateScope.Chain,
                _ => RateScope.Unset,
            };
            (int count, TimeSpan period) = ReadRate(section);
            int burst = section.Number("burst", Math.Min(count, PolicyLimits.BurstMax), 1, PolicyLimits.BurstMax);
            if (burst * period.TotalSeconds / count > PolicyLimits.RefillMax.TotalSeconds)
            {
                errors.Add(
                    section.Find("burst") ?? section.Find("rate")!,
                    $"at this rate {burst} calls need more than {Duration.Write(PolicyLimits.RefillMax)} to come back");
            }

            content.Limits.Add(new RateLimit(id, covered, per, count, period, burst));
        }
    }

    /// <summary>A number and a unit of time: <c>10/m</c>.</summary>
    internal static bool TryParseRate(string text, out int count, out TimeSpan period)
    {
        period = TimeSpan.FromSeconds(1);
        count = 1;
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 1) return false;
        bool isNumber = int.TryParse(
            text.AsSpan(0, slash), NumberStyles.None, CultureInfo.InvariantCulture, out int number);
        long seconds = text.AsSpan(slash + 1) switch
        {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => 0,
        };
        if (!isNumber || number < 1 || seconds == 0) return false;
        count = number;
        period = TimeSpan.FromSeconds(seconds);
        return true;
    }

    private (int Count, TimeSpan Period) ReadRate(Section section)
    {
        (int Count, TimeSpan Period) stand = (1, TimeSpan.FromSeconds(1));
        if (section.Text("rate") is not { } text) return stand;
        if (!TryParseRate(text, out int count, out TimeSpan period))
        {
            errors.Add(section.Find("rate")!, $"rate must be a number and s, m, h or d, such as 10/m, not '{text}'");
            return stand;
        }

        if (count / period.TotalSeconds <= PolicyLimits.RatePerSecondMax) return (count, period);
        errors.Add(section.Find("rate")!, $"rate must be at most {PolicyLimits.RatePerSecondMax}/s");
        return stand;
    }
}
