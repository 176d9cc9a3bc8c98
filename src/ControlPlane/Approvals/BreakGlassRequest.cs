using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Approvals;

/// <summary>What somebody says who lets a call through in an emergency.</summary>
/// <param name="Digest">The digest that was on their screen.</param>
/// <param name="Reason">Why it cannot wait; never empty.</param>
internal sealed record BreakGlassRequest(string Digest, string Reason)
{
    /// <summary>Reads a body; null with <paramref name="why"/> when it is not exactly that.</summary>
    public static BreakGlassRequest? Read(ReadOnlySpan<byte> json, out string why)
    {
        BreakGlassBody? body = Parse(json, ActBodies.Default.BreakGlassBody, "digest and reason", out why);
        if (body is null) return null;
        if (string.IsNullOrEmpty(body.Digest)) why = "digest must be the digest of the approval that you looked at.";
        else why = WhyNot(body.Reason, "reason");
        return why.Length == 0 ? new(body.Digest!, body.Reason!) : null;
    }

    /// <summary>Reads the note that closes a review; null with <paramref name="why"/> when it is not exactly
    /// that.</summary>
    public static string? ReadNote(ReadOnlySpan<byte> json, out string why)
    {
        ReviewBody? body = Parse(json, ActBodies.Default.ReviewBody, "note", out why);
        if (body is null) return null;
        why = WhyNot(body.Note, "note");
        return why.Length == 0 ? body.Note : null;
    }

    private static string WhyNot(string? text, string member)
    {
        if (string.IsNullOrWhiteSpace(text)) return member + " is required.";
        return text.Length > ControlPlaneLimits.ReasonCharactersMax
            ? member + " must not be longer than 500 characters."
            : "";
    }

    private static T? Parse<T>(
        ReadOnlySpan<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> form, string members,
        out string why)
        where T : class
    {
        if (!StrictJson.IsUnambiguous(json, out why)) return null;
        try
        {
            T? body = JsonSerializer.Deserialize(json, form);
            if (body is null) why = "The body must be an object.";
            return body;
        }
        catch (JsonException)
        {
            why = "The body must be an object with " + members + " as text and no other member.";
            return null;
        }
    }
}

/// <summary>The body of an emergency as it is sent.</summary>
internal sealed record BreakGlassBody(string? Digest = null, string? Reason = null);

/// <summary>The body of a review as it is sent.</summary>
internal sealed record ReviewBody(string? Note = null);

/// <summary>The strict reader of both.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(BreakGlassBody))]
[JsonSerializable(typeof(ReviewBody))]
internal sealed partial class ActBodies : JsonSerializerContext;
