using System.Text;
using Countersign.Policy.Conditions;

namespace Countersign.Policy.Review;

/// <summary>A call as people write one down, to ask what a policy says of it.</summary>
public sealed record CallSample
{
    /// <summary>Who calls.</summary>
    public required Caller Caller { get; init; }

    /// <summary>The function, where it is named rather than found.</summary>
    public string Function { get; init; } = "";

    /// <summary>The method; empty where the function is named.</summary>
    public string Method { get; init; } = "";

    /// <summary>
    /// Path and query as sent, or <c>/mcp#tool</c>: a call of a tool, whose body is its arguments; empty where the
    /// function is named.
    /// </summary>
    public string Target { get; init; } = "";

    /// <summary>The Host field; empty for none.</summary>
    public string Host { get; init; } = "";

    /// <summary>The caller came over TLS.</summary>
    public bool IsTls { get; init; }

    /// <summary>Header fields, by name.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>The body; empty for none.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>What the head says of the body, where there is one.</summary>
    public ArgumentsForm BodyForm { get; init; } = ArgumentsForm.Json;

    /// <summary>
    /// Status and problem that the data plane answers before it asks any policy, such as <c>400 ambiguous-path</c>;
    /// empty if it asks. A call that is refused is of no function.
    /// </summary>
    public string Refusal { get; init; } = "";

    /// <summary>
    /// Why its body cannot be shown to approvers, so that the data plane does not pause it; empty where it can.
    /// </summary>
    public string Unshowable { get; init; } = "";

    /// <summary>When; null is the time of asking.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>Who approved it; of a call that was made.</summary>
    public IReadOnlyList<string> Approvers { get; init; } = [];

    /// <summary>Calls that were made before, for separations that remember; each before or at its own time.</summary>
    public IReadOnlyList<CallSample> History { get; init; } = [];

    /// <summary>The path, without query and tool.</summary>
    internal string Path => Target.Split(['?', '#'])[0];

    private string Tool => Target.Contains('#', StringComparison.Ordinal) ? Target.Split('#', 2)[1] : "";

    /// <summary>The function that a policy finds for it; null if it finds none.</summary>
    public Function? FindFunction(PolicySnapshot policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (Refusal.Length > 0) return null;
        if (Function.Length > 0) return policy.Find(Function);
        byte[] host = Encoding.Latin1.GetBytes(Host);
        byte[] method = Encoding.Latin1.GetBytes(Method);
        byte[] path = Encoding.UTF8.GetBytes(Path);
        if (!policy.TryResolve(host, IsTls, method, path, out Function? function)) return null;
        if (Tool.Length == 0) return function;
        return Method == "POST" ? function.Endpoint?.Find(Encoding.UTF8.GetBytes(Tool)) : null;
    }

    /// <summary>
    /// Why the data plane answers 400 where the policy asks for approval: nobody can be shown the call, or what is
    /// approved is not all that may leave. Empty where it is paused, or needs no approval.
    /// </summary>
    /// <param name="function">The function that the policy finds for it.</param>
    /// <param name="decision">What the policy says of it.</param>
    public string WhyNotPaused(Function function, Decision decision)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(decision);
        if (decision.Effect != Effect.Approve) return "";
        if (Unshowable.Length > 0) return Unshowable;
        bool bindsTwice = function.BindingHeaders.Append("content-type").Any(name => Headers.Count(
            field => string.Equals(field.Key, name, StringComparison.OrdinalIgnoreCase)) > 1);
        return bindsTwice ? ReadsTwoWays : "";
    }

    /// <summary>What the data plane says of a call whose binding fields are not there once.</summary>
    public const string ReadsTwoWays =
        "A field that binds the call is repeated, or named by Connection: it reads two ways.";

    /// <summary>What the policy says of it, by the same code as calls, after what was done before.</summary>
    public Decision Decide(PolicySnapshot policy, Function function, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(policy);
        Decision decision = policy.Evaluate(Caller, function).For(FactsAt(clock), out _);
        return Past(policy, clock).Judge(this, function, decision, out _);
    }

    /// <summary>The same, and what each rule had to do with it.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="function">The function that the policy finds for it.</param>
    /// <param name="clock">The time, unless the call says when it was.</param>
    /// <param name="fault">What went wrong in a condition; empty if nothing did.</param>
    public Explanation Explain(PolicySnapshot policy, Function function, TimeProvider clock, out string fault)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(function);
        Explanation rules = policy.Explain(function, FactsAt(clock), out fault);
        Decision judged = Past(policy, clock).Judge(this, function, rules.Decision, out string blind);
        if (fault.Length == 0) fault = blind;
        List<SeparationFinding> findings = [.. policy.StaticSeparations
            .Where(separation => separation.Groups.Any(Caller.IsIn))
            .Select(separation => SeparationFinding.Of(separation, Caller, judged))];
        findings.AddRange(policy.SeparationsAt(function).Select(separation =>
            SeparationFinding.Of(separation, judged, blind, History.Count > 0)));
        return rules with { Decision = judged, Separations = findings };
    }

    private DutyHistory Past(PolicySnapshot policy, TimeProvider clock)
    {
        DutyHistory past = new(policy, clock);
        foreach (CallSample call in History)
        {
            if (call.FindFunction(policy) is { } done) past.Act(call, done);
        }

        return past;
    }

    /// <summary>True if a rule that speaks of the caller and the function has a condition, or the function a schema of
    /// its arguments.</summary>
    public bool HangsOnContent(PolicySnapshot policy, Function function)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(function);
        return function.Arguments is not null
            || policy.Matching(Caller, function).Exists(rule => rule.IsConditional);
    }

    /// <summary>What conditions see of it: as the data plane shows them a call, from what was written down.</summary>
    internal CallFacts FactsAt(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        string[] parts = Target.Split('#')[0].Split('?', 2);
        string headers = string.Concat(Headers.Select(field => $"{field.Key}: {field.Value}\r\n"));
        return new CallFacts
        {
            Caller = Caller,
            Now = At ?? clock.GetUtcNow(),
            Path = Encoding.UTF8.GetBytes(parts[0]),
            Query = parts.Length > 1 ? Encoding.UTF8.GetBytes(parts[1]) : default,
            Headers = Encoding.UTF8.GetBytes(headers),
            Form = Body.IsEmpty ? ArgumentsForm.Absent : BodyForm,
            Arguments = Body,
        };
    }

    /// <summary>Reads <c>POST /billing/42/reset</c>; false if it is not a method and a path.</summary>
    public static bool TryReadLine(string line, out string method, out string target)
    {
        ArgumentNullException.ThrowIfNull(line);
        string[] parts = line.Split(' ');
        (method, target) = parts.Length == 2 ? (parts[0], parts[1]) : ("", "");
        return method.Length > 0 && target.StartsWith('/');
    }
}
