using System.Text;
using System.Text.Json.Nodes;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Review;

namespace Countersign.Cli.Policies;

/// <summary>An explanation for people, and for machines.</summary>
internal sealed class ExplanationText(PolicySnapshot policy, CallSample call, TimeProvider clock, bool showsAll)
{
    private const string Unpaused = "400 malformed-request";

    private readonly Function? _function = call.FindFunction(policy);

    /// <summary>False where the policy has no function for the call, or is not asked.</summary>
    internal bool IsKnown => _function is not null;

    /// <summary>True where the gateway refuses what the policy would let others approve.</summary>
    internal bool IsUnpaused =>
        _function is not null && call.WhyNotPaused(_function, call.Decide(policy, _function, clock)).Length > 0;

    internal string ToText()
    {
        if (call.Refusal.Length > 0)
            return $"{call.Refusal}: the gateway refuses it as it reads it, before any policy is asked.";
        if (_function is null) return "404 unknown-function: no function of this policy matches. Default deny.";
        Explanation explanation = call.Explain(policy, _function, clock, out string fault);
        Decision decision = explanation.Decision;
        StringBuilder text = new();
        string unpaused = call.WhyNotPaused(_function, decision);
        text.AppendLine(unpaused.Length > 0
            ? $"{Unpaused}: {Reason(decision)}, and the gateway does not pause this call. {unpaused}"
            : $"{Verb(decision.Effect)}: {Reason(decision)}");
        text.AppendLine($"  function  {_function.Id}: {_function.Method} {_function.Place}, "
            + $"risk {ApprovalJson.NameOf(_function.Risk)}, upstream {_function.Upstream.Name}");
        text.AppendLine($"  caller    {call.Caller.Subject} ({ApprovalJson.NameOf(call.Caller.Kind)}), "
            + $"groups {Or(call.Caller.Groups)}, chain {Or(call.Caller.Chain)}");
        foreach (StageTerms stage in decision.Approval?.Stages ?? [])
        {
            text.AppendLine($"  takes     {stage.Count} of {string.Join(" or ", stage.Groups)}, "
                + "nobody of the caller's chain");
        }

        if (_function.Endpoint is not null)
        {
            text.AppendLine($"  note      of the protocol's own; a tool's call is POST {_function.Place}#TOOL, with "
                + "its arguments or its message as the body");
        }

        if (fault.Length > 0) text.AppendLine($"  fault     {fault}");
        if (decision.Masks.Count > 0) text.AppendLine($"  masks     {Or([.. decision.Masks.Select(mask => mask.Id)])}");
        if (decision.Observed is { } observed)
        {
            text.AppendLine($"  observed  {Verb(observed.Effect)}: {Reason(observed)}");
        }

        foreach (SeparationFinding finding in explanation.Separations)
        {
            text.AppendLine($"  {(finding.Decides ? '*' : ' ')} separation {finding.Id} "
                + $"({(finding.IsDynamic ? "dynamic" : "static")}): {finding.Why}");
        }

        foreach (RuleFinding finding in explanation.Rules)
        {
            if (finding.Outcome == RuleOutcome.OtherFunction && !showsAll) continue;
            bool decides = Decides(decision, finding);
            text.AppendLine($"  {(decides ? '*' : ' ')} rule {finding.Rule.Id} ({Verb(finding.Rule.Effect)}"
                + $"{(finding.Rule.Mode == PolicyMode.Observe ? ", observe" : "")}): {Why(finding, decision)}");
        }

        return text.ToString().TrimEnd();
    }

    internal string ToJson()
    {
        JsonObject result = new() { ["function"] = _function?.Id };
        if (call.Refusal.Length > 0)
        {
            result["effect"] = call.Refusal.Split(' ')[1];
            result["reason"] = "the gateway refuses it as it reads it, before any policy is asked";
            return result.ToJsonString(Serve.LogOptions.PlainJson);
        }

        if (_function is null)
        {
            result["effect"] = "unknown-function";
            return result.ToJsonString(Serve.LogOptions.PlainJson);
        }

        Explanation explanation = call.Explain(policy, _function, clock, out string fault);
        Decision decision = explanation.Decision;
        if (fault.Length > 0) result["fault"] = fault;
        string unpaused = call.WhyNotPaused(_function, decision);
        if (unpaused.Length > 0) result["refused"] = unpaused;
        result["effect"] = unpaused.Length > 0 ? Unpaused.Split(' ')[1] : Verb(decision.Effect);
        result["cause"] = CauseOf(decision.Cause);
        result["rule"] = decision.Rule;
        result["reason"] = Reason(decision);
        JsonArray stages = [];
        foreach (StageTerms stage in decision.Approval?.Stages ?? [])
        {
            stages.Add((JsonNode)new JsonObject { ["groups"] = List(stage.Groups), ["count"] = stage.Count });
        }

        result["stages"] = stages;
        result["masks"] = List([.. decision.Masks.Select(mask => mask.Id)]);
        if (decision.Observed is { } observed)
        {
            result["observed"] = new JsonObject { ["effect"] = Verb(observed.Effect), ["rule"] = observed.Rule };
        }

        JsonArray rules = [];
        foreach (RuleFinding finding in explanation.Rules)
        {
            if (finding.Outcome == RuleOutcome.OtherFunction && !showsAll) continue;
            rules.Add((JsonNode)new JsonObject
            {
                ["id"] = finding.Rule.Id,
                ["effect"] = Verb(finding.Rule.Effect),
                ["matches"] = finding.Outcome == RuleOutcome.Matched,
                ["decides"] = Decides(decision, finding),
                ["why"] = Why(finding, decision),
            });
        }

        result["rules"] = rules;
        result["separations"] = new JsonArray([.. explanation.Separations.Select(finding => (JsonNode)new JsonObject
        {
            ["id"] = finding.Id,
            ["kind"] = finding.IsDynamic ? "dynamic" : "static",
            ["decides"] = finding.Decides,
            ["why"] = finding.Why,
        })]);
        return result.ToJsonString(Serve.LogOptions.PlainJson);
    }

