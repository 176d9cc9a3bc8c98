using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.ControlPlane.Tokens;

/// <summary>What an act is sent that needs nothing but why: <c>{"reason":"…"}</c>.</summary>
internal sealed record ReasonRequest(string Reason)
{
    /// <summary>Reads and checks one; null, and what is wrong, for anything else.</summary>
    public static ReasonRequest? Read(ReadOnlySpan<byte> json, out string fault)
    {
        fault = "The body must be JSON with a reason, and nothing else.";
        try
        {
            string? reason = JsonSerializer.Deserialize(json, ReasonRequestJson.Default.ReasonBody)?.Reason;
            if (string.IsNullOrWhiteSpace(reason)) return null;
            fault = "The reason is too long.";
            return reason.Length > ControlPlaneLimits.ReasonCharactersMax ? null : new ReasonRequest(reason);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>It as it is sent.</summary>
internal sealed record ReasonBody(string? Reason = null);

/// <summary>The strict reader of it.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, AllowDuplicateProperties = false,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ReasonBody))]
internal sealed partial class ReasonRequestJson : JsonSerializerContext;
