using System.Globalization;

namespace Countersign.Policy.Approvals;

/// <summary>Times as the APIs write them.</summary>
public static class Timestamps
{
    private static readonly string[] Forms =
        ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd"];

    /// <summary>Reads RFC 3339, also without seconds, or a date alone, which is its first moment. What names no offset
    /// is UTC.</summary>
    public static bool TryParse(string? text, out DateTimeOffset at) => DateTimeOffset.TryParseExact(
        text, Forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out at);

    /// <summary>RFC 3339 in UTC with milliseconds, <c>2026-01-31T09:30:00.000Z</c>.</summary>
    public static string Format(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
