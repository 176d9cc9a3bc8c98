using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Xml;
using Countersign.Identity.Inbound.Saml;
using Xunit;

namespace Countersign.Identity.Tests.Inbound.Saml;

/// <summary>The responses of ruby-saml (tests/cases/identity/saml), good and hostile.</summary>
public sealed class SamlVectorTests : IDisposable
{
    private readonly ScriptedProvider _idp = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _idp.Dispose();

    public static TheoryData<string> Files()
    {
        TheoryData<string> files = [];
        string folder = CaseFolder.Path("saml");
        foreach (string file in Directory.GetFiles(folder, "*.xml*", SearchOption.AllDirectories).Order())
            files.Add(Path.GetRelativePath(folder, file));
        return files;
    }

    [Fact]
    public void TheyAreAllThere()
    {
        // Proves that the theories below run over the whole set.
        Assert.Equal(38, Files().Count);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public async Task NoneSignsAnybodyIn(string file)
    {
        // Proves that each, posted as it is, proves nobody: they are old, for others, or hostile; and none throws.
        await using SamlService service = _idp.Service();
        SamlResult result = await service.AcceptResponseAsync(Convert.ToBase64String(Bytes(file)), Cancel);
        Assert.Null(result.Caller);
        Assert.NotEmpty(result.Because);
    }

    [Theory]
    [InlineData("adfs_response_sha256.xml", true)]
    [InlineData("adfs_response_xmlns.xml", true)]
    [InlineData("response_with_signed_assertion_3.xml", true)]
    [InlineData("response_assertion_wrapped.xml.base64", false)]
    [InlineData("invalids/signature_wrapping_attack.xml.base64", false)]
    [InlineData("invalids/response_invalid_signed_element.xml.base64", true)]
    [InlineData("response_without_reference_uri.xml.base64", false)]
    [InlineData("starfield_response.xml.base64", false)]
    public void SignaturesAreJudgedAsTheyAre(string file, bool isSigned)
    {
        // Proves that signatures of third parties over the assertion verify under the certificate that they bring, once
        // it is pinned (with SHA-1 let in, which is old enough to be theirs), and that hostile ones do not.
        XmlElement? root = SamlXml.Parse(Bytes(file), 256 * 1024)?.DocumentElement;
        string because = "";
        XmlElement? read = null;
        if (root is not null)
        {
            XmlElement assertion = ScriptedProvider.In(root, "Assertion");
            because = SamlSignature.Verify(assertion, KeysIn(root), SamlSignature.Sha1Methods, out read);
        }

        Assert.True(isSigned == (read is not null), because);
        if (read is null) return;
        Assert.Equal("Assertion", read.LocalName);

        // Without SHA-1 let in, only what is signed by better methods is.
        bool isModern = root!.OuterXml.Contains("rsa-sha256", StringComparison.Ordinal);
        because = SamlSignature.Verify(ScriptedProvider.In(root, "Assertion"), KeysIn(root), [], out read);
        Assert.True(isModern == (read is not null), because);
    }

    private static List<RSA> KeysIn(XmlElement root)
    {
        List<RSA> keys = [];
        foreach (XmlElement element in root.SelectNodes("descendant::*")!.OfType<XmlElement>()
            .Where(one => one.LocalName == "X509Certificate"))
        {
            using X509Certificate2 certificate =
                X509CertificateLoader.LoadCertificate(Convert.FromBase64String(element.InnerText));
            keys.Add(certificate.GetRSAPublicKey()!);
        }

        return keys;
    }

    private static byte[] Bytes(string file)
    {
        byte[] bytes = File.ReadAllBytes(CaseFolder.Path("saml", file));
        return file.EndsWith(".base64", StringComparison.Ordinal)
            ? Convert.FromBase64String(Encoding.ASCII.GetString(bytes))
            : bytes;
    }
}
