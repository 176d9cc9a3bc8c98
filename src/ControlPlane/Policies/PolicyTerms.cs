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

    /// <summary>Only where nothing is in force: <c>If-None-Match: *</c>.</summary>
    public bool MustBeFirst { get; init; }

    /// <summary>Whatever is in force, said in so many words: <c>expect=any</c>.</summary>
    public bool TakesAny { get; init; }

    /// <summary>True where they say what the change follows. Where they do not, it follows what was in force when it
    /// was asked for, and only if that was the author's own (decision 0085).</summary>
    public bool IsStated => Current is not null || Tags is not null || MustBeFirst || TakesAny;

    /// <summary>Reads <c>If-Match</c>, <c>If-None-Match</c>, <c>Countersign-Reason</c>, and <c>expect</c> and
    /// <c>resume</c> of the query.</summary>
    public static PolicyTerms? Read(HttpContext context, out string why)
    {
        why = "expect must be a version's number, 0 for none, or any.";
        long expected = -1;
        bool takesAny = RequestReading.TryQuery(context, "expect", out string? expect) && expect == "any";
        if (!takesAny && !RequestReading.TryNumber(context, "expect", 0, long.MaxValue, -1, out expected)) return null;
        why = "resume must be true or false.";
        if (!RequestReading.TryQuery(context, "resume", out string? resume)) return null;
        if (resume is not (null or "true" or "false")) return null;
        why = "If-Match must be the ETag of the list of policies, or *.";
        bool isSent = context.Request.Headers.IfMatch.Count > 0;
        IList<EntityTagHeaderValue> tags = context.Request.GetTypedHeaders().IfMatch;
        if (isSent && tags.Count == 0) return null;
        why = "If-None-Match must be *: only where no policy is in force.";
        bool isFirst = context.Request.Headers.IfNoneMatch.Count > 0;
        if (isFirst && context.Request.Headers.IfNoneMatch.ToString() != "*") return null;
        why = "Countersign-Reason may be sent once, and hold at most 500 characters.";
        StringValues reasons = context.Request.Headers["Countersign-Reason"];
        string reason = reasons.ToString();
        if (reasons.Count > 1 || reason.Length > ControlPlaneLimits.ReasonCharactersMax) return null;
        why = "";
        return new PolicyTerms(expected < 0 ? null : expected, isSent ? [.. tags] : null, resume == "true")
        {
            Reason = reason,
            MustBeFirst = isFirst,
            TakesAny = takesAny,
        };
    }

    /// <summary>True if the policy stands as it must. Tags are compared strongly (RFC 9110 section 13.1.1).</summary>
    public bool Hold(PolicyMark mark)
    {
        if (Current is { } version && version != mark.Current) return false;
        if (MustBeFirst && mark.Current > 0) return false;
        if (Tags is null) return true;
        EntityTagHeaderValue present = new(PolicyReplies.TagOf(mark));
        return Tags.Any(tag => tag.Equals(EntityTagHeaderValue.Any)
            ? mark.Current > 0
            : tag.Compare(present, useStrongComparison: true));
    }
}
