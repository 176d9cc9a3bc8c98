namespace Countersign.ControlPlane.Tokens;

/// <summary>The errors of RFC 6749 section 5.2, RFC 8693 section 2.2.2, RFC 8707 section 2 and RFC 9449 section 5, as
/// they are sent.</summary>
internal static class OAuthError
{
    public const string InvalidRequest = "invalid_request";
    public const string InvalidGrant = "invalid_grant";
    public const string InvalidScope = "invalid_scope";
    public const string InvalidTarget = "invalid_target";
    public const string UnsupportedGrant = "unsupported_grant_type";
    public const string InvalidProof = "invalid_dpop_proof";
    public const string UseNonce = "use_dpop_nonce";
    public const string TemporarilyUnavailable = "temporarily_unavailable";

    public static Reply Of(string error, string description, int status = 400) => Reply.Json(status, json =>
    {
        json.WriteStartObject();
        json.WriteString("error", error);
        json.WriteString("error_description", description);
        json.WriteEndObject();
    });
}
