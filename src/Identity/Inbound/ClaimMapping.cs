using System.Text.Json;
using Countersign.Policy;

namespace Countersign.Identity.Inbound;

/// <summary>
/// Claims to caller (DESIGN section 5): pure, and in doubt a person is in the human chain, since a person too many only
/// refuses an approval while a person too few would let someone approve their own call. The chain holds people, not
/// accounts, from here on: all that compares people compares what is made of them here (docs/decisions/0041).
/// </summary>
internal static class ClaimMapping
{
    /// <summary>The deepest nesting of <c>act</c> (RFC 8693 section 4.1).</summary>
    public const int ActorDepthMax = 16;

    /// <summary>Maps verified claims; <see cref="TokenFault.None"/> when <paramref name="caller"/> is set.</summary>
    /// <param name="claims">The payload.</param>
    /// <param name="options">How its issuer names them.</param>
    /// <param name="caller">Who it is.</param>
    /// <param name="all">Null stops at the first fault; else every fault is added, and it goes on.</param>
    /// <returns>The first fault.</returns>
    public static TokenFault TryMap(
        JsonElement claims, IssuerOptions options, out Caller? caller, List<TokenFault>? all = null)
    {
        caller = null;
        FaultNotes notes = new(all);
        if (options.IsGateway)
        {
            notes.Stop(GatewayClaims.TryMap(claims, out caller));
            return notes.First;
        }

        string subject = "", tenant = "";
        bool isNamed = claims.TryGetProperty("sub", out JsonElement sub) && ClaimText.TryReadName(sub, out subject);
        if (notes.Stop(!isNamed, TokenFault.SubjectWrong)) return notes.First;
        if (notes.Stop(!RequiredClaims.Hold(claims, options), TokenFault.ClaimRequired)) return notes.First;
        bool isDelegated = claims.TryGetProperty("act", out JsonElement actor);
        bool hasKind = TryReadKind(claims, options, isDelegated, out CallerKind kind);
        if (notes.Stop(!hasKind, TokenFault.KindWrong)) return notes.First;

        List<string> groups = [];
        bool hasGroups = options.Groups.All(source => GroupSource.TryRead(claims, source, groups));
        if (notes.Stop(!hasGroups, TokenFault.GroupsWrong)) return notes.First;
        bool isTenantWrong = options.TenantClaim is not null
            && ClaimPath.TryFind(claims, options.TenantClaim, out JsonElement owner)
            && !ClaimText.TryReadName(owner, out tenant);
        if (notes.Stop(isTenantWrong, TokenFault.TenantWrong)) return notes.First;

        List<string> people = [];
        bool isForPerson = isDelegated || kind is CallerKind.Human or CallerKind.Unstated;
        bool hasPerson = TryAddAccount(claims, subject, isForPerson, options, people);
        if (notes.Stop(!hasPerson, TokenFault.PersonWrong)) return notes.First;
        if (isDelegated && notes.Stop(AddActors(actor, options, kind, people))) return notes.First;
        if (notes.Stop(!TryAddResponsible(claims, options, people), TokenFault.ResponsibleWrong)) return notes.First;
        bool isBound = Confirmation.TryRead(claims, out Confirmation bound);
        if (notes.Stop(!isBound, TokenFault.SenderConstrained) || notes.First != TokenFault.None) return notes.First;
        caller = new Caller(
            options.Issuer, subject, kind, Distinct(groups, StringComparer.Ordinal),
            Distinct(people, StringComparer.OrdinalIgnoreCase), tenant)
        {
            IsDelegated = isDelegated,
            Actor = isDelegated ? ActorOf(actor, options.Issuer) : "",
            IssuedAt = claims.TryGetProperty("iat", out JsonElement issued) && issued.TryGetDouble(out double seconds)
                ? (long)seconds
                : 0,
            BoundCertificate = bound.Certificate,
            BoundKey = bound.Key,
        };
        return TokenFault.None;
    }

