namespace Countersign.Policy.Review;

/// <summary>
/// What a change of each key of the language means. A key that is not here is shown, and weighed by nobody.
/// </summary>
internal static class MemberTerms
{
    /// <summary>What a key stands for when it is not written, as JSON.</summary>
    private static readonly Dictionary<string, string> Defaults = new(StringComparer.Ordinal)
    {
        ["mode"] = "\"enforce\"",
        ["rules.mode"] = "\"enforce\"",
        ["functions.maskable"] = "true",
        ["rules.approval.decideWithin"] = "\"15m\"",
        ["rules.approval.useWithin"] = "\"5m\"",
        ["rules.approval.hold"] = "\"0s\"",
        ["rules.approval.reason"] = "\"optional\"",
        ["masks.action"] = "\"redact\"",
        ["masks.encoding"] = "\"identity\"",
        ["upstreams.timeout"] = "\"30s\"",
        ["upstreams.resolveEvery"] = "\"30s\"",
        ["upstreams.credential.broker"] = "\"jwt\"",
        ["upstreams.credential.ttl"] = "\"30s\"",
        ["upstreams.credential.algorithm"] = "\"ES256\"",
        ["upstreams.credential.form"] = "\"header\"",
        ["upstreams.credential.payload"] = "\"signed\"",
        ["upstreams.credential.wrap"] = "false",
        ["upstreams.credential.reuse"] = "\"0s\"",
    };

    /// <summary>Words from the loosest to the strictest; those of equal strictness share a place.</summary>
    private static readonly Dictionary<string, string[]> Ladders = new(StringComparer.Ordinal)
    {
        ["mode"] = ["observe", "enforce"],
        ["functions.risk"] = ["low", "medium", "high", "critical"],
        ["functions.maskable"] = ["false", "true"],
        ["rules.effect"] = ["allow", "approve", "deny"],
        ["rules.approval.reason"] = ["optional", "required"],
        ["masks.action"] = ["keep-last-4", "tokenize", "redact null drop"],
    };

    /// <summary>Durations of which the shorter is the stricter.</summary>
    private static readonly HashSet<string> ShorterIsStricter = new(StringComparer.Ordinal)
    {
        "rules.approval.decideWithin", "rules.approval.useWithin", "upstreams.credential.ttl",
        "upstreams.credential.reuse",
    };

    /// <summary>Durations of which the longer is the stricter.</summary>
    private static readonly HashSet<string> LongerIsStricter = new(StringComparer.Ordinal) { "separations.window" };

    public static string DefaultOf(string key) => Defaults.GetValueOrDefault(key, "");

    /// <summary>True for two ways to write one duration.</summary>
    public static bool MeansTheSame(string was, string now) =>
        Duration.TryParse(was.Trim('"'), out TimeSpan old) && Duration.TryParse(now.Trim('"'), out TimeSpan latest)
        && old == latest;

    /// <summary>What a new rule of this effect does.</summary>
    public static ChangeWeight OfRule(string? effect, string? mode) => (effect, mode) switch
    {
        ("allow", _) => ChangeWeight.Loosens,
        ("approve", "observe") => ChangeWeight.Loosens,
        (_, "observe") => ChangeWeight.Unclear,
        ("deny", _) => ChangeWeight.Tightens,
        _ => ChangeWeight.Unclear,
    };

    /// <summary>The other way.</summary>
    public static ChangeWeight Against(ChangeWeight weight) => weight switch
    {
        ChangeWeight.Loosens => ChangeWeight.Tightens,
        ChangeWeight.Tightens => ChangeWeight.Loosens,
        _ => ChangeWeight.Unclear,
    };

    /// <summary>What one more item of a list does.</summary>
    public static ChangeWeight OfAdding(string key, string effect) => key switch
    {
        "rules.subjects.groups" or "rules.functions" => OfRule(effect, null),
        "functions.keep" => ChangeWeight.Loosens,
        "functions.headers" or "separations.groups" or "separations.functions" => ChangeWeight.Tightens,
        "limits.functions" => ChangeWeight.Tightens,
        "masks.functions" or "masks.fields" or "masks.detect" or "masks.headers" => ChangeWeight.Tightens,
        "masks.except.groups" or "rules.approval.breakGlass.groups" => ChangeWeight.Loosens,
        _ => ChangeWeight.Unclear,
    };

    /// <summary>What another value does.</summary>
    public static ChangeWeight Weigh(string key, string effect, string was, string now)
    {
        (string old, string latest) = (was.Trim('"'), now.Trim('"'));
        if (key == "rules.mode" && effect is "deny" or "approve") key = "mode";
        if (Ladders.TryGetValue(key, out string[]? ladder))
        {
            return Step(Place(ladder, old), Place(ladder, latest));
        }

        bool isShorter = ShorterIsStricter.Contains(key);
        if (!isShorter && !LongerIsStricter.Contains(key)) return key switch
        {
            "masks.except" or "rules.approval.breakGlass" => old.Length == 0
                ? ChangeWeight.Loosens : ChangeWeight.Tightens,
            _ => ChangeWeight.Unclear,
        };
        bool areDurations = Duration.TryParse(old, out TimeSpan before) & Duration.TryParse(latest, out TimeSpan after);
        if (!areDurations) return ChangeWeight.Unclear;
        return isShorter ? Step(after.Ticks, before.Ticks) : Step(before.Ticks, after.Ticks);
    }

    private static int Place(string[] ladder, string word) => Array.FindIndex(ladder, one =>
        one.Split(' ').Contains(word));

    private static ChangeWeight Step(long was, long now) => was < 0 || now < 0 || was == now ? ChangeWeight.Unclear
        : now > was ? ChangeWeight.Tightens : ChangeWeight.Loosens;
}
