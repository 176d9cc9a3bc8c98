using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

/// <summary>The attacks of RFC 8725, each on a token that would be good without it.</summary>
public sealed class TokenAttackTests : IDisposable
{
    private readonly ScriptedIssuer _issuer = new(ScriptedKey.First, ScriptedKey.Curve);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _issuer.Dispose();

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("nOnE")]
    public async Task UnsignedTokensAreRefused(string algorithm)
    {
        // Proves that alg none is refused, with an empty signature as with a borrowed one.
        string header = ScriptedKey.First.Header(algorithm);
        string unsigned = ScriptedKey.Part(header) + "." + ScriptedKey.Part(_issuer.Claims().ToJsonString()) + ".";
        await RefusedAsync(Encoding.ASCII.GetBytes(unsigned), TokenStatus.Malformed);
        await RefusedAsync(ScriptedKey.First.Sign(header, _issuer.Claims().ToJsonString()), TokenStatus.Invalid);
    }

    [Theory]
    [InlineData("HS256")]
    [InlineData("HS384")]
    [InlineData("HS512")]
    public async Task APublicKeyIsNotAMacKey(string algorithm)
    {
        // Proves that a MAC keyed with the published key, in each of its usual encodings, is refused (RFC 8725 section
        // 2.1).
        byte[][] encodings =
        [
            Encoding.UTF8.GetBytes(ScriptedKey.First.Rsa.ExportSubjectPublicKeyInfoPem()),
            ScriptedKey.First.Rsa.ExportSubjectPublicKeyInfo(),
            ScriptedKey.First.Rsa.ExportParameters(false).Modulus!,
        ];
        foreach (byte[] key in encodings)
        {
            string text = ScriptedKey.Part(ScriptedKey.First.Header(algorithm)) + "."
                + ScriptedKey.Part(_issuer.Claims().ToJsonString());
            byte[] bytes = Encoding.ASCII.GetBytes(text);
            byte[] mac = algorithm switch
            {
                "HS256" => HMACSHA256.HashData(key, bytes),
                "HS384" => HMACSHA384.HashData(key, bytes),
                _ => HMACSHA512.HashData(key, bytes),
            };
            await RefusedAsync(
                Encoding.ASCII.GetBytes(text + "." + Base64Url.EncodeToString(mac)), TokenStatus.Invalid);
        }
    }

    [Theory]
    [InlineData("ES256", "first")]
    [InlineData("RS256", "curve")]
    [InlineData("ES384", "curve")]
    public async Task AnAlgorithmMustFitTheTypeOfItsKey(string algorithm, string keyId)
    {
        // Proves that alg and kid must agree on the key's type and curve; by naming one with the key of the other.
        ScriptedKey signer = keyId == "curve" ? ScriptedKey.Curve : ScriptedKey.First;
        await RefusedAsync(signer.Sign(signer.Header(algorithm), _issuer.Claims().ToJsonString()), TokenStatus.Invalid);
    }

    [Fact]
    public async Task AnAlgorithmOutsideTheIssuersListIsRefused()
    {
        // Proves that the allow-list is per issuer; by a good RS256 token where ES256 alone is allowed.
        await using CallerVerifier verifier = _issuer.Verifier(ScriptedIssuer.Options with { Algorithms = ["ES256"] });
        byte[] token = ScriptedKey.First.Sign(_issuer.Claims());
        Assert.Equal(TokenStatus.Invalid, (await verifier.VerifyAsync(token, Cancel)).Status);
        Assert.True((await verifier.VerifyAsync(ScriptedKey.Curve.Sign(_issuer.Claims()), Cancel)).IsValid);
    }

    [Theory]
    [InlineData("jwk")]
    [InlineData("jku")]
    [InlineData("x5u")]
    [InlineData("x5c")]
    [InlineData("crit")]
    public async Task ATokenBringsNoKeysOfItsOwn(string member)
    {
        // Proves that a header with a key, a key's address or crit is refused, even when it is signed by the right key.
        JsonObject header = JsonNode.Parse(ScriptedKey.First.Header())!.AsObject();
        header[member] = member switch
        {
            "jwk" => ScriptedKey.Second.Jwk(),
            "x5c" => new JsonArray("MIIB"),
            "crit" => new JsonArray("exp"),
            _ => "https://attacker.test/keys",
        };
        foreach (ScriptedKey signer in new[] { ScriptedKey.First, ScriptedKey.Second })
        {
            byte[] token = signer.Sign(header.ToJsonString(), _issuer.Claims().ToJsonString());
            await RefusedAsync(token, TokenStatus.Invalid);
        }
    }

    [Theory]
    [InlineData("zip", "\"DEF\"")]
    [InlineData("enc", "\"A128GCM\"")]
    [InlineData("b64", "false")]
    [InlineData("b64", "true")]
    [InlineData("cty", "\"JWT\"")]
    [InlineData("cty", "\"at+jwt\"")]
    [InlineData("cty", "7")]
    public async Task APayloadIsClaimsAndNothingElse(string member, string value)
    {
        // Proves that a header which makes something else of the payload than the claims that are read is refused.
        JsonObject header = JsonNode.Parse(ScriptedKey.First.Header())!.AsObject();
        header[member] = JsonNode.Parse(value);
        await RefusedAsync(
            ScriptedKey.First.Sign(header.ToJsonString(), _issuer.Claims().ToJsonString()), TokenStatus.Invalid);
    }

    [Theory]
    [InlineData("\"logout+jwt\"")]
    [InlineData("\"dpop+jwt\"")]
    [InlineData("\"secevent+jwt\"")]
    [InlineData("\"\"")]
    [InlineData("\"application/\"")]
    [InlineData("7")]
    [InlineData("null")]
    public async Task OtherTypesOfTokenAreRefused(string type)
    {
        // Proves that a JWT made for another purpose is refused by its typ (RFC 8725 section 3.11).
        string header = $$"""{"alg":"RS256","kid":"first","typ":{{type}}}""";
        await RefusedAsync(ScriptedKey.First.Sign(header, _issuer.Claims().ToJsonString()), TokenStatus.Invalid);
    }

    [Theory]
    [InlineData("""{"alg":"RS256","kid":"first","alg":"RS256"}""", null)]
    [InlineData("""{"alg":"RS256","kid":"first","\u0061lg":"RS256"}""", null)]
    [InlineData("""["RS256"]""", null)]
    [InlineData("""{"alg":"RS256","kid":"first"} """ + "x", null)]
    [InlineData(null, ""","sub":"alice"}""")]
    [InlineData(null, ""","act":{"sub":"a","sub":"b"}}""")]
    [InlineData(null, ""","x":"\ud800\udfff","\ud800":1}""")]
    [InlineData(null, "}{}")]
    [InlineData(null, ",}")]
    [InlineData(null, "/**/}")]
    public async Task JsonThatTwoParsersMayReadDifferentlyIsRefused(string? header, string? claimsTail)
    {
        // Proves that duplicate members at any depth, escaped or not, and sloppy JSON are refused though well signed.
        string claims = _issuer.Claims().ToJsonString();
        if (claimsTail is not null) claims = claims[..^1] + claimsTail;
        byte[] token = ScriptedKey.First.Sign(header ?? ScriptedKey.First.Header(), claims);
        await RefusedAsync(token, TokenStatus.Malformed);
    }

    [Fact]
    public async Task Base64ThatIsNotCanonicalIsRefused()
    {
        // Proves that padding, white space, the other alphabet and idle bits are refused; on an else good token.
        string token = Encoding.ASCII.GetString(ScriptedKey.First.Sign(_issuer.Claims()));
        string[] parts = token.Split('.');
        Assert.Equal(2, parts[2].Length % 4); // 256 bytes: the last character has four idle bits

        string idle = parts[2][..^1] + (char)(parts[2][^1] + 1);
        string[] bad =
        [
            token + "==", token + "=", token + "%3D", token + " ", " " + token, token + "\n", token + "\0",
            parts[0] + "." + parts[1] + "." + idle,
            parts[0] + "=." + parts[1] + "." + parts[2],
            token.Replace('-', '+').Replace('_', '/') + "+",
            parts[0] + ". " + parts[1] + "." + parts[2],
        ];
        foreach (string one in bad) await RefusedAsync(Encoding.ASCII.GetBytes(one), TokenStatus.Malformed);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a.b")]
    [InlineData("YQ.YQ.YQ.YQ")]
    [InlineData("YQ.YQ.YQ.YQ.YQ")]
    [InlineData("YQ..YQ")]
    [InlineData("YQ.YQ.YQ")]
    [InlineData("éé.éé.éé")]
    public async Task WhatIsNotACompactJwsIsRefused(string text)
    {
        // Proves that other numbers of parts (a JWE has five) and empty parts are refused.
        await RefusedAsync(Encoding.UTF8.GetBytes(text), TokenStatus.Malformed);
    }

    [Fact]
    public async Task InvalidUtf8InClaimsIsRefused()
    {
        // Proves that claims which are not UTF-8 are refused; by one bad byte inside a string.
        byte[] claims = [.. "{\"iss\":\"https://issuer.test\",\"sub\":\""u8, 0xC3, 0x28, .. "\"}"u8];
        string token = ScriptedKey.Part(ScriptedKey.First.Header()) + "." + Base64Url.EncodeToString(claims) + ".AAAA";
        await RefusedAsync(Encoding.ASCII.GetBytes(token), TokenStatus.Malformed);
    }

    [Fact]
    public async Task ATokenAtTheLimitIsReadAndABiggerOneIsNot()
    {
        // Proves the bound on both sides; by a limit set to the token's own length, and to one less.
        byte[] token = ScriptedKey.First.Sign(_issuer.Claims());
        await using CallerVerifier fits = _issuer.Verifier(limits: new() { TokenBytesMax = token.Length });
        await using CallerVerifier tooLong = _issuer.Verifier(limits: new() { TokenBytesMax = token.Length - 1 });
        Assert.True((await fits.VerifyAsync(token, Cancel)).IsValid);
        Assert.Equal(TokenStatus.Malformed, (await tooLong.VerifyAsync(token, Cancel)).Status);
        Assert.Equal(16 * 1024, new CallerVerifierLimits().TokenBytesMax);
    }

    [Theory]
    [InlineData("iss", "\"https://evil.test\"", TokenStatus.UnknownIssuer)]
    [InlineData("iss", "\"https://issuer.test/\"", TokenStatus.UnknownIssuer)]
    [InlineData("iss", "[\"https://issuer.test\"]", TokenStatus.Invalid)]
    [InlineData("iss", null, TokenStatus.Invalid)]
    [InlineData("aud", "\"Gateway\"", TokenStatus.Invalid)]
    [InlineData("aud", "[\"other\",\"another\"]", TokenStatus.Invalid)]
    [InlineData("aud", "[]", TokenStatus.Invalid)]
    [InlineData("aud", "[\"gateway\",7]", TokenStatus.Invalid)]
    [InlineData("aud", null, TokenStatus.Invalid)]
    [InlineData("exp", null, TokenStatus.Invalid)]
    [InlineData("exp", "\"1900000000\"", TokenStatus.Invalid)]
    [InlineData("exp", "1e300", TokenStatus.Invalid)]
    [InlineData("exp", "-1", TokenStatus.Invalid)]
    [InlineData("exp", "0", TokenStatus.Expired)]
    [InlineData("nbf", null, TokenStatus.Invalid)]
    [InlineData("nbf", "1e11", TokenStatus.NotYetValid)]
    [InlineData("nbf", "\"0\"", TokenStatus.Invalid)]
    [InlineData("iat", "1e11", TokenStatus.NotYetValid)]
    [InlineData("iat", "true", TokenStatus.Invalid)]
    [InlineData("sub", null, TokenStatus.Invalid)]
    [InlineData("sub", "\"\"", TokenStatus.Invalid)]
    [InlineData("sub", "7", TokenStatus.Invalid)]
    [InlineData("sub", "\"a\\nb\"", TokenStatus.Invalid)]
    [InlineData("sub", "\"\\ud800\"", TokenStatus.Invalid)]
    [InlineData("cnf", "{\"jkt\":\"x\"}", TokenStatus.Invalid)]
    [InlineData("cnf", "{}", TokenStatus.Invalid)]
    [InlineData("cnf", "{\"jwk\":{}}", TokenStatus.Invalid)]
    [InlineData("kind", "\"robot\"", TokenStatus.Invalid)]
    [InlineData("kind", "\"Human\"", TokenStatus.Invalid)]
    [InlineData("groups", "{\"support\":true}", TokenStatus.Invalid)]
    [InlineData("groups", "[\"support\",7]", TokenStatus.Invalid)]
    [InlineData("act", "\"agent\"", TokenStatus.Invalid)]
    [InlineData("act", "{}", TokenStatus.Invalid)]
    [InlineData("owner", "{}", TokenStatus.Invalid)]
    public async Task AClaimThatIsWrongRefusesTheToken(string claim, string? json, TokenStatus status)
    {
        // Proves each rule about claims; by one wrong or missing claim in an else good, well-signed token.
        JsonObject claims = _issuer.Claims();
        claims.Remove(claim);
        string text = claims.ToJsonString();
        if (json is not null) text = text[..^1] + $",\"{claim}\":{json}}}";
        await RefusedAsync(ScriptedKey.First.Sign(ScriptedKey.First.Header(), text), status);
    }

    [Fact]
    public async Task AnIssuerThatNeverSaysNbfIsTakenWhereThatIsConfigured()
    {
        // Proves the setting, and that an nbf that is there is held to all the same.
        IssuerOptions lenient = ScriptedIssuer.Options with { RequiresNotBefore = false };
        await using CallerVerifier verifier = _issuer.Verifier(lenient);
        JsonObject claims = _issuer.Claims();
        claims.Remove("nbf");
        Assert.True((await verifier.VerifyAsync(ScriptedKey.First.Sign(claims), Cancel)).IsValid);
        claims["nbf"] = _issuer.Clock.GetUtcNow().ToUnixTimeSeconds() + 31;
        TokenVerification early = await verifier.VerifyAsync(ScriptedKey.First.Sign(claims), Cancel);
        Assert.Equal(TokenStatus.NotYetValid, early.Status);
    }

    [Fact]
    public async Task ASubjectMayBe256CharactersAndNoMore()
    {
        // Proves the bound on sub on both sides.
        await using CallerVerifier verifier = _issuer.Verifier();
        byte[] fits = ScriptedKey.First.Sign(_issuer.Claims(new string('a', 256)));
        byte[] tooLong = ScriptedKey.First.Sign(_issuer.Claims(new string('a', 257)));
        Assert.True((await verifier.VerifyAsync(fits, Cancel)).IsValid);
        Assert.Equal(TokenStatus.Invalid, (await verifier.VerifyAsync(tooLong, Cancel)).Status);
    }

    [Theory]
    [InlineData("nbf")]
    [InlineData("iat")]
    public async Task AnIssuersClockMayBeAheadByTheSkewAndNoMore(string claim)
    {
        // Proves the skew on both sides; by a date 30 s and 31 s ahead.
        await using CallerVerifier verifier = _issuer.Verifier();
        (int, TokenStatus)[] cases = [(30, TokenStatus.Valid), (31, TokenStatus.NotYetValid)];
        foreach ((int seconds, TokenStatus expected) in cases)
        {
            JsonObject claims = _issuer.Claims();
            claims[claim] = _issuer.Clock.GetUtcNow().ToUnixTimeSeconds() + seconds;
            Assert.Equal(expected, (await verifier.VerifyAsync(ScriptedKey.First.Sign(claims), Cancel)).Status);
        }
    }

    [Fact]
    public async Task AKeyThatIsNotPublishedVerifiesNothing()
    {
        // Proves that the right kid with the wrong key is refused, and no kid as well; by signing with a stranger's
        // key.
        string claims = _issuer.Claims().ToJsonString();
        await RefusedAsync(ScriptedKey.Second.Sign(ScriptedKey.First.Header(), claims), TokenStatus.Invalid);
        await RefusedAsync(ScriptedKey.Second.Sign("""{"alg":"RS256"}""", claims), TokenStatus.Invalid);
    }

    [Fact]
    public async Task KeysThatAreNotForSignaturesAreIgnored()
    {
        // Proves that encryption keys, symmetric keys and keys for another algorithm do not verify; by publishing each.
        JsonObject encryption = ScriptedKey.Second.Jwk();
        encryption["use"] = "enc";
        JsonObject another = ScriptedKey.Second.Jwk();
        another["alg"] = "PS512";
        JsonObject noVerify = ScriptedKey.Second.Jwk();
        noVerify["key_ops"] = new JsonArray("encrypt");
        JsonObject mac = new() { ["kty"] = "oct", ["k"] = new string('A', 43), ["kid"] = "second" };
        foreach (JsonObject key in new[] { encryption, another, noVerify, mac })
        {
            _issuer.OtherKeys = [key];
            await RefusedAsync(ScriptedKey.Second.Sign(_issuer.Claims()), TokenStatus.Invalid);
        }
    }

    private async Task RefusedAsync(byte[] token, TokenStatus status)
    {
        await using CallerVerifier verifier = _issuer.Verifier();
        TokenVerification verification = await verifier.VerifyAsync(token, Cancel);
        Assert.Equal(status, verification.Status);
        Assert.Null(verification.Caller);
        Assert.NotEmpty(verification.Because);
        Assert.DoesNotContain(verification.Because, letter => letter is < ' ' or > '~' or '"' or '\\');
        Assert.Equal(TokenStatus.Unseen, verifier.TryFind(token, out _));
        Assert.Equal(0, verifier.CachedTokens);
    }
}
