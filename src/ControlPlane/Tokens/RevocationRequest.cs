using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Identity.Inbound;
using Countersign.Policy.Revocations;

namespace Countersign.ControlPlane.Tokens;

/// <summary>What <c>POST /api/v1/revocations</c> is sent: a token, a token's hash, an id, or a subject.</summary>
internal sealed record RevocationRequest(
    string? Token, [property: JsonPropertyName("token_sha256")] string? TokenSha256, string? Issuer, string? Id,
    string? Subject, string? Reason, DateTimeOffset? Until)
{
    private const int HashCharacters = 64;

    /// <summary>Reads and checks one; null, and what is wrong, for anything else.</summary>
    public static RevocationRequest? Read(ReadOnlySpan<byte> json, out string fault)
    {
        RevocationRequest? read;
        try
        {
            read = JsonSerializer.Deserialize(json, RevocationRequestJson.Default.RevocationRequest);
        }
        catch (JsonException)
        {
            read = null;
        }

        fault = read is null ? "The body must be JSON as the API describes it." : read.Check();
        return fault.Length == 0 ? read : null;
    }

    public Revocation ToRevocation(DateTimeOffset now, string by)
    {
        DateTimeOffset until = Until ?? now + ControlPlaneLimits.RevocationRemembered;
        DateTimeOffset latest = now + ControlPlaneLimits.RevocationRememberedMax;
        if (until > latest) until = latest;
        string reason = Reason ?? "";
        if (Token is not null || TokenSha256 is not null)
        {
            string hash = TokenSha256?.ToLowerInvariant() ?? GatewayTokens.HashOf(Encoding.UTF8.GetBytes(Token!));
            return new(RevocationKind.Token, "", hash, now, until, by, reason);
        }

        return Id is not null
            ? new(RevocationKind.Id, Issuer!, Id, now, until, by, reason)
            : new(RevocationKind.Subject, Issuer!, Subject!, now, until, by, reason);
    }

    private string Check()
    {
        int named = Count(Token) + Count(TokenSha256) + Count(Id) + Count(Subject);
        if (named != 1) return "Name one of token, token_sha256, id and subject.";
        if ((Id is not null || Subject is not null) != (Issuer is not null))
            return "An id or a subject needs its issuer, and a token needs none.";
        if (TokenSha256 is not null && (TokenSha256.Length != HashCharacters || !TokenSha256.All(char.IsAsciiHexDigit)))
            return "token_sha256 is 64 hex digits.";
        foreach (string? text in (string?[])[Issuer, Id, Subject])
        {
            if (text is not null && (text.Length is 0 or > Revocation.NameCharactersMax || text.Any(char.IsControl)))
                return "A name is too long, empty or not plain text.";
        }

        if (Token is { Length: 0 }) return "The token is empty.";
        return Reason is { Length: > ControlPlaneLimits.ReasonCharactersMax } ? "The reason is too long." : "";
    }

    private static int Count(string? text) => text is null ? 0 : 1;
}

/// <summary>The strict reader of it.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, AllowDuplicateProperties = false,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(RevocationRequest))]
internal sealed partial class RevocationRequestJson : JsonSerializerContext;
