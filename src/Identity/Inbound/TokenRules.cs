using System.Text.Json;

namespace Countersign.Identity.Inbound;

/// <summary>The rules of RFC 8725 that can be judged before the signature: pure, each refusal a named fault.</summary>
internal static class TokenRules
{
    private const int KeyIdCharsMax = 256;

    // 9999-12-31T23:59:59Z; beyond it a date is no date.
    private const double UnixSecondsMax = 253_402_300_799;

    // A key, or a place to get one, that the token brings itself (RFC 8725 sections 3.10 and 2.9), and extensions that
    // must be understood, of which we understand none (RFC 7515 section 4.1.11).
    private static readonly string[] ForbiddenHeaders = ["jwk", "jku", "x5u", "x5c", "crit"];

    /// <summary>Checks type, algorithm and key id; gives back what the key search needs.</summary>
    public static TokenFault CheckHeader(
        JsonElement header, IssuerOptions options, out string algorithm, out string? keyId)
    {
        algorithm = "";
        keyId = null;
        foreach (string name in ForbiddenHeaders)
        {
            if (header.TryGetProperty(name, out _)) return TokenFault.HeaderForbidden;
        }

        bool hasType = header.TryGetProperty("typ", out JsonElement type);
        if (hasType ? !IsTypeAllowed(type, options) : options.IsGateway) return TokenFault.TypeWrong;
        if (!header.TryGetProperty("alg", out JsonElement alg) || !ClaimText.TryRead(alg, out algorithm)
            || !options.Algorithms.Contains(algorithm)) return TokenFault.AlgorithmRefused;
        if (header.TryGetProperty("kid", out JsonElement kid))
        {
            if (!ClaimText.TryRead(kid, out string text) || text.Length > KeyIdCharsMax) return TokenFault.KeyIdWrong;
            keyId = text;
        }

        return TokenFault.None;
    }

    /// <summary>Reads <c>iss</c>, which chooses the rules for everything else.</summary>
    public static TokenFault ReadIssuer(JsonElement claims, out string issuer)
    {
        issuer = "";
        return claims.TryGetProperty("iss", out JsonElement iss) && ClaimText.TryRead(iss, out issuer)
            ? TokenFault.None
            : TokenFault.IssuerWrong;
    }

    /// <summary>Checks <c>aud</c>, <c>exp</c>, <c>nbf</c>, <c>iat</c>, <c>sub</c> and <c>cnf</c> at
    /// <paramref name="nowMs"/>.</summary>
    /// <param name="claims">The payload.</param>
    /// <param name="options">The rules of its issuer.</param>
    /// <param name="nowMs">Unix time in milliseconds.</param>
    /// <param name="expiresAtMs">Unix time in milliseconds from which the token is dead.</param>
    public static TokenFault CheckClaims(JsonElement claims, IssuerOptions options, long nowMs, out long expiresAtMs)
    {
        expiresAtMs = 0;
        if (!Confirmation.TryRead(claims, out _)) return TokenFault.SenderConstrained;
        if (!IsForUs(claims, options.Audiences)) return TokenFault.AudienceWrong;
        if (!claims.TryGetProperty("sub", out JsonElement sub) || !ClaimText.TryReadName(sub, out _))
            return TokenFault.SubjectWrong;

        if (!claims.TryGetProperty("exp", out JsonElement exp)) return TokenFault.ExpiryMissing;
        if (!TryReadDate(exp, out expiresAtMs)) return TokenFault.DateWrong;
        if (nowMs >= expiresAtMs) return TokenFault.Expired;

        long latestMs = nowMs + (long)options.ClockSkew.TotalMilliseconds;
        if (claims.TryGetProperty("nbf", out JsonElement nbf))
        {
            if (!TryReadDate(nbf, out long notBeforeMs)) return TokenFault.DateWrong;
            if (notBeforeMs > latestMs) return TokenFault.NotYetValid;
        }
        else if (options.RequiresNotBefore) return TokenFault.NotBeforeMissing;

        if (claims.TryGetProperty("iat", out JsonElement iat))
        {
            if (!TryReadDate(iat, out long issuedAtMs)) return TokenFault.DateWrong;
            if (issuedAtMs > latestMs) return TokenFault.IssuedInFuture;
        }

        return TokenFault.None;
    }

    // The gateway lends credentials under the same keys: its own access tokens say what they are.
    private static bool IsTypeAllowed(JsonElement type, IssuerOptions options)
    {
        if (!ClaimText.TryRead(type, out string text)) return false;
        const string Prefix = "application/";
        ReadOnlySpan<char> name = text;
        if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)) name = name[Prefix.Length..];
        return (!options.IsGateway && name.Equals("JWT", StringComparison.OrdinalIgnoreCase))
            || name.Equals("at+jwt", StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsForUs(JsonElement claims, IReadOnlyList<string> audiences)
    {
        if (!claims.TryGetProperty("aud", out JsonElement aud)) return false;
        List<string> named = [];
        if (!ClaimText.TryReadList(aud, named)) return false;
        foreach (string audience in named)
        {
            if (audiences.Contains(audience)) return true;
        }

        return false;
    }

    /// <summary>A NumericDate, which may have a fraction (RFC 7519 section 2).</summary>
    public static bool TryReadDate(JsonElement element, out long unixMs)
    {
        unixMs = 0;
        if (element.ValueKind != JsonValueKind.Number || !element.TryGetDouble(out double seconds)) return false;
        if (!(seconds >= 0 && seconds <= UnixSecondsMax)) return false;
        unixMs = (long)(seconds * 1000);
        return true;
    }
}

/// <summary>Reads strings out of claims.</summary>
internal static class ClaimText
{
    /// <summary>The longest subject, group or person, in UTF-16 code units.</summary>
    public const int NameCharsMax = 256;

    /// <summary>A string that is Unicode: half a surrogate pair, which JSON can escape, is refused.</summary>
    public static bool TryRead(JsonElement element, out string text)
    {
        text = "";
        if (element.ValueKind != JsonValueKind.String) return false;
        try
        {
            text = element.GetString()!;
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>A name of someone or something: 1 to 256 characters and none of them a control character.</summary>
    public static bool TryReadName(JsonElement element, out string name) =>
        TryRead(element, out name) && IsName(name);

    /// <summary>The same of a text from elsewhere.</summary>
    public static bool IsName(string name)
    {
        if (name.Length is 0 or > NameCharsMax) return false;
        foreach (char letter in name)
        {
            if (char.IsControl(letter)) return false;
        }

        return true;
    }

    /// <summary>Adds one name, or each of an array of names; false when anything is not a name.</summary>
    public static bool TryReadList(JsonElement element, List<string> names)
    {
        if (element.ValueKind != JsonValueKind.Array) return TryAdd(element, names);
        foreach (JsonElement item in element.EnumerateArray())
        {
            if (!TryAdd(item, names)) return false;
        }

        return true;
    }

    private static bool TryAdd(JsonElement element, List<string> names)
    {
        if (!TryReadName(element, out string name)) return false;
        names.Add(name);
        return true;
    }
}
