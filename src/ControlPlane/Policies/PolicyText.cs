using System.Text;
using Microsoft.Net.Http.Headers;

namespace Countersign.ControlPlane.Policies;

/// <summary>A policy document as it is sent: YAML, or JSON, which is YAML.</summary>
internal static class PolicyText
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>True for the media types that a policy may be sent as, in UTF-8: JSON, and YAML by any of its names
    /// (RFC 9512 section 2.1).</summary>
    public static bool IsPolicyType(string? contentType)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? type)) return false;
        bool isUtf8 = !type.Charset.HasValue
            || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase);
        string? essence = type.MediaType.Value?.ToLowerInvariant();
        return isUtf8 && essence is ("application/json" or "application/yaml" or "text/yaml"
            or "application/x-yaml" or "text/x-yaml");
    }

    /// <summary>The text, without a byte order mark; null when it is not UTF-8.</summary>
    public static string? Decode(byte[] body)
    {
        try
        {
            string text = Strict.GetString(body);
            return text.StartsWith('\uFEFF') ? text[1..] : text;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
