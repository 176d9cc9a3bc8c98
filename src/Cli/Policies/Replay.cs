using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Policy;
using Countersign.Policy.Review;

namespace Countersign.Cli.Policies;

/// <summary>
/// Recorded calls under another policy: what would come out otherwise, and how many approvals that takes.
/// </summary>
internal sealed class Replay(PolicySnapshot policy, TimeProvider clock)
{
    private const string UnknownFunction = "unknown-function";

    private readonly Dictionary<Change, Seen> _changes = [];
    private readonly DutyHistory _past = new(policy, clock);
    private readonly Dictionary<string, int> _unreplayed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _approvalsBefore = new(StringComparer.Ordinal);
    private readonly HashSet<string> _approvalsAfter = new(StringComparer.Ordinal);
    private readonly bool _hasHosts = policy.Functions.Any(function => function.Hosts.Count > 0);

    private DateTimeOffset _first = DateTimeOffset.MaxValue;
    private DateTimeOffset _last = DateTimeOffset.MinValue;
    private int _replayed;
    private int _signatures;

    /// <summary>A day at least: what a shorter log holds is not multiplied.</summary>
    private double Days => _last > _first ? Math.Max(1, (_last - _first).TotalDays) : 1;

    /// <summary>True if a call would come out otherwise.</summary>
    internal bool HasChanges => _changes.Count > 0;

    /// <summary>Takes one call.</summary>
    internal void Add(RecordedCall call)
    {
        if (WhyNot(call) is { } why)
        {
            _unreplayed[why] = _unreplayed.GetValueOrDefault(why) + 1;
            return;
        }

        if (call.At < _first) _first = call.At;
        if (call.At > _last) _last = call.At;
        CallSample sample = call.ToSample();
        Function? function = FunctionOf(call, sample);
        Decision? decision = function is null ? null : Decide(sample, function);
        if (function is not null && decision is null) return;
        _replayed++;
        if (call.HasAsked && call.Approval.Length > 0) _approvalsBefore.Add(call.Approval);
        if (decision is { Effect: Effect.Approve } && call.WouldAsk) NoteApproval(call, decision);
        if (decision is { Effect: not Effect.Deny } && call.IsMade) _past.Act(sample, function!);
        (string was, string wasRule) = WhatWas(call);
        string now = decision is null ? UnknownFunction : NameOf(decision.Effect);
        if (was == now) return;
        string name = function?.Id ?? call.Function;
        Change change = new(name, was, wasRule, now, decision?.Rule ?? "");
        Seen seen = _changes.GetValueOrDefault(change) ?? new Seen(0, call.Id);
        _changes[change] = seen with { Count = seen.Count + 1 };
    }

    /// <summary>Null, and counted, where the audit does not hold what decides.</summary>
    private Decision? Decide(CallSample sample, Function function)
    {
        const string Condition = "a condition looks at what the audit does not hold: arguments or headers";
        const string Object = "a separation finds its object in what the audit does not hold: arguments or headers";
        Decision decided = sample.Decide(policy, function, clock);
        bool hangs = sample.HangsOnContent(policy, function);
        bool isBlind = !hangs && policy.Mode == PolicyMode.Enforce && !DutyHistory.IsToldByTarget(policy, function)
            && policy.Evaluate(sample.Caller, function).Effect != Effect.Deny;
        if (!hangs && !isBlind) return _past.Judge(sample, function, decided, out _);
        string why = hangs ? Condition : Object;
        _unreplayed[why] = _unreplayed.GetValueOrDefault(why) + 1;
        return null;
    }

    // What remembers is no rule: the record's decision is that of the rules, and its verdict that of the separation.
    private static (string Effect, string Rule) WhatWas(RecordedCall call)
    {
        if (call.Function.Length == 0) return (UnknownFunction, call.Rule);
        bool isSeparated = call.Verdict == "duty-conflict" && call.Decision != "deny";
        return isSeparated ? ("deny", "a separation") : (call.Decision, call.Rule);
    }

