using System.Buffers;
using System.Text.Json;
using Countersign.Identity.Inbound.Dpop;

namespace Countersign.DataPlane.Calls;

/// <summary>The protected resource metadata of RFC 9728: where a caller gets a token for this gateway.</summary>
internal static class ResourceMetadata
{
    /// <summary>Where it is served.</summary>
    internal const string Path = "/.well-known/oauth-protected-resource";

    /// <summary>The document.</summary>
    /// <param name="resource">What callers reach the listener under: what their tokens may be asked for (RFC
    /// 8707).</param>
    /// <param name="authorizationServers">Whose tokens are taken.</param>
    /// <param name="takesProofs">Tokens may be bound to keys (RFC 9449).</param>
    /// <param name="takesCertificates">Tokens may be bound to client certificates (RFC 8705).</param>
    internal static byte[] Write(
        string resource, IReadOnlyList<string> authorizationServers, bool takesProofs, bool takesCertificates)
    {
        ArrayBufferWriter<byte> body = new(256);
        using Utf8JsonWriter json = new(body);
        json.WriteStartObject();
        json.WriteString("resource", resource);
        json.WriteStartArray("authorization_servers");
        foreach (string server in authorizationServers) json.WriteStringValue(server);
        json.WriteEndArray();
        json.WriteStartArray("bearer_methods_supported");
        json.WriteStringValue("header");
        json.WriteEndArray();
        if (takesCertificates) json.WriteBoolean("tls_client_certificate_bound_access_tokens", true);
        if (takesProofs)
        {
            json.WriteStartArray("dpop_signing_alg_values_supported");
            foreach (string algorithm in DpopProofs.Algorithms) json.WriteStringValue(algorithm);
            json.WriteEndArray();
        }

        json.WriteString("resource_name", "Countersign");
        json.WriteEndObject();
        json.Flush();
        return body.WrittenSpan.ToArray();
    }
}
