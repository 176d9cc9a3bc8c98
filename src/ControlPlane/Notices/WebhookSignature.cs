using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Countersign.ControlPlane.Notices;

/// <summary>The symmetric signature of the Standard Webhooks specification, 1.0.0.</summary>
internal static class WebhookSignature
{
    /// <summary><c>v1,</c> and HMAC-SHA-256 in base64 over id, time and body, with full stops between.</summary>
    public static string Sign(ReadOnlySpan<byte> secret, string id, long unixSeconds, string body)
    {
        string signed = string.Create(CultureInfo.InvariantCulture, $"{id}.{unixSeconds}.{body}");
        return "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(signed)));
    }
}
