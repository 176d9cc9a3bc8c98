using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml;

namespace Countersign.Identity.Inbound.Saml;

/// <summary>What an assertion must be for.</summary>
/// <param name="Recipient">Where it was to be sent, exactly.</param>
/// <param name="Audiences">Who it may be for.</param>
/// <param name="IsAnswer">True when it must answer a request of ours.</param>
/// <param name="Now">The time.</param>
/// <param name="Skew">How far the provider's clock may be apart.</param>
internal readonly record struct SamlExpectation(
    string Recipient, IReadOnlyList<string> Audiences, bool IsAnswer, DateTimeOffset Now, TimeSpan Skew);

/// <summary>
/// An assertion that holds (SAML 2.0 core and profiles 4.1.4.3; RFC 7522 section 3): read from what was signed alone.
/// </summary>
/// <param name="Id">Its ID, to be used once.</param>
/// <param name="Request">The request of ours that it answers; null for one that answers none.</param>
/// <param name="ExpiresAt">When it can no longer be shown.</param>
/// <param name="SessionEndsAt">When the provider's session ends, or null.</param>
/// <param name="Claims">Its subject and attributes, as claims.</param>
internal sealed record SamlAssertion(
    string Id, string? Request, DateTimeOffset ExpiresAt, DateTimeOffset? SessionEndsAt, JsonElement Claims)
{
    private const string Bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
    private const int IdCharactersMax = 256;
    private const int ValuesMax = 1_000;

    // Longer than any provider's assertion lives, and as long as its id is remembered.
    private static readonly TimeSpan LifeMax = TimeSpan.FromHours(12);

    // What a token says by rules of its own; an attribute of that name says nothing.
    private static readonly string[] Reserved =
        ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "act", "may_act", "cnf"];

    /// <summary>Reads one; what is wrong, or empty.</summary>
    public static string Read(
        XmlElement root, string issuer, in SamlExpectation expected, out SamlAssertion? assertion)
    {
        assertion = null;
        if (!SamlXml.Is(root, "Assertion", SamlXml.Assertion) || SamlXml.Attribute(root, "Version") != "2.0")
            return "what was signed is no assertion";
        string id = SamlXml.Attribute(root, "ID") ?? "";
        if (id.Length is 0 or > IdCharactersMax) return "the assertion has no ID";
        if (!SamlXml.TryChild(root, "Issuer", SamlXml.Assertion, out XmlElement? by) || SamlXml.TextOf(by) != issuer)
            return "the assertion is of another issuer";
        if (!SamlXml.TryTime(SamlXml.Attribute(root, "IssueInstant"), out DateTimeOffset issuedAt)
            || issuedAt > expected.Now + expected.Skew) return "the assertion was issued in the future, or never";
        if (!SamlXml.TryChild(root, "Subject", SamlXml.Assertion, out XmlElement? subject) || subject is null)
            return "the assertion has no subject";
        if (!SamlXml.TryChild(subject, "NameID", SamlXml.Assertion, out XmlElement? named)
            || SamlXml.TextOf(named) is not { Length: > 0 } name) return "the assertion names nobody";
        string because = ReadConditions(root, expected, out DateTimeOffset ends);
        if (because.Length > 0) return because;
        because = ReadConfirmation(subject, expected, out string? request, out DateTimeOffset confirmedUntil);
        if (because.Length > 0) return because;
        if (confirmedUntil < ends) ends = confirmedUntil;
        if (ends > expected.Now + LifeMax) return "the assertion lives too long";
        because = ReadSession(root, expected, out DateTimeOffset? sessionEnds);
        if (because.Length > 0) return because;
        JsonObject claims = new() { ["sub"] = name, ["iat"] = issuedAt.ToUnixTimeSeconds() };
        because = ReadAttributes(root, claims);
        if (because.Length > 0) return because;
        assertion = new SamlAssertion(id, request, ends, sessionEnds, JsonSerializer.SerializeToElement(claims));
        return "";
    }

    // Core section 2.5.1: a condition that is not understood makes the assertion of no use.
    private static string ReadConditions(XmlElement root, in SamlExpectation expected, out DateTimeOffset ends)
    {
        ends = DateTimeOffset.MaxValue;
        if (!SamlXml.TryChild(root, "Conditions", SamlXml.Assertion, out XmlElement? conditions) || conditions is null)
            return "the assertion has no conditions";
        if (!IsWithin(conditions, expected, ref ends)) return "the assertion is not valid at this time";
        int restrictions = 0;
        foreach (XmlElement condition in conditions.ChildNodes.OfType<XmlElement>())
        {
            if (SamlXml.Is(condition, "OneTimeUse", SamlXml.Assertion)) continue; // every assertion is
            if (SamlXml.Is(condition, "ProxyRestriction", SamlXml.Assertion)) continue; // we issue nothing on it
            if (!SamlXml.Is(condition, "AudienceRestriction", SamlXml.Assertion))
                return "the assertion holds a condition that is not known here";
            restrictions++;
            IReadOnlyList<string> ours = expected.Audiences;
            bool isForUs = SamlXml.Children(condition, "Audience", SamlXml.Assertion)
                .Any(audience => SamlXml.TextOf(audience) is { } text && ours.Contains(text));
            if (!isForUs) return "the assertion is for another audience";
        }

        return restrictions > 0 ? "" : "the assertion is for no audience";
    }

    // Profiles section 4.1.4.2: one bearer confirmation that holds is enough.
    private static string ReadConfirmation(
        XmlElement subject, in SamlExpectation expected, out string? request, out DateTimeOffset ends)
    {
        request = null;
        ends = default;
        foreach (XmlElement confirmation in SamlXml.Children(subject, "SubjectConfirmation", SamlXml.Assertion))
        {
            if (SamlXml.Attribute(confirmation, "Method") != Bearer) continue;
            if (!SamlXml.TryChild(confirmation, "SubjectConfirmationData", SamlXml.Assertion, out XmlElement? data)
                || data is null || SamlXml.Attribute(data, "NotBefore") is not null) continue;
            if (SamlXml.Attribute(data, "Recipient") != expected.Recipient) continue;
            if (!SamlXml.TryTime(SamlXml.Attribute(data, "NotOnOrAfter"), out ends)) continue;
            if (expected.Now >= ends + expected.Skew) continue;
            request = SamlXml.Attribute(data, "InResponseTo");
            if (expected.IsAnswer && string.IsNullOrEmpty(request)) continue;
            return "";
        }

        return "no confirmation of the subject is for here and now";
    }

    private static string ReadSession(XmlElement root, in SamlExpectation expected, out DateTimeOffset? ends)
    {
        ends = null;
        XmlElement[] statements = [.. SamlXml.Children(root, "AuthnStatement", SamlXml.Assertion)];
        if (statements.Length == 0 && expected.IsAnswer) return "the assertion does not say that anybody signed in";
        foreach (XmlElement statement in statements)
        {
            if (SamlXml.Attribute(statement, "SessionNotOnOrAfter") is not { } text) continue;
            if (!SamlXml.TryTime(text, out DateTimeOffset until)) return "the session's end is no time";
            if (expected.Now >= until + expected.Skew) return "the provider's session has ended";
            if (ends is null || until < ends) ends = until;
        }

        return "";
    }

    private static string ReadAttributes(XmlElement root, JsonObject claims)
    {
        int values = 0;
        foreach (XmlElement statement in SamlXml.Children(root, "AttributeStatement", SamlXml.Assertion))
        {
            foreach (XmlElement attribute in statement.ChildNodes.OfType<XmlElement>())
            {
                if (!SamlXml.Is(attribute, "Attribute", SamlXml.Assertion))
                    return "an attribute is encrypted, or of no known form";
                string? name = SamlXml.Attribute(attribute, "Name");
                if (string.IsNullOrEmpty(name)) return "an attribute has no name";
                if (claims.ContainsKey(name) && !Reserved.Contains(name)) return "an attribute stands there twice";
                JsonArray held = [];
                foreach (XmlElement value in SamlXml.Children(attribute, "AttributeValue", SamlXml.Assertion))
                {
                    if (++values > ValuesMax) return "there are too many attributes";

                    // A value that is no text, such as a NameID in eduPersonTargetedID, says nothing to a policy.
                    if (SamlXml.TextOf(value) is { Length: > 0 } text) held.Add(text);
                }

                if (Reserved.Contains(name) || held.Count == 0) continue;
                claims[name] = held.Count == 1 ? held[0]!.DeepClone() : held;
            }
        }

        return "";
    }

    private static bool IsWithin(XmlElement element, in SamlExpectation expected, ref DateTimeOffset ends)
    {
        if (SamlXml.Attribute(element, "NotBefore") is { } from
            && (!SamlXml.TryTime(from, out DateTimeOffset begins) || expected.Now + expected.Skew < begins))
        {
            return false;
        }

        if (SamlXml.Attribute(element, "NotOnOrAfter") is not { } until) return true;
        return SamlXml.TryTime(until, out ends) && expected.Now < ends + expected.Skew;
    }
}
