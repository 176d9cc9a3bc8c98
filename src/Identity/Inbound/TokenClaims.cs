using System.Text.Json;
using Countersign.Policy;

namespace Countersign.Identity.Inbound;

/// <summary>
/// Claims as a caller, for those who ask what a policy would say: the mapping of real tokens, with nothing verified.
/// </summary>
public static class TokenClaims
{
    /// <summary>The caller that a token with these claims would be; null, and why, if it would be refused.</summary>
    public static Caller? ToCaller(JsonElement claims, IssuerOptions options, out string fault)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (claims.ValueKind != JsonValueKind.Object)
        {
            fault = "claims are a JSON object";
            return null;
        }

        TokenFault found = ClaimMapping.TryMap(claims, options, out Caller? caller);
        fault = Explain(found, options);
        return caller;
    }

    /// <summary>What is wrong with claims, by the names that the issuer's settings give them.</summary>
    internal static string Explain(TokenFault fault, IssuerOptions options) => fault switch
    {
        TokenFault.None => "",
        TokenFault.SubjectWrong => "'sub' is missing or no name",
        TokenFault.KindWrong => $"'{options.KindClaim}' is none of human, agent, ci and service",
        TokenFault.GroupsWrong => $"one of {string.Join(", ", options.Groups)} is no list of texts",
        TokenFault.ClaimRequired => $"one of {string.Join(", ", options.Requires.Keys)} is not what it must be",
        TokenFault.TenantWrong => $"'{options.TenantClaim}' is no name",
        TokenFault.ActorWrong => "'act' is no actor, or nested too deep",
        TokenFault.ResponsibleWrong => $"one of {string.Join(", ", options.ResponsibleClaims)} is no list of names",
        TokenFault.PersonWrong => $"'{options.PersonClaim}' names nobody, though 'sub' is a person",
        _ => TokenFaults.Explain(fault).Because,
    };
}
