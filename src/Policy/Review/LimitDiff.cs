using System.Globalization;
using System.Text.Json;

namespace Countersign.Policy.Review;

/// <summary>
/// Compares how much two limits of one id let through: the rate, the burst that follows from it where none is written,
/// and whose calls count together. What goes both ways counts as looser.
/// </summary>
internal static class LimitDiff
{
    /// <summary>The keys that are compared here, together.</summary>
    public static readonly string[] Members = ["rate", "burst", "per"];

    public static IEnumerable<PolicyChange> Compare(string id, JsonElement before, JsonElement after)
    {
        (decimal rate, int burst, string was) = Read(before);
        (decimal rateNow, int burstNow, string now) = Read(after);
        if (was != now)
        {
            ChangeWeight weight = rateNow > rate || burstNow > burst ? ChangeWeight.Loosens
                : rateNow < rate || burstNow < burst ? ChangeWeight.Tightens : ChangeWeight.Unclear;
            string member = Text(before, "rate") == Text(after, "rate") ? "burst" : "rate";
            yield return new PolicyChange("limits", id, member, weight, $"{was} becomes {now}");
        }

        (string per, string perNow) = (Text(before, "per"), Text(after, "per"));
        if (per == perNow) yield break;

        // Everybody's calls of one function together are the most that can be counted; of several, each has its own.
        bool isWider = perNow == "function" && IsOneFunction(after);
        yield return new PolicyChange(
            "limits", id, "per", isWider ? ChangeWeight.Tightens : ChangeWeight.Loosens,
            $"per: {per} becomes {perNow}");
    }

    private static (decimal PerSecond, int Burst, string Text) Read(JsonElement limit)
    {
        string rate = Text(limit, "rate");
        _ = LimitReader.TryParseRate(rate, out int count, out TimeSpan period);
        int burst = limit.TryGetProperty("burst", out JsonElement written)
            ? written.GetInt32() : Math.Min(count, PolicyLimits.BurstMax);
        decimal perSecond = count / (decimal)period.TotalSeconds;
        return (perSecond, burst, string.Create(CultureInfo.InvariantCulture, $"rate {rate} with burst {burst}"));
    }

    private static string Text(JsonElement limit, string member) => limit.GetProperty(member).GetString()!;

    private static bool IsOneFunction(JsonElement limit)
    {
        JsonElement functions = limit.GetProperty("functions");
        if (functions.GetArrayLength() != 1) return false;
        string written = functions[0].GetString()!;
        return !Glob.IsPattern(written) && !FunctionReference.IsTag(written);
    }
}