    internal string ToText()
    {
        StringBuilder text = new();
        text.AppendLine(CultureInfo.InvariantCulture, $"{_replayed} calls replayed, of {Days:0.#} days");
        int changed = _changes.Values.Sum(seen => seen.Count);
        text.AppendLine(changed == 0 ? "none would change" : $"{changed} would change:");
        foreach ((Change change, Seen seen) in InOrder())
        {
            text.AppendLine($"  {Mark(change)} {change.Function}: {Say(change.Was, change.WasRule)} becomes "
                + $"{Say(change.Now, change.NowRule)}: {Calls(seen.Count)}, such as {seen.Example}");
        }

        text.AppendLine(CultureInfo.InvariantCulture,
            $"approvals: {_approvalsBefore.Count} were asked for ({_approvalsBefore.Count / Days:0.#} a day), "
            + $"{_approvalsAfter.Count} would be ({_approvalsAfter.Count / Days:0.#} a day; "
            + $"decisions of approvers: {_signatures / Days:0.#} a day)");
        foreach ((string why, int count) in _unreplayed.OrderByDescending(entry => entry.Value))
        {
            text.AppendLine($"not replayed: {count}: {why}");
        }

        return text.ToString().TrimEnd();
    }

    internal string ToJson()
    {
        JsonArray changes = [];
        foreach ((Change change, Seen seen) in InOrder())
        {
            changes.Add((JsonNode)new JsonObject
            {
                ["function"] = change.Function,
                ["was"] = change.Was,
                ["was_rule"] = change.WasRule,
                ["becomes"] = change.Now,
                ["rule"] = change.NowRule,
                ["calls"] = seen.Count,
                ["example"] = seen.Example,
            });
        }

        JsonObject unreplayed = [];
        foreach ((string why, int count) in _unreplayed) unreplayed[why] = count;
        JsonObject result = new()
        {
            ["replayed"] = _replayed,
            ["days"] = Math.Round(Days, 3),
            ["changed"] = _changes.Values.Sum(seen => seen.Count),
            ["changes"] = changes,
            ["approvals_before"] = _approvalsBefore.Count,
            ["approvals_after"] = _approvalsAfter.Count,
            ["approvals_a_day_before"] = Math.Round(_approvalsBefore.Count / Days, 3),
            ["approvals_a_day_after"] = Math.Round(_approvalsAfter.Count / Days, 3),
            ["not_replayed"] = unreplayed,
        };
        return result.ToJsonString(Serve.LogOptions.PlainJson);
    }

    private static string? WhyNot(RecordedCall call)
    {
        if (call.Caller is null) return "nobody was identified";
        if (call.IsCut) return "the record was shortened";
        bool isDecided = call.Decision.Length > 0 || (call.Function.Length == 0 && !call.IsUnread);
        return isDecided && call.Method.Length > 0 ? null : "it ended before it was decided";
    }

    // The audit holds no host: where the new policy asks for one, a call stays of the function that it was.
    private Function? FunctionOf(RecordedCall call, CallSample sample)
    {
        Function? same = _hasHosts && call.Function.Length > 0 ? policy.Find(call.Function) : null;
        return same ?? sample.FindFunction(policy);
    }

    // Calls that waited for one approval cost one; a call that went through alone would cost one of its own.
    private void NoteApproval(RecordedCall call, Decision decision)
    {
        bool isNew = _approvalsAfter.Add(call.Approval.Length > 0 ? call.Approval : call.Id);
        if (isNew) _signatures += decision.Approval!.Stages.Sum(stage => stage.Count);
    }

    private IEnumerable<KeyValuePair<Change, Seen>> InOrder() => _changes
        .OrderByDescending(entry => entry.Value.Count).ThenBy(entry => entry.Key.Function, StringComparer.Ordinal);

    private static string Calls(int count) => count == 1 ? "1 call" : $"{count} calls";

    private static char Mark(Change change) => Rank(change.Now) > Rank(change.Was) ? '+' : '-';

    private static int Rank(string effect) => effect switch { "allow" => 2, "approve" => 1, _ => 0 };

    private static string Say(string effect, string rule) => rule.Length == 0 ? effect : $"{effect} ({rule})";

    private static string NameOf(Effect effect) => effect switch
    {
        Effect.Allow => "allow",
        Effect.Approve => "approve",
        _ => "deny",
    };

    private sealed record Change(string Function, string Was, string WasRule, string Now, string NowRule);

    private sealed record Seen(int Count, string Example);
}
