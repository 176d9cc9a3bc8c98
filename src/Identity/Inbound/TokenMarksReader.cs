using System.Text.Json;

namespace Countersign.Identity.Inbound;

/// <summary>Reads out of claims, already mapped, what a token can be revoked by.</summary>
internal static class TokenMarksReader
{
    public static TokenMarks Read(JsonElement claims, IssuerOptions options, TokenHash hash)
    {
        List<TokenHash> tokens = [hash];
        List<NamedSubject> subjects = [];
        List<string> ancestors = [];
        string source = options.Issuer;
        if (options.IsGateway)
        {
            // The gateway's own token names the issuer that vouched first, and the tokens that it was given for.
            source = TextOf(claims, GatewayClaims.Source) ?? source;
            ReadAncestors(claims, tokens, ancestors);
        }

        AddSubjects(claims, source, subjects);
        if (claims.TryGetProperty("act", out JsonElement actor))
        {
            for (int depth = 0; depth < ClaimMapping.ActorDepthMax; depth++)
            {
                AddSubjects(actor, source, subjects);
                if (!actor.TryGetProperty("act", out JsonElement inner)) break;
                actor = inner;
            }
        }

        // What was given for others is as old as they are.
        string date = options.IsGateway ? GatewayClaims.ProvenAt : "iat";
        bool hasDate = claims.TryGetProperty(date, out JsonElement issued);
        long issuedAtMs = hasDate && TokenRules.TryReadDate(issued, out long at) ? at : 0;
        return new TokenMarks([.. tokens], options.Issuer, TextOf(claims, "jti"), [.. subjects], issuedAtMs)
        {
            Ancestors = [.. ancestors],
        };
    }

    private static void AddSubjects(JsonElement party, string issuer, List<NamedSubject> subjects)
    {
        if (TextOf(party, "sub") is not { } subject) return;
        subjects.Add(new NamedSubject(issuer, subject));

        // An actor may say who vouches for it (RFC 8693 section 4.1); who does not is of the token's own issuer.
        if (TextOf(party, "iss") is { } own && own != issuer) subjects.Add(new NamedSubject(own, subject));
    }

    // Gateways before wrote the hashes of its two parents, whole, and nothing of what those came from.
    private static void ReadAncestors(JsonElement claims, List<TokenHash> tokens, List<string> marks)
    {
        if (!claims.TryGetProperty(GatewayClaims.Ancestors, out JsonElement ancestors)) return;
        foreach (JsonElement ancestor in ancestors.EnumerateArray())
        {
            string text = ancestor.GetString()!;
            if (TokenHash.TryParse(text, out TokenHash hash)) tokens.Add(hash);
            else marks.Add(text);
        }
    }

    private static string? TextOf(JsonElement claims, string name) =>
        claims.ValueKind == JsonValueKind.Object && claims.TryGetProperty(name, out JsonElement value)
        && ClaimText.TryRead(value, out string text) ? text : null;
}
