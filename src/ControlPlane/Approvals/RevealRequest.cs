using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Approvals;

/// <summary>Which argument somebody must see in clear, and why.</summary>
/// <param name="Pointer">Where it is in the body, as an RFC 6901 pointer; empty is the whole body.</param>
/// <param name="Reason">Why; never empty.</param>
internal sealed record RevealRequest(string Pointer, string Reason)
{
    /// <summary>Reads a body; null with <paramref name="why"/> when it is not exactly one request.</summary>
    public static RevealRequest? Read(ReadOnlySpan<byte> json, out string why)
    {
        if (!StrictJson.IsUnambiguous(json, out why)) return null;
        RevealBody? body;
        try
        {
            body = JsonSerializer.Deserialize(json, RevealBodies.Default.RevealBody);
        }
        catch (JsonException)
        {
            why = "The body must be an object with the texts pointer and reason, and no other member.";
            return null;
        }

        why = WhyNot(body);
        return why.Length == 0 ? new RevealRequest(body!.Pointer!, body.Reason!.Trim()) : null;
    }

    /// <summary>The value that the pointer leads to in a body of one unambiguous JSON value; null where none
    /// is.</summary>
    public static JsonElement? Find(JsonElement at, string pointer)
    {
        if (pointer.Length == 0) return at;
        foreach (string step in pointer[1..].Split('/'))
        {
            string name = step
                .Replace("~1", "/", StringComparison.Ordinal)
                .Replace("~0", "~", StringComparison.Ordinal);
            if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty(name, out JsonElement member))
            {
                at = member;
            }
            else if (at.ValueKind == JsonValueKind.Array && IsIndex(name, out int index) && index < at.GetArrayLength())
            {
                at = at[index];
            }
            else
            {
                return null;
            }
        }

        return at;
    }

    // RFC 6901 section 4: no sign, no leading zero.
    private static bool IsIndex(string text, out int index) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, null, out index)
        && (text == "0" || text[0] != '0');

    private static string WhyNot(RevealBody? body)
    {
        if (body?.Pointer is not { } pointer || (pointer.Length > 0 && pointer[0] != '/'))
            return "pointer must be where the argument is, such as /user/ssn; empty for the whole body.";
        if (pointer.Length > ControlPlaneLimits.PointerCharactersMax)
            return "pointer must not be longer than 500 characters.";
        if (string.IsNullOrWhiteSpace(body.Reason)) return "reason must say why you need to see it.";
        return body.Reason.Length > ControlPlaneLimits.ReasonCharactersMax
            ? "reason must not be longer than 500 characters."
            : "";
    }
}

/// <summary>The body as it is sent.</summary>
internal sealed record RevealBody(string? Pointer = null, string? Reason = null);

/// <summary>The strict reader of it.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(RevealBody))]
internal sealed partial class RevealBodies : JsonSerializerContext;
