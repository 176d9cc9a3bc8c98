using System.Buffers.Text;
using Countersign.Policy;

namespace Countersign.Identity.Outbound;

/// <summary>
/// Lends the credential that an upstream sees instead of the caller's token: a JWT for one call (DESIGN section 8),
/// signed with the fleet's keys. Thread-safe.
/// </summary>
public sealed class CredentialIssuer
{
    private readonly TimeProvider _clock;
    private readonly byte[] _issuerClaim;
    private readonly SigningKeyRing _ring;

    /// <summary>What <see cref="Write"/> returns where no key may sign.</summary>
    public const int NoKey = -1;

    /// <summary>Makes an issuer.</summary>
    /// <param name="issuer">The <c>iss</c>: the public URL of the control listener, where the JWKS is.</param>
    /// <param name="ring">What to sign with.</param>
    /// <param name="clock">Gives <c>iat</c>.</param>
    public CredentialIssuer(string issuer, SigningKeyRing ring, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(ring);
        ArgumentException.ThrowIfNullOrEmpty(issuer);
        ArgumentNullException.ThrowIfNull(clock);
        _clock = clock;
        Issuer = issuer;

        // An escape takes six bytes at most, and so does no other character.
        Span<byte> claim = new byte[(issuer.Length * 6) + 16];
        ClaimWriter writer = new(claim);
        writer.Raw("{\"iss\":"u8);
        writer.Text(issuer);
        _issuerClaim = claim[..writer.Length].ToArray();
        _ring = ring;
    }

    /// <summary>The <c>iss</c> of everything written.</summary>
    public string Issuer { get; }

    /// <summary>
    /// Writes a compact JWT: claims <c>iss</c>, <c>aud</c>, <c>sub</c> (function), <c>act</c> (caller: <c>sub</c>,
    /// <c>iss</c>, <c>kind</c>, <c>chain</c>), <c>jti</c> (call), <c>lent_for</c> (what the caller's proof is revoked
    /// by), <c>digest</c>, <c>approval</c> and <c>approvers</c> where there are any, <c>gateway</c> (which start makes
    /// the call), <c>iat</c>, <c>nbf</c>, <c>exp</c>.
    /// </summary>
    /// <param name="terms">What it says.</param>
    /// <param name="destination">Where the token goes; 2 KiB is enough for callers with short chains.</param>
    /// <returns>The token's length in bytes, or 0 when <paramref name="destination"/> is too small for it; what is in
    /// there is then worthless. <see cref="NoKey"/> where no key may sign.</returns>
    [HotPath]
    public int Write(in LentTerms terms, Span<byte> destination)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        DatedSigningKeys? signer = _ring.Signer(terms.Algorithm, now.ToUnixTimeMilliseconds());
        if (signer is null) return NoKey;
        if (!signer.EncodedHead.AsSpan().TryCopyTo(destination)) return 0;
        int length = signer.EncodedHead.Length;

        // The claims are written where they will stand, and become base64url in place: no second buffer.
        ClaimWriter claims = new(destination[length..]);
        WriteClaims(terms, now.ToUnixTimeSeconds(), ref claims);
        if (claims.IsFull) return 0;
        if (!Base64Url.TryEncodeToUtf8InPlace(destination[length..], claims.Length, out int encodedBytes)) return 0;
        length += encodedBytes;

        int tokenBytes = length + 1 + Base64Url.GetEncodedLength(SigningKeys.SignatureBytes);
        if (tokenBytes > destination.Length) return 0;
        Span<byte> signature = stackalloc byte[SigningKeys.SignatureBytes];
        if (!signer.Keys.TrySign(destination[..length], signature)) return 0;
        destination[length++] = (byte)'.';
        return length + Base64Url.EncodeToUtf8(signature, destination[length..]);
    }

    [HotPath]
    private void WriteClaims(in LentTerms terms, long issuedAt, ref ClaimWriter claims)
    {
        long expiresAt = issuedAt + Math.Max(1, terms.TimeToLive.Ticks / TimeSpan.TicksPerSecond);
        claims.Raw(_issuerClaim);
        claims.Raw(",\"aud\":"u8);
        claims.Text(terms.Audience);
        claims.Raw(",\"sub\":"u8);
        claims.Text(terms.Function);
        WriteActor(terms.Caller, ref claims);
        claims.Raw(",\"jti\":"u8);
        claims.Id(terms.Call);
        if (terms.Caller.ProofMarks.Count > 0)
        {
            claims.Raw(",\"lent_for\":"u8);
            claims.Texts(terms.Caller.ProofMarks);
        }

        if (!terms.Digest.IsEmpty)
        {
            claims.Raw(",\"digest\":"u8);
            claims.Text(terms.Digest);
        }

        if (!string.IsNullOrEmpty(terms.Approval))
        {
            claims.Raw(",\"approval\":"u8);
            claims.Text(terms.Approval);
        }

        if (terms.Approvers is { Count: > 0 } approvers)
        {
            claims.Raw(",\"approvers\":"u8);
            claims.Texts(approvers);
        }

        if (terms.Gateway.Length > 0)
        {
            claims.Raw(",\"gateway\":"u8);
            claims.Text(terms.Gateway);
        }

        claims.Raw(",\"iat\":"u8);
        claims.Number(issuedAt);
        claims.Raw(",\"nbf\":"u8);
        claims.Number(issuedAt);
        claims.Raw(",\"exp\":"u8);
        claims.Number(expiresAt);
        claims.Raw("}"u8);
    }

    // RFC 8693 section 4.1: outermost who acts now, within it whose token they act with. The kind is that of who acts.
    [HotPath]
    private static void WriteActor(Caller caller, ref ClaimWriter claims)
    {
        ActorName? acting = caller.Acting;
        claims.Raw(",\"act\":{\"sub\":"u8);
        claims.Text(acting is null ? caller.Subject : acting.Value.Subject);
        claims.Raw(",\"iss\":"u8);
        claims.Text(acting is null ? caller.Issuer : acting.Value.Issuer);
        claims.Raw(KindMember(caller.Kind));
        claims.Raw(",\"chain\":"u8);
        claims.Texts(caller.Chain);
        if (acting is not null)
        {
            claims.Raw(",\"act\":{\"sub\":"u8);
            claims.Text(caller.Subject);
            claims.Raw(",\"iss\":"u8);
            claims.Text(caller.Issuer);
            claims.Raw("}"u8);
        }

        claims.Raw("}"u8);
    }

    // A kind that the token did not state is not stated here either.
    [HotPath]
    private static ReadOnlySpan<byte> KindMember(CallerKind kind) => kind switch
    {
        CallerKind.Human => ",\"kind\":\"human\""u8,
        CallerKind.Agent => ",\"kind\":\"agent\""u8,
        CallerKind.Ci => ",\"kind\":\"ci\""u8,
        CallerKind.Service => ",\"kind\":\"service\""u8,
        _ => default,
    };
}
