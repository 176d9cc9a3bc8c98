using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Notices;

/// <summary>
/// Writes notices: which function, who asks and why, until when, and a link. Never the arguments, the target or a
/// token: a chat keeps what it is told, and shows it to whoever joins.
/// </summary>
internal static class NoticeWriter
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The body in the webhook's form.</summary>
    /// <param name="kind">The form.</param>
    /// <param name="occasion">What happened.</param>
    /// <param name="approval">To what.</param>
    /// <param name="link">Where it can be seen.</param>
    public static string Write(WebhookKind kind, NoticeOccasion occasion, Approval approval, string link)
    {
        ArrayBufferWriter<byte> body = new(1_024);
        using (Utf8JsonWriter json = new(body, Relaxed))
        {
            if (kind == WebhookKind.Slack) WriteSlack(json, occasion, approval, link);
            else WriteGeneric(json, occasion, approval, link);
        }

        return Encoding.UTF8.GetString(body.WrittenSpan);
    }

    private static void WriteGeneric(Utf8JsonWriter json, NoticeOccasion occasion, Approval approval, string link)
    {
        json.WriteStartObject();
        json.WriteString("type", NoticeOccasion.NameOf(occasion.Event));
        json.WriteString("timestamp", Timestamps.Format(occasion.At));
        json.WriteStartObject("data");
        json.WriteString("approval", approval.Id);
        json.WriteString("state", ApprovalStates.NameOf(approval.State));
        json.WriteString("function", approval.Function);
        json.WriteString("risk", ApprovalJson.NameOf(approval.Risk));
        json.WriteStartObject("caller");
        json.WriteString("subject", Short(approval.Requester.Subject));
        json.WriteString("kind", ApprovalJson.NameOf(approval.Requester.Kind));
        json.WriteStartArray("chain");
        foreach (string person in approval.Requester.Chain) json.WriteStringValue(Short(person));
        json.WriteEndArray();
        if (ActorOf(approval) is { } actor) json.WriteString("actor", Short(actor));
        json.WriteEndObject();
        json.WriteString("reason", Long(approval.Reason));
        json.WriteString("rule", approval.Rule);
        json.WriteStartArray("groups");
        foreach (string group in GroupsOf(approval)) json.WriteStringValue(group);
        json.WriteEndArray();
        if (approval.Broken is { } broken)
        {
            json.WriteStartObject("break_glass");
            json.WriteString("by", Short(broken.Subject));
            json.WriteString("reason", Long(broken.Reason));
            json.WriteString("at", Timestamps.Format(broken.At));
            json.WriteEndObject();
        }

        json.WriteString("created_at", Timestamps.Format(approval.CreatedAt));
        json.WriteString("expires_at", Timestamps.Format(approval.ExpiresAt));
        json.WriteString("url", link);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    // Who acts with the subject's token; null where nobody else does.
    private static string? ActorOf(Approval approval) => ActorName.Of(approval.Requester.Actor)?.Subject;

    // What others wrote stands in plain_text, where Slack finds no link, no mention and no format. The one text that
    // it does read, for those who see no blocks, has its three control characters escaped.
    private static void WriteSlack(Utf8JsonWriter json, NoticeOccasion occasion, Approval approval, string link)
    {
        string title = TitleOf(occasion.Event, approval);
        string asked = Short(ActorOf(approval) ?? approval.Requester.Subject);
        json.WriteStartObject();
        json.WriteString(
            "text",
            Escape($"{title}: {Short(approval.Function)}, asked by {asked}") + $" <{Escape(link)}|Open it>");
        json.WriteStartArray("blocks");
        Plain(json, $"{title}: {Short(approval.Function)}");
        string behind = string.Join(", ", approval.Requester.Chain.Select(Short));
        StringBuilder said = new();
        said.Append("Asked by ").Append(asked).Append(" (").Append(ApprovalJson.NameOf(approval.Requester.Kind));
        if (behind.Length > 0 && behind != asked) said.Append(", for ").Append(behind);
        said.Append("), risk ").Append(ApprovalJson.NameOf(approval.Risk));
        if (approval.State == ApprovalState.Pending)
        {
            said.Append("\nNeeds ").AppendJoin(", ", GroupsOf(approval))
                .Append(" until ").Append(Timestamps.Format(approval.ExpiresAt));
        }

        said.Append("\nReason: ").Append(approval.Reason.Length > 0 ? Long(approval.Reason) : "none given");
        if (approval.Broken is { } broken)
        {
            said.Append("\nLet through by ").Append(Short(broken.Subject)).Append(" at ")
                .Append(Timestamps.Format(broken.At)).Append(": ").Append(Long(broken.Reason));
        }

        Plain(json, said.ToString());
        json.WriteStartObject();
        json.WriteString("type", "section");
        json.WriteStartObject("text");
        json.WriteString("type", "mrkdwn");
        json.WriteString("text", $"<{Escape(link)}|Open it in the console>");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Plain(Utf8JsonWriter json, string text)
    {
        json.WriteStartObject();
        json.WriteString("type", "section");
        json.WriteStartObject("text");
        json.WriteString("type", "plain_text");
        json.WriteString("text", text);
        json.WriteBoolean("emoji", false);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string TitleOf(NoticeEvents what, Approval approval) => what switch
    {
        NoticeEvents.Created => "Approval needed",
        NoticeEvents.BreakGlass => "BREAK-GLASS: done without its approvers",
        NoticeEvents.ReviewOwed => "Review owed after break-glass",
        _ => "Approval " + ApprovalStates.NameOf(approval.State),
    };

    private static IEnumerable<string> GroupsOf(Approval approval) =>
        approval.Stages.SelectMany(stage => stage.Groups).Distinct(StringComparer.Ordinal).Select(Short);

    private static string Escape(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal);

    private static string Short(string text) => SafeText.Show(text, ControlPlaneLimits.NoticeNameCharactersMax);

    private static string Long(string text) => SafeText.Show(text, ControlPlaneLimits.NoticeReasonCharactersMax);
}
