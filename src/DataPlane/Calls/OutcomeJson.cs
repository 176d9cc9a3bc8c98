using System.Text;
using System.Text.Json;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <summary>What came of a call, as its status shows it.</summary>
internal static class OutcomeJson
{
    /// <summary>Writes the outcome, or that one waits; nothing where there is none.</summary>
    internal static void Write(Utf8JsonWriter json, Approval approval, CallOutcome? outcome)
    {
        if (outcome is null)
        {
            if (approval.HasOutcome) json.WriteBoolean("outcome_waits", true);
            return;
        }

        json.WriteStartObject("outcome");
        json.WriteNumber("status", outcome.Status);
        json.WriteString("call", outcome.Call);
        json.WriteStartArray("headers");
        foreach ((string name, string value) in outcome.Fields)
        {
            json.WriteStartArray();
            json.WriteStringValue(name);
            json.WriteStringValue(value);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteNumber("body_bytes", outcome.BodyBytes);
        WriteBody(json, outcome.Body);
        json.WriteEndObject();
    }

    // JSON as it is, other text as a string, the rest in base64; null for what was too large to keep.
    private static void WriteBody(Utf8JsonWriter json, byte[]? body)
    {
        if (body is { Length: > 0 } && StrictJson.IsUnambiguous(body, out _))
        {
            json.WritePropertyName("body");
            json.WriteRawValue(body);
        }
        else if (body is null) json.WriteNull("body");
        else if (System.Text.Unicode.Utf8.IsValid(body)) json.WriteString("body", Encoding.UTF8.GetString(body));
        else json.WriteBase64String("body_base64", body);
    }
}
