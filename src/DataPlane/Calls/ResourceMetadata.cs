using System.Buffers;
using System.Text.Json;

namespace Countersign.DataPlane.Calls;

/// <summary>The protected resource metadata of RFC 9728: where a caller gets a token for this gateway.</summary>
internal static class ResourceMetadata
{
    /// <summary>Where it is served.</summary>
    internal const string Path = "/.well-known/oauth-protected-resource";

    /// <summary>The document.</summary>
    internal static byte[] Write(string resource, IReadOnlyList<string> authorizationServers)
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
        json.WriteString("resource_name", "Countersign");
        json.WriteEndObject();
        json.Flush();
        return body.WrittenSpan.ToArray();
    }
}
