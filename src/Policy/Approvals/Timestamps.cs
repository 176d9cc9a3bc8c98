using System.Globalization;

namespace Countersign.Policy.Approvals;

/// <summary>Times as the APIs write them.</summary>
public static class Timestamps
{
    /// <summary>RFC 3339 in UTC with milliseconds, <c>2026-01-31T09:30:00.000Z</c>.</summary>
    public static string Format(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
