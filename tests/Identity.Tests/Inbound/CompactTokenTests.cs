using System.Buffers.Text;
using System.Text;
using Countersign.Identity.Inbound;
using CsCheck;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

public sealed class CompactTokenTests
{
    [Fact]
    public void CanonicalIsWhatAnEncoderWrites()
    {
        // Proves over random text near base64url that a part is canonical exactly if decoding and encoding give it
        // back.
        Gen<string> nearly = Gen.Char["ABCxyz019-_+/= "].Array[0, 9].Select(letters => new string(letters));
        nearly.Sample(text => Assert.Equal(RoundTrips(text), CompactToken.IsCanonical(Encoding.ASCII.GetBytes(text))));
    }

    [Fact]
    public void EncodedBytesAreCanonical()
    {
        // Proves over random bytes that nothing an encoder writes is refused.
        Gen.Byte.Array[1, 64].Sample(bytes => Assert.True(CompactToken.IsCanonical(Base64Url.EncodeToUtf8(bytes))));
    }

    [Fact]
    public void AnyBytesAreReadOrRefusedWithoutAnException()
    {
        // Proves that no input crashes the reader; by random parts, of JSON-like text and of bytes, joined by dots.
        Gen<string> json = Gen.Char["{}[]\",:\\ud8001ae.-"].Array[0, 20]
            .Select(letters => ScriptedKey.Part(new string(letters)));
        Gen<string> part = Gen.OneOf(json, Gen.Const(ScriptedKey.Part("{}")), Gen.String[Gen.Char["ab=.-"], 0, 5]);
        part.Array[0, 5].Sample(parts =>
        {
            TokenFault fault = CompactToken.TryRead(
                Encoding.UTF8.GetBytes(string.Join('.', parts)), 16_384, out CompactToken? read);
            Assert.Equal(fault == TokenFault.None, read is not null);
            Assert.NotEqual(TokenFault.Unchecked, fault);
            read?.Dispose();
        });
    }

    [Fact]
    public void EveryFaultIsExplainedAndNoneIsValid()
    {
        // Proves that the table has a sentence for each fault, and that zero refuses; by going through the enum.
        foreach (TokenFault fault in Enum.GetValues<TokenFault>())
        {
            TokenVerification verification = TokenFaults.Explain(fault);
            Assert.False(verification.IsValid);
            Assert.Equal(
                fault is TokenFault.None or TokenFault.Unchecked, verification.Because == "the token was not checked");
        }

        Assert.False(default(TokenVerification).IsValid);
    }

    private static bool RoundTrips(string text)
    {
        if (text.Length == 0 || text.Any(letter => !char.IsAsciiLetterOrDigit(letter) && letter is not ('-' or '_')))
            return false;
        if (text.Length % 4 == 1) return false;
        string padded = text.Replace('-', '+').Replace('_', '/') + new string('=', (4 - (text.Length % 4)) % 4);
        return Base64Url.EncodeToString(Convert.FromBase64String(padded)) == text;
    }
}
