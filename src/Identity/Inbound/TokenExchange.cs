using System.Text.Json;
using Countersign.Policy;

namespace Countersign.Identity.Inbound;

/// <summary>One of the two tokens of an exchange, proven.</summary>
/// <param name="Token">Its bytes.</param>
/// <param name="Caller">Whom it proves.</param>
/// <param name="ExpiresAt">When it expires.</param>
public sealed record ExchangedToken(ReadOnlyMemory<byte> Token, Caller Caller, DateTimeOffset ExpiresAt);

/// <summary>What an exchange comes to, or why it does not.</summary>
/// <param name="Terms">What the new token says; null refuses.</param>
/// <param name="Because">A constant sentence, safe to show; empty with terms.</param>
public readonly record struct ExchangeOutcome(GatewayTokenTerms? Terms, string Because);

/// <summary>
/// A person's token and an agent's become one token with which the agent acts for the person, in the open (RFC 8693
/// section 1.1, delegation; docs/decisions/0064). Pure.
/// </summary>
public static class TokenExchange
{
    /// <summary>The most marks of ancestors that a token holds: five for each exchange, as often as it may be handed
    /// on, and some to spare. 3 KiB of a token that may have 16.</summary>
    internal const int AncestorsMax = 96;

    /// <summary>Joins them.</summary>
    /// <param name="subject">The person's; may be one that others act with already.</param>
    /// <param name="actor">The agent's own.</param>
    /// <param name="scope">The person's groups by spaces, all of them, or null: see <see cref="IsWhole"/>.</param>
    /// <param name="expiresAt">When the new token is dead at the latest.</param>
    public static ExchangeOutcome Join(
        ExchangedToken subject, ExchangedToken actor, string? scope, DateTimeOffset expiresAt)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(actor);
        Caller person = subject.Caller, agent = actor.Caller;
        bool isPerson = person.Kind == CallerKind.Human || person.IsDelegated;
        if (!isPerson) return No("the subject_token is not a person's");
        if (!person.BoundKey.IsEmpty || !person.BoundCertificate.IsEmpty)
            return No("the subject_token is bound to its holder, and cannot be handed on");
        if (agent.Kind is not (CallerKind.Agent or CallerKind.Ci or CallerKind.Service) || agent.IsDelegated)
            return No("the actor_token is not an agent's own");
        List<GatewayActor> actors = [new GatewayActor(agent.Issuer, agent.Subject, agent.Kind)];
        if (!TryReadClaims(subject, person, actors, out string because)) return No(because);
        if (!MayAct(subject, agent, out JsonElement? may, out because)) return No(because);
        string[] ancestors = [.. person.ProofMarks.Concat(agent.ProofMarks).Distinct(StringComparer.Ordinal)];
        if (actors.Count >= ClaimMapping.ActorDepthMax || ancestors.Length > AncestorsMax)
            return No("the subject_token was handed on too often");
        if (scope is not null && !IsWhole(scope, person)) return No(ScopeBecause);
        if (person.Tenant.Length > 0 && agent.Tenant.Length > 0 && person.Tenant != agent.Tenant)
            return No("the two tokens are of different tenants");
        DateTimeOffset ends = Earlier(expiresAt, Earlier(subject.ExpiresAt, actor.ExpiresAt));
        Caller joined = new(
            person.Issuer, person.Subject, agent.Kind,
            [.. person.Groups.Concat(agent.Groups).Distinct(StringComparer.Ordinal)],
            [.. person.Chain.Concat(agent.Chain).Distinct(StringComparer.OrdinalIgnoreCase)],
            person.Tenant.Length > 0 ? person.Tenant : agent.Tenant)
        {
            IsDelegated = true,
            BoundCertificate = agent.BoundCertificate,
            BoundKey = agent.BoundKey,
        };
        return new(
            new GatewayTokenTerms(joined, ends)
            {
                Actors = actors,
                MayAct = may,
                ProvenAt = Math.Min(person.ProvenAt, agent.ProvenAt),
                Ancestors = ancestors,
            },
            "");
    }

    /// <summary>Why a scope is refused.</summary>
    public const string ScopeBecause =
        "a scope must name every group of the subject: what denies by one of them counts";

    /// <summary>
    /// True if <paramref name="scope"/> names the groups of <paramref name="caller"/>, all and no others. A token with
    /// fewer would get around the rules and separations that speak against those left out.
    /// </summary>
    public static bool IsWhole(string scope, Caller caller)
    {
        ArgumentNullException.ThrowIfNull(scope);
        ArgumentNullException.ThrowIfNull(caller);
        string[] named = scope.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new HashSet<string>(named, StringComparer.Ordinal).SetEquals(caller.Groups);
    }

    // The actors of the subject's own token go on below the new one.
    private static bool TryReadClaims(
        ExchangedToken subject, Caller person, List<GatewayActor> actors, out string because)
    {
        because = "";
        if (!person.IsDelegated) return true;
        using CompactToken? claims = ClaimsOf(subject.Token);
        because = "the subject_token does not say who acts with it";
        if (claims is null || !claims.Claims.TryGetProperty("act", out JsonElement actor)) return false;
        for (int depth = 0; depth < ClaimMapping.ActorDepthMax; depth++)
        {
            if (!ClaimText.TryReadName(actor.GetProperty("sub"), out string name)) return false;
            string issuer = actor.TryGetProperty("iss", out JsonElement iss) && ClaimText.TryRead(iss, out string text)
                ? text
                : person.Issuer;
            CallerKind kind = CallerKind.Unstated;
            if (actor.TryGetProperty("kind", out JsonElement stated)) CallerKinds.TryRead(stated, out kind);
            actors.Add(new GatewayActor(issuer, name, kind));
            if (!actor.TryGetProperty("act", out JsonElement inner)) return true;
            actor = inner;
        }

        return false;
    }

    // RFC 8693 section 4.4: a token may say who alone may act for its subject.
    private static bool MayAct(ExchangedToken subject, Caller agent, out JsonElement? stated, out string because)
    {
        because = "";
        stated = null;
        using CompactToken? claims = ClaimsOf(subject.Token);
        if (claims is null || !claims.Claims.TryGetProperty("may_act", out JsonElement may)) return true;
        stated = may.Clone();   // goes on with the new token
        because = "the subject_token names another who may act with it";
        if (may.ValueKind != JsonValueKind.Object || !may.TryGetProperty("sub", out JsonElement sub)
            || !ClaimText.TryReadName(sub, out string named) || named != agent.Subject) return false;
        return !may.TryGetProperty("iss", out JsonElement iss)
            || (ClaimText.TryRead(iss, out string issuer) && issuer == agent.Issuer);
    }

    private static CompactToken? ClaimsOf(ReadOnlyMemory<byte> token) =>
        CompactToken.TryRead(token.Span, token.Length, out CompactToken? read) == TokenFault.None ? read : null;

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    private static ExchangeOutcome No(string because) => new(null, because);
}
