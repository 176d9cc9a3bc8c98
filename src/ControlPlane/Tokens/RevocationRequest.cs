using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Identity.Inbound;
using Countersign.Policy.Approvals;
using Countersign.Policy.Revocations;

namespace Countersign.ControlPlane.Tokens;

/// <summary>What <c>POST /api/v1/revocations</c> is sent: a token, a token's hash, an id, or a subject.</summary>
internal sealed record RevocationRequest(
    string? Token, [property: JsonPropertyName("token_sha256")] string? TokenSha256, string? Issuer, string? Id,
    string? Subject, string? Reason, string? Until)
{
    private const int HashCharacters = 64;

    /// <summary>Reads and checks one; null, and what is wrong, for anything else.</summary>
    public static RevocationRequest? Read(ReadOnlySpan<byte> json, DateTimeOffset now, out string fault)
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

        fault = read is null ? "The body must be JSON as the API describes it." : read.Check(now);
        return fault.Length == 0 ? read : null;
    }

    /// <summary>The revocation.</summary>
    /// <param name="now">The time.</param>
    /// <param name="by">Who revokes.</param>
    /// <param name="forgottenAt">When the token that was sent is no longer any use to anybody; null where nobody
    /// knows. It is not forgotten earlier.</param>
    public Revocation ToRevocation(DateTimeOffset now, string by, DateTimeOffset? forgottenAt)
    {
        DateTimeOffset until = Timestamps.TryParse(Until, out DateTimeOffset said) ? said
            : forgottenAt is { } dead ? Later(dead, now + ControlPlaneLimits.RevocationRememberedMin)
            : now + ControlPlaneLimits.RevocationRemembered;
        if (forgottenAt is { } end) until = Later(until, end);
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

    private string Check(DateTimeOffset now)
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
        if (Until is not null && !Timestamps.TryParse(Until, out _))
            return "until is not a time such as 2026-03-01T12:00:00Z.";
        if (Until is not null && Timestamps.TryParse(Until, out DateTimeOffset until) && until <= now)
            return "until has passed: it would be forgotten before anybody heard of it.";
        return Reason is { Length: > ControlPlaneLimits.ReasonCharactersMax } ? "The reason is too long." : "";
    }

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static int Count(string? text) => text is null ? 0 : 1;
}

/// <summary>The strict reader of it.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, AllowDuplicateProperties = false,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(RevocationRequest))]
internal sealed partial class RevocationRequestJson : JsonSerializerContext;
