using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Countersign.ControlPlane;

/// <summary>What a writer says they looked at: <c>If-Match</c> (RFC 9110 section 13.1.1).</summary>
internal sealed class Precondition
{
    private readonly IReadOnlyList<EntityTagHeaderValue>? _tags;

    private Precondition(IReadOnlyList<EntityTagHeaderValue>? tags) => _tags = tags;

    /// <summary>Holds always.</summary>
    public static Precondition None { get; } = new(null);

    /// <summary>True where something was said, so that the tag must be known.</summary>
    public bool IsSent => _tags is not null;

    /// <summary>Reads the field; null where it was sent and holds no tag.</summary>
    public static Precondition? Read(HttpContext context)
    {
        if (context.Request.Headers.IfMatch.Count == 0) return None;
        IList<EntityTagHeaderValue> tags = context.Request.GetTypedHeaders().IfMatch;
        return tags.Count == 0 ? null : new([.. tags]);
    }

    /// <summary>True if what is there, with this tag, is what they looked at: strongly compared.</summary>
    public bool Holds(string tag)
    {
        if (_tags is null) return true;
        EntityTagHeaderValue present = new(tag);
        return _tags.Any(
            one => one.Equals(EntityTagHeaderValue.Any) || one.Compare(present, useStrongComparison: true));
    }
}
