using System.Text;
using System.Text.Json;
using Countersign.Identity.Outbound;
using Countersign.Policy;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Xunit;

namespace Countersign.Identity.Tests.Outbound;

public sealed class CredentialIssuerTests : IDisposable
{
    private const string Control = "http://127.0.0.1:8081";
    private const string Digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private static readonly Guid Call = Guid.Parse("0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b");
    private static readonly Caller Bob =
        new("https://issuer.test", "bob", CallerKind.Agent, ["agents"], ["bob", "carol"]);

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, 700, TimeSpan.Zero));
    private readonly SigningKeys _keys = SigningKeys.Create();
    private readonly CredentialIssuer _issuer;

    public CredentialIssuerTests() => _issuer = new CredentialIssuer(Control, SigningKeyRing.Of(_keys), _clock);

    public void Dispose() => _keys.Dispose();

    [Fact]
    public async Task AFunctionOwnerVerifiesItFromTheJwksAlone()
    {
        // Proves the signature and every claim as DESIGN section 8 names them; by an independent handler and the JWKS.
        JsonElement claims = await VerifiedAsync(Written(Bob, Digest, "a-1", ["alice", "sam"]), _keys.PublicJwks());
        long now = _clock.GetUtcNow().ToUnixTimeSeconds();
        string expected = $$"""
            {"iss":"{{Control}}","aud":"billing","sub":"billing.reset","act":{"sub":"bob","iss":"https://issuer.test",
            "kind":"agent","chain":["bob","carol"]},"jti":"{{Call}}","digest":"{{Digest}}","approval":"a-1",
            "approvers":["alice","sam"],"iat":{{now}},"nbf":{{now}},"exp":{{now + 30}}}
            """.ReplaceLineEndings("");
        Assert.Equal(expected, claims.GetRawText());
    }

    [Fact]
    public async Task WhatThereIsNoneOfIsNotThere()
    {
        // Proves that digest, approval, approvers and an unstated kind are absent members, not empty ones.
        Caller unstated = new("https://issuer.test", "x", CallerKind.Unstated, [], []);
        JsonElement claims = await VerifiedAsync(Written(unstated, null, null, null), _keys.PublicJwks());
        Assert.False(claims.TryGetProperty("digest", out _));
        Assert.False(claims.TryGetProperty("approval", out _));
        Assert.False(claims.TryGetProperty("approvers", out _));
        Assert.False(claims.GetProperty("act").TryGetProperty("kind", out _));
        Assert.Equal(0, claims.GetProperty("act").GetProperty("chain").GetArrayLength());
    }

    [Fact]
    public async Task TheHeaderSaysWhatItIsAndWhoSigned()
    {
        // Proves the exact header; by decoding it.
        byte[] token = Written(Bob, null, null, null);
        string header = Base64UrlEncoder.Decode(Encoding.ASCII.GetString(token).Split('.')[0]);
        Assert.Equal($$"""{"alg":"ES256","typ":"JWT","kid":"{{_keys.KeyId}}"}""", header);
        using SigningKeys stranger = SigningKeys.Create();
        await Assert.ThrowsAnyAsync<SecurityTokenException>(() => VerifiedAsync(token, stranger.PublicJwks()));
    }

    [Fact]
    public void AnyTextComesBackAsItWentIn()
    {
        // Proves over random text, quotes and control characters among it, that claims survive being written.
        Gen<string> text = Gen.OneOf(Gen.String, Gen.String[Gen.Char["\"\\\u0000\u0007\n\u001f/é世a"], 1, 12]);
        text.Where(one => one.Length > 0 && IsWhole(one)).Sample(one =>
        {
            byte[] token = Written(new Caller("i", one, CallerKind.Human, [], [one]), one, one, [one]);
            string payload = Encoding.ASCII.GetString(token).Split('.')[1];
            using JsonDocument claims = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(payload));
            Assert.Equal(one, claims.RootElement.GetProperty("act").GetProperty("sub").GetString());
            Assert.Equal(one, claims.RootElement.GetProperty("act").GetProperty("chain")[0].GetString());
            Assert.Equal(one, claims.RootElement.GetProperty("digest").GetString());
            Assert.Equal(one, claims.RootElement.GetProperty("approval").GetString());
            Assert.Equal(one, claims.RootElement.GetProperty("approvers")[0].GetString());
        });
    }

    [Fact]
    public void EverySpaceThatIsTooSmallIsZero()
    {
        // Proves that a destination of any lesser size gives 0, and of the exact size the token; by trying each size.
        int needed = Written(Bob, Digest, "a-1", ["alice"]).Length;
        byte[] space = new byte[needed];
        for (int size = 0; size < needed; size++)
        {
            Assert.Equal(0, _issuer.Write(Terms(Bob, Digest, "a-1", ["alice"]), space.AsSpan(0, size)));
        }

        Assert.Equal(needed, _issuer.Write(Terms(Bob, Digest, "a-1", ["alice"]), space));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(900, 1)]
    [InlineData(1999, 1)]
    [InlineData(30_000, 30)]
    public void ItLivesForWholeSeconds(int milliseconds, int seconds)
    {
        // Proves that exp is iat and the whole seconds of the time to live, one at the least.
        byte[] space = new byte[2048];
        LentTerms terms = new()
        {
            Audience = "a", Function = "f", Caller = Bob, Call = Call,
            TimeToLive = TimeSpan.FromMilliseconds(milliseconds),
        };
        string token = Encoding.ASCII.GetString(space, 0, _issuer.Write(terms, space));
        using JsonDocument claims = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(token.Split('.')[1]));
        long issuedAt = claims.RootElement.GetProperty("iat").GetInt64();
        Assert.Equal(_clock.GetUtcNow().ToUnixTimeSeconds(), issuedAt);
        Assert.Equal(issuedAt + seconds, claims.RootElement.GetProperty("exp").GetInt64());
    }

    [Fact]
    public void EdDsaIsWrittenWhereItIsAskedForAndNothingWithoutItsKey()
    {
        // Proves that the algorithm is the terms' and that a ring without a key for it writes nothing; by a signature
        // that the named key verifies, over the head and claims of a token.
        using SigningKeys edwards = SigningKeys.Create(SigningAlgorithm.EdDsa);
        CredentialIssuer both = new(Control, SigningKeyRing.Of(_keys, edwards), _clock);
        LentTerms terms = new()
        {
            Audience = "a", Function = "f", Caller = Bob, Call = Call, TimeToLive = TimeSpan.FromSeconds(1),
            Algorithm = SigningAlgorithm.EdDsa,
        };
        string[] parts = Encoding.ASCII.GetString(Written(both, terms)).Split('.');
        Assert.Equal(
            $$"""{"alg":"EdDSA","typ":"JWT","kid":"{{edwards.KeyId}}"}""",
            Encoding.UTF8.GetString(Base64UrlEncoder.DecodeBytes(parts[0])));
        byte[] text = Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]);
        Assert.True(edwards.Verifies(text, Base64UrlEncoder.DecodeBytes(parts[2])));
        Assert.Equal(CredentialIssuer.NoKey, _issuer.Write(terms, new byte[4_096]));
    }

    [Fact]
    public async Task ManyThreadsWriteAtOnceAndEachTokenVerifies()
    {
        // Proves thread safety, through a change of keys too; by four threads whose tokens all verify from one JWKS.
        SigningKeyRing ring = SigningKeyRing.Of(_keys);
        CredentialIssuer issuer = new(Control, ring, _clock);
        using SigningKeys next = SigningKeys.Create();
        string jwks = SigningKeys.PublicJwks(_keys, next);
        Task<byte[][]>[] writers =
        [
            .. Enumerable.Range(0, 4).Select(_ => Task.Run(
                () => Enumerable.Range(0, 50).Select(_ => Written(issuer, Terms(Bob, Digest, null, null))).ToArray(),
                TestContext.Current.CancellationToken)),
        ];
        ring.Swap(new SigningKeySet(2, [new DatedSigningKeys(next, DateTimeOffset.UnixEpoch)]));
        foreach (byte[] token in (await Task.WhenAll(writers)).SelectMany(tokens => tokens))
        {
            await VerifiedAsync(token, jwks);
        }

        await VerifiedAsync(Written(issuer, Terms(Bob, null, null, null)), next.PublicJwks());
    }

    [Fact]
    public void WhatIsWrittenBesideTheSignatureAllocatesNothing()
    {
        // Proves that a write which stops before the signature allocates 0 bytes; by the thread's own counter, with one
        // byte too few. What the platform's ECDSA allocates is a row of bench/baseline.json.
        int needed = Written(Bob, Digest, "a-1", ["alice", "sam"]).Length;
        byte[] space = new byte[needed - 1];
        string[] approvers = ["alice", "sam"];
        for (int warm = 0; warm < 1000; warm++) _issuer.Write(Terms(Bob, Digest, "a-1", approvers), space);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 1000; round++) _issuer.Write(Terms(Bob, Digest, "a-1", approvers), space);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static LentTerms Terms(
        Caller caller, string? digest, string? approval, IReadOnlyList<string>? approvers) => new()
        {
            Audience = "billing", Function = "billing.reset", Caller = caller, Call = Call,
            TimeToLive = TimeSpan.FromSeconds(30), Digest = digest, Approval = approval, Approvers = approvers,
        };

    private static bool IsWhole(string text)
    {
        // Half a surrogate pair is not Unicode, and becomes U+FFFD by design.
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) == text;
    }

    private static async Task<JsonElement> VerifiedAsync(byte[] token, string jwks)
    {
        TokenValidationParameters parameters = new()
        {
            ValidIssuer = Control, ValidAudience = "billing", ValidAlgorithms = ["ES256"],
            IssuerSigningKeys = new JsonWebKeySet(jwks).GetSigningKeys(), ValidateLifetime = false,
        };
        TokenValidationResult result =
            await new JsonWebTokenHandler().ValidateTokenAsync(Encoding.ASCII.GetString(token), parameters);
        if (!result.IsValid) throw result.Exception;
        using JsonDocument claims = JsonDocument.Parse(
            Base64UrlEncoder.DecodeBytes(((JsonWebToken)result.SecurityToken).EncodedPayload));
        return claims.RootElement.Clone();
    }

    private byte[] Written(Caller caller, string? digest, string? approval, IReadOnlyList<string>? approvers) =>
        Written(_issuer, Terms(caller, digest, approval, approvers));

    private static byte[] Written(CredentialIssuer issuer, in LentTerms terms)
    {
        byte[] space = new byte[16_384];
        int length = issuer.Write(terms, space);
        Assert.InRange(length, 1, space.Length);
        return space[..length];
    }
}