    private static bool TryReadKind(JsonElement claims, IssuerOptions options, bool isDelegated, out CallerKind kind)
    {
        kind = isDelegated ? CallerKind.Agent : options.DefaultKind;
        return !ClaimPath.TryFind(claims, options.KindClaim, out JsonElement stated)
            || TryParseKind(stated, options, out kind);
    }

    private static bool TryParseKind(JsonElement stated, IssuerOptions options, out CallerKind kind)
    {
        kind = CallerKind.Unstated;
        return ClaimText.TryRead(stated, out string text)
            && (options.KindWords.TryGetValue(text, out kind) || CallerKinds.TryParse(text, out kind));
    }

    // The outermost actor is the current caller, whose kind is the token's own; those inside it acted before.
    private static TokenFault AddActors(
        JsonElement outermost, IssuerOptions options, CallerKind kind, List<string> people)
    {
        JsonElement actor = outermost;
        for (int depth = 1; depth <= ActorDepthMax; depth++)
        {
            if (actor.ValueKind != JsonValueKind.Object) return TokenFault.ActorWrong;
            if (!actor.TryGetProperty("sub", out JsonElement sub) || !ClaimText.TryReadName(sub, out string name))
                return TokenFault.ActorWrong;

            CallerKind own = CallerKind.Unstated;
            if (ClaimPath.TryFind(actor, options.KindClaim, out JsonElement stated))
                TryParseKind(stated, options, out own);
            bool isPerson = own == CallerKind.Human
                || (depth == 1 ? kind == CallerKind.Human : own == CallerKind.Unstated);
            if (!TryAddAccount(actor, name, isPerson, options, people)) return TokenFault.PersonWrong;
            if (!TryAddResponsible(actor, options, people)) return TokenFault.ResponsibleWrong;
            if (!actor.TryGetProperty("act", out JsonElement inner)) return TokenFault.None;
            actor = inner;
        }

        return TokenFault.ActorWrong;
    }

    /// <summary>As <see cref="Caller.Actor"/>, of an <c>act</c> whose <c>iss</c>, if it has none, is
    /// <paramref name="issuer"/>.</summary>
    internal static string ActorOf(JsonElement actor, string issuer)
    {
        if (actor.ValueKind != JsonValueKind.Object) return issuer;
        bool hasIssuer = actor.TryGetProperty("iss", out JsonElement stated);
        if (hasIssuer && ClaimText.TryRead(stated, out string own)) issuer = own;
        bool isNamed = actor.TryGetProperty("sub", out JsonElement sub) && ClaimText.TryReadName(sub, out _);
        return isNamed ? issuer + "\n" + sub.GetString() : issuer;
    }

    // A listed account is its person's, whatever kind it is. Where a claim names one person and the list another, both
    // answer for the call.
    private static bool TryAddAccount(
        JsonElement claims, string subject, bool isPerson, IssuerOptions options, List<string> people)
    {
        string? listed = options.Aliases.PersonOf(options.Issuer, subject);
        if (listed is not null) people.Add(listed);
        if (!isPerson) return true;
        if (options.PersonClaim is null)
        {
            if (listed is null) people.Add(subject);
            return true;
        }

        if (!ClaimPath.TryFind(claims, options.PersonClaim, out JsonElement named)
            || !ClaimText.TryReadName(named, out string person)) return false;
        people.Add(options.Aliases.PersonOf(options.Issuer, person) ?? person);
        return true;
    }

    private static bool TryAddResponsible(JsonElement claims, IssuerOptions options, List<string> people)
    {
        int before = people.Count;
        foreach (string name in options.ResponsibleClaims)
        {
            if (ClaimPath.TryFind(claims, name, out JsonElement named) && !ClaimText.TryReadList(named, people))
                return false;
        }

        for (int index = before; index < people.Count; index++)
            people[index] = options.Aliases.PersonOf(options.Issuer, people[index]) ?? people[index];
        return true;
    }

    private static string[] Distinct(List<string> names, StringComparer comparer) => [.. names.Distinct(comparer)];
}
