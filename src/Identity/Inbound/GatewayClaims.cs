using System.Text.Json;
using Countersign.Policy;

namespace Countersign.Identity.Inbound;

/// <summary>
/// The claims of the gateway's own tokens (docs/decisions/0064): the caller as it was mapped when the token was given,
/// so that no mapping is applied twice. Only what <see cref="GatewayTokens"/> writes is read here, and it is read
/// strictly, though it was signed by ourselves.
/// </summary>
internal static class GatewayClaims
{
    /// <summary>The issuer that vouched first.</summary>
    internal const string Source = "idp";

    /// <summary>The human chain.</summary>
    internal const string Chain = "chain";

    /// <summary>Marks of the tokens that it was given for, and of all that those were given for.</summary>
    internal const string Ancestors = "src";

    /// <summary>When the oldest of those was issued.</summary>
    internal const string ProvenAt = "src_iat";

    /// <summary>Maps verified claims.</summary>
    internal static TokenFault TryMap(JsonElement claims, out Caller? caller)
    {
        caller = null;
        if (!TryName(claims, "sub", out string subject)) return TokenFault.SubjectWrong;
        if (!TryName(claims, Source, out string issuer)) return TokenFault.IssuerWrong;
        CallerKind kind = CallerKind.Unstated;
        if (claims.TryGetProperty("kind", out JsonElement stated) && !CallerKinds.TryRead(stated, out kind))
            return TokenFault.KindWrong;
        List<string> groups = [], chain = [];
        if (!TryList(claims, "groups", groups)) return TokenFault.GroupsWrong;
        if (!TryList(claims, Chain, chain)) return TokenFault.PersonWrong;
        string tenant = "";
        if (claims.TryGetProperty("tenant", out _) && !TryName(claims, "tenant", out tenant))
            return TokenFault.TenantWrong;
        List<string> ancestors = [];
        if (!TryList(claims, Ancestors, ancestors) || !ancestors.TrueForAll(IsMark)) return TokenFault.SubjectWrong;
        if (!Confirmation.TryRead(claims, out Confirmation bound)) return TokenFault.SenderConstrained;
        bool isDelegated = claims.TryGetProperty("act", out JsonElement actor);
        caller = new Caller(issuer, subject, kind, groups, chain, tenant)
        {
            IsDelegated = isDelegated,
            Actor = isDelegated ? ClaimMapping.ActorOf(actor, issuer) : "",
            IssuedAt = claims.TryGetProperty("iat", out JsonElement issued) && issued.TryGetInt64(out long seconds)
                ? seconds
                : 0,
            BoundCertificate = bound.Certificate,
            BoundKey = bound.Key,
        };
        return TokenFault.None;
    }

    private static bool IsMark(string text) => ProofMark.Is(text) || TokenHash.TryParse(text, out _);

    private static bool TryName(JsonElement claims, string member, out string name)
    {
        name = "";
        return claims.TryGetProperty(member, out JsonElement element) && ClaimText.TryReadName(element, out name);
    }

    private static bool TryList(JsonElement claims, string member, List<string> names) =>
        claims.TryGetProperty(member, out JsonElement list) && list.ValueKind == JsonValueKind.Array
        && ClaimText.TryReadList(list, names);
}

/// <summary>Kinds as claims name them.</summary>
internal static class CallerKinds
{
    public static bool TryRead(JsonElement stated, out CallerKind kind)
    {
        kind = CallerKind.Unstated;
        return ClaimText.TryRead(stated, out string text) && TryParse(text, out kind);
    }

    public static bool TryParse(string text, out CallerKind kind)
    {
        kind = text switch
        {
            "human" => CallerKind.Human,
            "agent" => CallerKind.Agent,
            "ci" => CallerKind.Ci,
            "service" => CallerKind.Service,
            _ => CallerKind.Unstated,
        };
        return kind != CallerKind.Unstated;
    }

    /// <summary>Null for a kind that nobody stated.</summary>
    public static string? NameOf(CallerKind kind) => kind switch
    {
        CallerKind.Human => "human",
        CallerKind.Agent => "agent",
        CallerKind.Ci => "ci",
        CallerKind.Service => "service",
        _ => null,
    };
}