    private static JsonArray List(IReadOnlyList<string> texts) => [.. texts.Select(text => (JsonNode)text)];

    // A separation may have the name of a rule.
    private static bool Decides(Decision decision, RuleFinding finding) =>
        decision.Cause != DecisionCause.Separation && decision.Rule.Split(',').Contains(finding.Rule.Id);

    private static string Why(RuleFinding finding, Decision decision) => finding.Outcome switch
    {
        RuleOutcome.Matched when Decides(decision, finding) => "decides",
        RuleOutcome.Matched when decision.Cause == DecisionCause.Separation =>
            $"matches, and separation {decision.Rule} decides",
        RuleOutcome.Matched => "matches, and another decides",
        RuleOutcome.Conditional => $"its condition was not asked, since {WhyUnasked(decision)}: "
            + OneLine(finding.Rule.When),
        RuleOutcome.ConditionFalse => $"its condition does not hold: {OneLine(finding.Rule.When)}",
        RuleOutcome.ConditionFailed => $"its condition has no answer, and that denies: {OneLine(finding.Rule.When)}",
        RuleOutcome.OtherCaller => $"speaks of {string.Join(" or ", finding.Rule.Groups)}, and the caller is in none",
        _ => $"speaks of other functions: {string.Join(", ", finding.Rule.Functions)}",
    };

    private static string WhyUnasked(Decision decision) => (decision.Observed ?? decision).Cause switch
    {
        DecisionCause.ArgumentsAmbiguous or DecisionCause.ArgumentsUnreadable => "the arguments could not be read",
        DecisionCause.ArgumentsMisfit => "the arguments are not what the function takes",
        _ => "the call is denied whatever it says",
    };

    private static string Reason(Decision decision) => decision.Cause switch
    {
        DecisionCause.NothingMatched => "no rule allows it, and what nothing allows is denied",
        DecisionCause.Separation => $"separation {decision.Rule} forbids it, whatever rules say",
        DecisionCause.ConditionFailed => $"the condition of rule {decision.Rule} has no answer, and that denies",
        DecisionCause.ArgumentsAmbiguous => "conditions look at arguments that two parsers may read differently",
        DecisionCause.ArgumentsUnreadable => "conditions look at arguments that are not plain JSON, or too many",
        DecisionCause.ArgumentsMisfit => "the arguments are not what the function takes",
        DecisionCause.Observed => "it is let through, since a rule or the policy only observes",
        _ => decision.Effect switch
        {
            Effect.Deny => $"rule {decision.Rule} denies, and deny beats all else",
            Effect.Approve => $"{decision.Rule} asks for approval, which beats allow",
            _ => $"rule {decision.Rule} allows, and nothing denies or pauses",
        },
    };

    private static string CauseOf(DecisionCause cause) => cause switch
    {
        DecisionCause.Rule => "rule",
        DecisionCause.Separation => "separation",
        DecisionCause.Observed => "observed",
        DecisionCause.ConditionFailed => "condition-failed",
        DecisionCause.ArgumentsAmbiguous => "arguments-ambiguous",
        DecisionCause.ArgumentsUnreadable => "arguments-unreadable",
        DecisionCause.ArgumentsMisfit => "arguments-misfit",
        _ => "nothing-matched",
    };

    private static string OneLine(string? text) => (text ?? "").ReplaceLineEndings(" ");

    private static string Verb(Effect effect) => effect switch
    {
        Effect.Allow => "allow",
        Effect.Approve => "approve",
        _ => "deny",
    };

    private static string Or(IReadOnlyList<string> texts) => texts.Count == 0 ? "none" : string.Join(", ", texts);
}
