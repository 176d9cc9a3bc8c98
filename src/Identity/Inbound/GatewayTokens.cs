using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Identity.Outbound;
using Countersign.Policy;

namespace Countersign.Identity.Inbound;

/// <summary>Somebody who acts with another's token (RFC 8693 section 4.1).</summary>
/// <param name="Issuer">Who vouches for them.</param>
/// <param name="Subject">Their <c>sub</c>.</param>
/// <param name="Kind">What they are.</param>
public sealed record GatewayActor(string Issuer, string Subject, CallerKind Kind);

/// <summary>What one of the gateway's own tokens says.</summary>
/// <param name="Caller">Who calls with it, bound to what it is bound to.</param>
/// <param name="ExpiresAt">When it is dead; not later than any token that it was given for.</param>
public sealed record GatewayTokenTerms(Caller Caller, DateTimeOffset ExpiresAt)
{
    /// <summary>Who acts for the subject, the one that acts now first; empty when it is the subject.</summary>
    public IReadOnlyList<GatewayActor> Actors { get; init; } = [];

    /// <summary>When the oldest of them was issued, in seconds since 1970: revoking what was issued until then revokes
    /// this one too. 0 is older than everything.</summary>
    public long ProvenAt { get; init; }

    /// <summary>Who alone may act with it (RFC 8693 section 4.4), as the subject's token said; null names nobody, so
    /// that anybody may.</summary>
    public JsonElement? MayAct { get; init; }

    /// <summary><see cref="Caller.ProofMarks"/> of the tokens that it is given for, which hold those of what they were
    /// given for themselves: it is revoked with any of them.</summary>
    public IReadOnlyList<string> Ancestors { get; init; } = [];
}

/// <summary>A token as it goes out.</summary>
/// <param name="Text">The compact JWT; a secret.</param>
/// <param name="Id">Its <c>jti</c>.</param>
public sealed record GatewayToken(string Text, string Id);

/// <summary>
/// Writes the gateway's own access tokens (RFC 9068 in form: <c>typ</c> is <c>at+jwt</c>), which
/// <see cref="CallerVerifier.TakeOwnTokens"/> makes a verifier take. Thread-safe.
/// </summary>
/// <param name="issuer">Their <c>iss</c> and <c>aud</c>, asked for each: the public URL of the control listener, which
/// may be known only once it listens.</param>
/// <param name="keys">What to sign with.</param>
/// <param name="clock">Gives <c>iat</c>.</param>
public sealed class GatewayTokens(Func<string> issuer, SigningKeyRing keys, TimeProvider clock)
{
    // The year 9000: far from where dates end.
    private const long LatestMs = 221_845_392_000_000;

    // The longest ttl that a policy may give a credential; clocks are closer than that.
    private static readonly TimeSpan LentAtMost = TimeSpan.FromHours(1);

    /// <summary>The <c>iss</c> of everything written.</summary>
    public string Issuer => issuer();

    /// <summary>Writes one; null where no key may sign, since the store has been away for too long.</summary>
    public GatewayToken? Write(GatewayTokenTerms terms)
    {
        ArgumentNullException.ThrowIfNull(terms);
        DateTimeOffset now = clock.GetUtcNow();
        if (keys.Signer(SigningAlgorithm.Es256, now.ToUnixTimeMilliseconds())?.Keys is not { } pair) return null;
        string id = Guid.CreateVersion7(now).ToString("D");
        byte[] header = Encoding.UTF8.GetBytes($$"""{"alg":"ES256","typ":"at+jwt","kid":"{{pair.KeyId}}"}""");
        ArrayBufferWriter<byte> claims = new(512);
        using (Utf8JsonWriter json = new(claims)) WriteClaims(json, terms, id);
        string signed = Base64Url.EncodeToString(header) + "." + Base64Url.EncodeToString(claims.WrittenSpan);
        Span<byte> signature = stackalloc byte[SigningKeys.SignatureBytes];
        if (!pair.TrySign(Encoding.ASCII.GetBytes(signed), signature))
            throw new CryptographicException("The signing key does not sign.");
        return new GatewayToken(signed + "." + Base64Url.EncodeToString(signature), id);
    }

    /// <summary>When it may be forgotten that a token of these bytes was revoked: once it has expired by its own word,
    /// which nobody has to have proven, and with it all that was lent for it. Null for what says no end, such as an
    /// opaque token.</summary>
    public static DateTimeOffset? ForgottenAt(ReadOnlySpan<byte> token)
    {
        TokenFault fault = CompactToken.TryRead(token, token.Length, out CompactToken? read);
        using CompactToken? compact = read;
        return fault == TokenFault.None && compact!.Claims.TryGetProperty("exp", out JsonElement stated)
            && TokenRules.TryReadDate(stated, out long at)
            ? ForgottenAt(DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(at, LatestMs)))
            : null;
    }

    /// <summary>The same for a token of which it is known when it expires.</summary>
    public static DateTimeOffset ForgottenAt(DateTimeOffset expiresAt) => expiresAt + LentAtMost;

    /// <summary>What a token is known by when it is revoked: its SHA-256 in hex.</summary>
    public static string HashOf(ReadOnlySpan<byte> token) => TokenHash.Of(token).ToString();

    private void WriteClaims(Utf8JsonWriter json, GatewayTokenTerms terms, string id)
    {
        Caller caller = terms.Caller;
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        json.WriteStartObject();
        json.WriteString("iss", Issuer);
        json.WriteString("aud", Issuer);
        json.WriteString("sub", caller.Subject);
        json.WriteString(GatewayClaims.Source, caller.Issuer);
        if (CallerKinds.NameOf(caller.Kind) is { } kind) json.WriteString("kind", kind);
        WriteList(json, "groups", caller.Groups);
        WriteList(json, GatewayClaims.Chain, caller.Chain);
        if (caller.Tenant.Length > 0) json.WriteString("tenant", caller.Tenant);
        for (int depth = 0; depth < terms.Actors.Count; depth++)
        {
            GatewayActor actor = terms.Actors[depth];
            json.WriteStartObject("act");
            json.WriteString("sub", actor.Subject);
            json.WriteString("iss", actor.Issuer);
            if (CallerKinds.NameOf(actor.Kind) is { } own) json.WriteString("kind", own);
        }

        for (int depth = 0; depth < terms.Actors.Count; depth++) json.WriteEndObject();
        if (terms.MayAct is { } may)
        {
            json.WritePropertyName("may_act");
            may.WriteTo(json);
        }

        WriteBinding(json, caller);
        WriteList(json, GatewayClaims.Ancestors, terms.Ancestors);
        json.WriteNumber(GatewayClaims.ProvenAt, terms.ProvenAt);
        json.WriteString("jti", id);
        json.WriteNumber("iat", now);
        json.WriteNumber("nbf", now);
        json.WriteNumber("exp", terms.ExpiresAt.ToUnixTimeSeconds());
        json.WriteEndObject();
    }

    private static void WriteBinding(Utf8JsonWriter json, Caller caller)
    {
        if (caller.BoundKey.IsEmpty && caller.BoundCertificate.IsEmpty) return;
        json.WriteStartObject("cnf");
        if (!caller.BoundKey.IsEmpty) json.WriteString("jkt", Base64Url.EncodeToString(caller.BoundKey.Span));
        if (!caller.BoundCertificate.IsEmpty)
            json.WriteString("x5t#S256", Base64Url.EncodeToString(caller.BoundCertificate.Span));
        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> items)
    {
        json.WriteStartArray(name);
        foreach (string item in items) json.WriteStringValue(item);
        json.WriteEndArray();
    }
}
