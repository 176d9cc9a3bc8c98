using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Countersign.Identity.Inbound;
using Microsoft.IdentityModel.Tokens;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

/// <summary>The JOSE vectors of Wycheproof (tests/cases/identity/jose) against the reader, the rules and the
/// keys.</summary>
public sealed class JoseVectorTests
{
    private static readonly IssuerOptions Rules = ScriptedIssuer.Options with
    {
        Algorithms = [.. IssuerOptions.KnownAlgorithms],
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void SignaturesAreJudgedAsTheVectorsSay()
    {
        // Proves that what we take is valid and what is invalid we refuse; and that of RSA and EC we take every valid
        // one. A MAC is refused in any case: no caller's token is one.
        int taken = 0, refused = 0;
        foreach ((JsonElement group, JsonElement test) in Tests("json_web_signature_test.json"))
        {
            bool isMac = !group.TryGetProperty("public", out JsonElement jwk);

            // RFC 8725 section 3.1: a key that names its algorithm is for no other. A few vectors are laxer than that.
            string jws = test.GetProperty("jws").GetString()!;
            string? named = !isMac && jwk.TryGetProperty("alg", out JsonElement of) ? of.GetString() : null;
            bool isOfKey = named is null || HeaderOf(jws).Contains($"\"{named}\"", StringComparison.Ordinal);
            bool isValid = isOfKey && test.GetProperty("result").GetString() == "valid";
            bool isTaken = !isMac && Takes(jws, [Key(jwk)]);
            string at = $"{test.GetProperty("tcId")}: {test.GetProperty("comment")}";
            Assert.True(isTaken == (isValid && !isMac), at);
            if (isTaken) taken++;
            else refused++;
        }

        Assert.Equal(18, taken);
        Assert.Equal(171, refused);
    }

    [Fact]
    public void KeySetsAreJudgedAsTheVectorsSay()
    {
        // Proves the same for sets of keys: symmetric ones, and those that mix both, verify nothing here.
        foreach ((JsonElement group, JsonElement test) in Tests("json_web_key_test.json"))
        {
            bool hasPublic = group.TryGetProperty("public", out JsonElement set);
            IssuerKey?[] keys = hasPublic && set.TryGetProperty("keys", out JsonElement members)
                ? [.. members.EnumerateArray().Select(Key)]
                : [];
            bool isTaken = Takes(test.GetProperty("jws").GetString()!, keys);
            Assert.False(isTaken && test.GetProperty("result").GetString() != "valid", test.ToString());
        }
    }

    [Theory]
    [InlineData("json_web_signature_test.json", "jws")]
    [InlineData("json_web_key_test.json", "jws")]
    [InlineData("json_web_encryption_test.json", "jwe")]
    public async Task NoneOfThemIsACallersToken(string file, string member)
    {
        // Proves that no vector, valid or not, passes for a bearer token; an encrypted one is none at all.
        using ScriptedIssuer issuer = new(ScriptedKey.First);
        await using CallerVerifier verifier = issuer.Verifier();
        int count = 0;
        foreach ((_, JsonElement test) in Tests(file))
        {
            byte[] token = Encoding.UTF8.GetBytes(test.GetProperty(member).GetString()!);
            TokenVerification verification = await verifier.VerifyAsync(token, Cancel);
            Assert.Equal(TokenStatus.Malformed, verification.Status);
            Assert.Null(verification.Caller);
            count++;
        }

        Assert.InRange(count, 15, 200);
        Assert.Equal(0, issuer.Fetches);
    }

    // Their payload is no JSON object, so that the parts are read here as CompactToken reads them.
    private static bool Takes(string jws, IssuerKey?[] keys)
    {
        string[] parts = jws.Split('.');
        if (parts.Length != 3) return false;
        if (parts[1].Length > 0 && !CompactToken.IsCanonical(Encoding.UTF8.GetBytes(parts[1]))) return false;
        string claimed = parts[0] + "." + ScriptedKey.Part("{}") + "." + parts[2];
        if (CompactToken.TryRead(Encoding.ASCII.GetBytes(claimed), 16_384, out CompactToken? read) != TokenFault.None)
            return false;
        using CompactToken compact = read!;
        if (TokenRules.CheckHeader(compact.Header, Rules, out string algorithm, out string? keyId) != TokenFault.None)
            return false;
        byte[] signed = Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]);
        return keys.Any(key => key is not null && key.Fits(algorithm, keyId)
            && key.IsSigned(algorithm, signed, Base64Url.DecodeFromChars(parts[2])));
    }

    private static string HeaderOf(string jws)
    {
        string part = jws.Split('.')[0];
        return Base64Url.IsValid(part) ? Encoding.UTF8.GetString(Base64Url.DecodeFromChars(part)) : "";
    }

    private static IssuerKey? Key(JsonElement jwk) => IssuerKey.FromJwk(new JsonWebKey(jwk.GetRawText()));

    private static IEnumerable<(JsonElement Group, JsonElement Test)> Tests(string file)
    {
        JsonDocument vectors = JsonDocument.Parse(File.ReadAllBytes(CaseFolder.Path("jose", file)));
        foreach (JsonElement group in vectors.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            foreach (JsonElement test in group.GetProperty("tests").EnumerateArray()) yield return (group, test);
        }
    }
}
