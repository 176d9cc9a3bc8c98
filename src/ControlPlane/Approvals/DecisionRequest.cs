using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Approvals;

/// <summary>What an approver says. Who they are is never in it: that is for the token to say.</summary>
/// <param name="Approve">True to approve, false to deny.</param>
/// <param name="Digest">The digest that was on the approver's screen.</param>
/// <param name="Reason">Why, or empty.</param>
internal sealed record DecisionRequest(bool Approve, string Digest, string Reason)
{
    /// <summary>Reads a body; null with <paramref name="why"/> when it is not exactly one decision.</summary>
    public static DecisionRequest? Read(ReadOnlySpan<byte> json, out string why)
    {
        if (!StrictJson.IsUnambiguous(json, out why)) return null;
        DecisionBody? body;
        try
        {
            body = JsonSerializer.Deserialize(json, DecisionBodies.Default.DecisionBody);
        }
        catch (JsonException)
        {
            why = "The body must be an object with the texts decision and digest, perhaps reason, and no other member.";
            return null;
        }

        why = WhyNot(body);
        return why.Length == 0 ? new(body!.Decision == "approve", body.Digest!, body.Reason ?? "") : null;
    }

    private static string WhyNot(DecisionBody? body)
    {
        if (body is null) return "The body must be an object.";
        if (body.Decision is not ("approve" or "deny")) return "decision must be approve or deny.";
        if (string.IsNullOrEmpty(body.Digest)) return "digest must be the digest of the approval that you looked at.";
        return body.Reason?.Length > ControlPlaneLimits.ReasonCharactersMax
            ? "reason must not be longer than 500 characters."
            : "";
    }
}

/// <summary>The body as it is sent.</summary>
internal sealed record DecisionBody(string? Decision = null, string? Digest = null, string? Reason = null);

/// <summary>The strict reader of it.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(DecisionBody))]
internal sealed partial class DecisionBodies : JsonSerializerContext;
