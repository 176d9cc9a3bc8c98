using System.Text.Json;

namespace Countersign.ControlPlane.Tokens;

/// <summary>What the gateway says of itself as an authorization server (RFC 8414 section 2).</summary>
internal static class AuthorizationServer
{
    /// <summary>The document. Lists that are empty are said to be: absent, they would mean defaults.</summary>
    /// <param name="publicUrl">The <c>issuer</c>.</param>
    /// <param name="tokens">What it issues tokens with; null where it issues none.</param>
    public static Reply Metadata(string publicUrl, TokenDesk? tokens) => Reply.Json(200, json =>
    {
        json.WriteStartObject();
        json.WriteString("issuer", publicUrl);
        json.WriteString("jwks_uri", publicUrl + "/oauth/jwks");
        json.WriteString("introspection_endpoint", publicUrl + IntrospectionEndpoint.Path);
        WriteList(json, "introspection_endpoint_auth_methods_supported", ["client_secret_basic"]);
        WriteList(json, "response_types_supported", []);
        WriteList(json, "grant_types_supported", tokens?.Grants ?? []);
        if (tokens is not null)
        {
            json.WriteString("token_endpoint", publicUrl + "/oauth/token");
            WriteList(json, "token_endpoint_auth_methods_supported", ["none"]);
            json.WriteString("revocation_endpoint", publicUrl + "/oauth/revoke");
            WriteList(json, "revocation_endpoint_auth_methods_supported", ["none"]);
            if (tokens.TakesProofs) WriteList(json, "dpop_signing_alg_values_supported", TokenDesk.ProofAlgorithms);
        }

        json.WriteEndObject();
    });

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> items)
    {
        json.WriteStartArray(name);
        foreach (string item in items) json.WriteStringValue(item);
        json.WriteEndArray();
    }
}
