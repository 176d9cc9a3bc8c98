using Countersign.Policy.Redis;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Countersign.ControlPlane.Policies;

/// <summary>On what terms somebody changes the policy.</summary>
/// <param name="Current">The version that must be in force; null for any.</param>
/// <param name="Tags">The tags of which the policy must have one; null for any.</param>
/// <param name="Resumes">Goes on from a store that lost changes, knowing it.</param>
internal sealed record PolicyTerms(long? Current, IReadOnlyList<EntityTagHeaderValue>? Tags, bool Resumes)
{
    /// <summary>Why, for who approves it: <c>Countersign-Reason</c>.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Reads <c>If-Match</c>, <c>Countersign-Reason</c>, and <c>expect</c> and <c>resume</c> of the
    /// query.</summary>
    public static PolicyTerms? Read(HttpContext context, out string why)
    {
        why = "expect must be a version's number, or 0 for none.";
        if (!RequestReading.TryNumber(context, "expect", 0, long.MaxValue, -1, out long expected)) return null;
        why = "resume must be true or false.";
        if (!RequestReading.TryQuery(context, "resume", out string? resume)) return null;
        if (resume is not (null or "true" or "false")) return null;
        why = "If-Match must be the ETag of the list of policies, or *.";
        bool isSent = context.Request.Headers.IfMatch.Count > 0;
        IList<EntityTagHeaderValue> tags = context.Request.GetTypedHeaders().IfMatch;
        if (isSent && tags.Count == 0) return null;
        why = "Countersign-Reason may be sent once, and hold at most 500 characters.";
        StringValues reasons = context.Request.Headers["Countersign-Reason"];
        string reason = reasons.ToString();
        if (reasons.Count > 1 || reason.Length > ControlPlaneLimits.ReasonCharactersMax) return null;
        why = "";
        return new PolicyTerms(expected < 0 ? null : expected, isSent ? [.. tags] : null, resume == "true")
        {
            Reason = reason,
        };
    }

    /// <summary>True if the policy stands as it must. Tags are compared strongly (RFC 9110 section 13.1.1).</summary>
    public bool Hold(PolicyMark mark)
    {
        if (Current is { } version && version != mark.Current) return false;
        if (Tags is null) return true;
        EntityTagHeaderValue present = new(PolicyReplies.TagOf(mark));
        return Tags.Any(tag => tag.Equals(EntityTagHeaderValue.Any)
            ? mark.Current > 0
            : tag.Compare(present, useStrongComparison: true));
    }
}
