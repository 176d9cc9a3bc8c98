using System.Text.Json;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Approvals;

/// <summary>
/// Earlier calls like one, in short: what became of them and who decided, not their arguments, which are looked at one
/// by one.
/// </summary>
internal static class EarlierJson
{
    public static void Write(Utf8JsonWriter json, Approval like, IReadOnlyList<Approval> earlier)
    {
        json.WriteStartObject();
        json.WriteStartArray("items");
        foreach (Approval one in earlier)
        {
            json.WriteStartObject();
            json.WriteString("id", one.Id);
            json.WriteString("state", ApprovalStates.NameOf(one.State));
            json.WriteString("function", one.Function);
            json.WriteString("reason", one.Reason);
            json.WriteString("digest", one.Digest);
            json.WriteBoolean("identical", one.Digest == like.Digest);
            json.WriteString("created_at", Timestamps.Format(one.CreatedAt));
            json.WriteStartArray("decisions");
            foreach (ApprovalDecision said in one.Decisions)
            {
                json.WriteStartObject();
                json.WriteString("approver", said.Approver);
                json.WriteString("decision", said.Approve ? "approve" : "deny");
                json.WriteString("reason", said.Reason);
                json.WriteString("at", Timestamps.Format(said.At));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
