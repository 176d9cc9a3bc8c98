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

    private static readonly string[] ForeignHeaders = ["enc", "zip", "b64"];

    /// <summary>Checks type, algorithm and key id; gives back what the key search needs.</summary>
    /// <param name="header">The header.</param>
    /// <param name="options">The rules of the issuer that the claims name.</param>
    /// <param name="algorithm">Its <c>alg</c>.</param>
    /// <param name="keyId">Its <c>kid</c>, or null.</param>
    /// <param name="all">Null stops at the first fault; else every fault is added, and it goes on.</param>
    /// <returns>The first fault.</returns>
    public static TokenFault CheckHeader(
        JsonElement header, IssuerOptions options, out string algorithm, out string? keyId,
        List<TokenFault>? all = null)
    {
        algorithm = "";
        keyId = null;
        FaultNotes notes = new(all);
        if (notes.Stop(Array.Exists(ForbiddenHeaders, name => header.TryGetProperty(name, out _)),
            TokenFault.HeaderForbidden)) return notes.First;
        if (notes.Stop(IsPayloadForeign(header), TokenFault.PayloadForeign)) return notes.First;
        bool hasType = header.TryGetProperty("typ", out JsonElement type);
        if (notes.Stop(hasType ? !IsTypeAllowed(type, options) : options.IsGateway, TokenFault.TypeWrong))
            return notes.First;
        bool isAllowed = header.TryGetProperty("alg", out JsonElement alg) && ClaimText.TryRead(alg, out algorithm)
            && options.Algorithms.Contains(algorithm);
        if (notes.Stop(!isAllowed, TokenFault.AlgorithmRefused)) return notes.First;
        if (!header.TryGetProperty("kid", out JsonElement kid)) return notes.First;
        bool isShort = ClaimText.TryRead(kid, out string text) && text.Length <= KeyIdCharsMax;
        if (isShort) keyId = text;
        notes.Stop(!isShort, TokenFault.KeyIdWrong);
        return notes.First;
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
    /// <param name="all">Null stops at the first fault; else every fault is added, and it goes on.</param>
    /// <returns>The first fault.</returns>
    public static TokenFault CheckClaims(
        JsonElement claims, IssuerOptions options, long nowMs, out long expiresAtMs, List<TokenFault>? all = null)
    {
        expiresAtMs = 0;
        FaultNotes notes = new(all);
        if (notes.Stop(!Confirmation.TryRead(claims, out _), TokenFault.SenderConstrained)) return notes.First;
        if (notes.Stop(!IsForUs(claims, options.Audiences), TokenFault.AudienceWrong)) return notes.First;
        bool isNamed = claims.TryGetProperty("sub", out JsonElement sub) && ClaimText.TryReadName(sub, out _);
        if (notes.Stop(!isNamed, TokenFault.SubjectWrong)) return notes.First;
        if (notes.Stop(CheckExpiry(claims, nowMs, out expiresAtMs))) return notes.First;

        long latestMs = nowMs + (long)options.ClockSkew.TotalMilliseconds;
        if (notes.Stop(CheckNotBefore(claims, options, latestMs))) return notes.First;
        notes.Stop(CheckIssuedAt(claims, latestMs));
        return notes.First;
    }

    private static TokenFault CheckExpiry(JsonElement claims, long nowMs, out long expiresAtMs)
    {
        expiresAtMs = 0;
        if (!claims.TryGetProperty("exp", out JsonElement exp)) return TokenFault.ExpiryMissing;
        if (!TryReadDate(exp, out expiresAtMs)) return TokenFault.DateWrong;
        return nowMs >= expiresAtMs ? TokenFault.Expired : TokenFault.None;
    }

    private static TokenFault CheckNotBefore(JsonElement claims, IssuerOptions options, long latestMs)
    {
        if (!claims.TryGetProperty("nbf", out JsonElement nbf))
            return options.RequiresNotBefore ? TokenFault.NotBeforeMissing : TokenFault.None;
        if (!TryReadDate(nbf, out long notBeforeMs)) return TokenFault.DateWrong;
        return notBeforeMs > latestMs ? TokenFault.NotYetValid : TokenFault.None;
    }

    private static TokenFault CheckIssuedAt(JsonElement claims, long latestMs)
    {
        if (!claims.TryGetProperty("iat", out JsonElement iat)) return TokenFault.None;
        if (!TryReadDate(iat, out long issuedAtMs)) return TokenFault.DateWrong;
        return issuedAtMs > latestMs ? TokenFault.IssuedInFuture : TokenFault.None;
    }

    // What another reader would take for something else than the claims that we read: encrypted or compressed (RFC
    // 7516), not base64url at all (RFC 7797 section 7 forbids it in a JWT), or a token inside (RFC 7519 section 5.2).
    private static bool IsPayloadForeign(JsonElement header)
    {
        if (Array.Exists(ForeignHeaders, name => header.TryGetProperty(name, out _))) return true;
        return header.TryGetProperty("cty", out JsonElement type)
            && !(ClaimText.TryRead(type, out string text) && !text.EndsWith("JWT", StringComparison.OrdinalIgnoreCase));
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

/// <summary>The faults of a token, in the order in which they are found.</summary>
/// <param name="all">Takes them all; null wants the first alone.</param>
internal struct FaultNotes(List<TokenFault>? all)
{
    /// <summary>The first; <see cref="TokenFault.None"/> without one.</summary>
    public TokenFault First { get; private set; } = TokenFault.None;

    /// <summary>Notes <paramref name="fault"/> if there is one; true if nothing more is to be looked at.</summary>
    public bool Stop(TokenFault fault)
    {
        if (fault == TokenFault.None) return false;
        if (First == TokenFault.None) First = fault;
        all?.Add(fault);
        return all is null;
    }

    /// <summary>The same where <paramref name="isWrong"/>.</summary>
    public bool Stop(bool isWrong, TokenFault fault) => Stop(isWrong ? fault : TokenFault.None);
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
