using System.Text;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Requests as bytes, with a token.</summary>
internal static class Requests
{
    /// <summary>A whole head.</summary>
    internal static string Head(
        MemoryGateway gateway, string method, string target, string fields = "", string subject = "ann",
            string[]? groups = null)
    {
        string token = gateway.Issuer.Token(subject, groups ?? ["support"]);
        return $"{method} {target} HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {token}\r\n{fields}\r\n";
    }

    /// <summary>A GET.</summary>
    internal static string Get(
        MemoryGateway gateway, string target, string fields = "", string subject = "ann", string[]? groups = null) =>
        Head(gateway, "GET", target, fields, subject, groups);

    /// <summary>A POST with a JSON content type.</summary>
    internal static string Post(
        MemoryGateway gateway, string target, string body, string fields = "", string subject = "ann",
            string[]? groups = null)
    {
        string framing = $"Content-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n";
        return Head(gateway, "POST", target, framing + fields, subject, groups) + body;
    }
}
