using System.Text.Json;
using Countersign.Policy.Approvals;
using Countersign.Policy.Notices;

namespace Countersign.ControlPlane.Notices;

/// <summary>Notices as operators see them: what became of them, not what they say.</summary>
internal static class NoticeJson
{
    public static void Write(Utf8JsonWriter json, NoticePage page, bool dead)
    {
        json.WriteStartObject();
        json.WriteStartArray("items");
        foreach (FiledNotice filed in page.Items)
        {
            json.WriteStartObject();
            json.WriteString("id", filed.Notice.Id);
            json.WriteString("status", dead ? "dead" : "waiting");
            json.WriteString("webhook", filed.Notice.Webhook);
            json.WriteString("event", filed.Notice.Event);
            json.WriteString("approval", filed.Notice.Approval);
            json.WriteNumber("attempts", filed.Attempts);
            json.WriteString("error", filed.Error);
            json.WriteString("at", Timestamps.Format(filed.Notice.At));
            json.WriteString(dead ? "dead_at" : "due_at", Timestamps.Format(filed.At));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("next", page.Next);
        json.WriteEndObject();
    }
}
