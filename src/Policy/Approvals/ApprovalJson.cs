using System.Text.Json;

namespace Countersign.Policy.Approvals;

/// <summary>An approval as both listeners show it (DESIGN 4.4).</summary>
public static class ApprovalJson
{
    /// <summary>Writes one object.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="approval">What.</param>
    /// <param name="arguments">The request's body, already masked for whoever reads this: JSON text that is written as
    /// it is. Empty writes null.</param>
    /// <param name="bodyBytes">The body's length, so that one that cannot be shown is not taken for none; -1 leaves it
    /// out.</param>
    /// <param name="headers">The binding headers, already masked for whoever reads this: a JSON array that is written
    /// as it is. Empty writes null.</param>
    /// <param name="more">Writes further members; null for none.</param>
    public static void Write(
        Utf8JsonWriter json, Approval approval, ReadOnlySpan<byte> arguments, long bodyBytes = -1,
        ReadOnlySpan<byte> headers = default, Action<Utf8JsonWriter>? more = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(approval);
        json.WriteStartObject();
        json.WriteString("id", approval.Id);
        json.WriteString("state", ApprovalStates.NameOf(approval.State));
        json.WriteString("function", approval.Function);
        json.WriteString("risk", NameOf(approval.Risk));
        json.WriteString("method", approval.Method);
        json.WriteString("target", approval.Target);
        json.WritePropertyName("arguments");
        if (arguments.IsEmpty) json.WriteNullValue();
        else json.WriteRawValue(arguments);
        json.WriteString("content_type", approval.ContentType);
        if (bodyBytes >= 0) json.WriteNumber("body_bytes", bodyBytes);
        json.WritePropertyName("headers");
        if (headers.IsEmpty) json.WriteNullValue();
        else json.WriteRawValue(headers);
        WriteRequester(json, approval.Requester);
        json.WriteString("reason", approval.Reason);
        json.WriteString("digest", approval.Digest);
        json.WriteString("rule", approval.Rule);
        WriteStages(json, approval);
        json.WriteString("created_at", Timestamps.Format(approval.CreatedAt));
        json.WriteString("expires_at", Timestamps.Format(approval.ExpiresAt));
        json.WriteNumber("policy_version", approval.PolicyVersion);
        json.WriteString("call", approval.Call);
        if (approval.Runs) json.WriteBoolean("respond_async", true);
        if (approval.Broken is { } broken)
        {
            WriteAct(json, "break_glass", "reason", broken);
            json.WriteBoolean("review_owed", approval.OwesReview);
            if (approval.Review is { } review) WriteAct(json, "review", "note", review);
        }

        more?.Invoke(json);
        json.WriteEndObject();
    }

    /// <summary>The risk as the policy writes it.</summary>
    public static string NameOf(Risk risk) => risk switch
    {
        Risk.Low => "low",
        Risk.Medium => "medium",
        Risk.High => "high",
        Risk.Critical => "critical",
        _ => "unset",
    };

    /// <summary>The kind as tokens write it; a token that states none is shown as a service.</summary>
    public static string NameOf(CallerKind kind) => kind switch
    {
        CallerKind.Human => "human",
        CallerKind.Agent => "agent",
        CallerKind.Ci => "ci",
        _ => "service",
    };

    private static void WriteRequester(Utf8JsonWriter json, Requester requester)
    {
        json.WriteStartObject("caller");
        json.WriteString("issuer", requester.Issuer);
        json.WriteString("subject", requester.Subject);
        json.WriteString("kind", NameOf(requester.Kind));
        WriteList(json, "groups", requester.Groups);
        WriteList(json, "chain", requester.Chain);
        if (ActorName.Of(requester.Actor) is { } actor)
        {
            json.WriteStartObject("actor");
            json.WriteString("issuer", actor.Issuer);
            json.WriteString("subject", actor.Subject);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    // A denial belongs to no stage, so it is shown under each that the approver stood for; it ended them all.
    private static void WriteStages(Utf8JsonWriter json, Approval approval)
    {
        json.WriteStartArray("stages");
        for (int stage = 0; stage < approval.Stages.Count; stage++)
        {
            json.WriteStartObject();
            WriteList(json, "groups", approval.Stages[stage].Groups);
            json.WriteNumber("count", approval.Stages[stage].Count);
            json.WriteStartArray("decisions");
            foreach (ApprovalDecision decision in approval.Decisions)
            {
                bool isHere = decision.Approve ? decision.Stage == stage : decision.Qualifies.Contains(stage);
                if (isHere) WriteDecision(json, decision);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteAct(Utf8JsonWriter json, string name, string reason, ApprovalAct act)
    {
        json.WriteStartObject(name);
        json.WriteString("by", act.Subject);
        json.WriteString(reason, act.Reason);
        json.WriteString("at", Timestamps.Format(act.At));
        json.WriteEndObject();
    }

    private static void WriteDecision(Utf8JsonWriter json, ApprovalDecision decision)
    {
        json.WriteStartObject();
        json.WriteString("approver", decision.Approver);
        json.WriteString("decision", decision.Approve ? "approve" : "deny");
        json.WriteString("reason", decision.Reason);
        json.WriteString("at", Timestamps.Format(decision.At));
        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> items)
    {
        json.WriteStartArray(name);
        foreach (string item in items) json.WriteStringValue(item);
        json.WriteEndArray();
    }
}
