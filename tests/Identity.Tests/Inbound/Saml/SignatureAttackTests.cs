using System.Security.Cryptography;
using System.Security.Cryptography.Xml;
using System.Text;
using System.Xml;
using Countersign.Identity.Inbound.Saml;
using Xunit;

namespace Countersign.Identity.Tests.Inbound.Saml;

/// <summary>Attacks on the signature: wrapping in its eight known forms (Somorovsky and others, 2012), and what a
/// signature must not be.</summary>
public sealed class SignatureAttackTests : IAsyncDisposable
{
    private const string Evil = "mallory@example.test";

    private readonly ScriptedProvider _idp = new();
    private readonly SamlService _service;

    public SignatureAttackTests() => _service = _idp.Service();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        _idp.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task ASignatureIsNotWrapped(int variant)
    {
        // Proves that no variant lets a forged assertion pass beside, above or below the signed one; the signed one, by
        // itself, is good.
        XmlDocument response = _idp.Response(ScriptedProvider.Sign(_idp.Assertion()));
        if (variant <= 2) ScriptedProvider.Sign(response);
        string untouched = ScriptedProvider.Post(response);
        Wrap(response.DocumentElement!, variant);
        Assert.Contains(Evil, response.OuterXml, StringComparison.Ordinal);
        SamlResult result = await _service.AcceptResponseAsync(ScriptedProvider.Post(response), Cancel);
        Assert.Null(result.Caller);
        Assert.NotEmpty(result.Because);
        Assert.Equal("", (await _service.AcceptResponseAsync(untouched, Cancel)).Because);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void WhatIsReadIsWhatWasSigned(int variant)
    {
        // Proves the same below the count of assertions: wherever a signature verifies, what is given back is the
        // signed person, whatever else is in the document.
        XmlDocument response = _idp.Response(ScriptedProvider.Sign(_idp.Assertion()));
        Wrap(response.DocumentElement!, variant);
        int verified = 0;
        foreach (XmlElement assertion in response.SelectNodes("//*")!.OfType<XmlElement>()
            .Where(one => one.LocalName == "Assertion"))
        {
            SamlSignature.Verify(assertion, [ScriptedProvider.Key], [], out XmlElement? read);
            if (read is null) continue;
            verified++;
            Assert.Equal("alice@example.test", ScriptedProvider.In(read, "NameID").InnerText);
            Assert.DoesNotContain(Evil, read.OuterXml, StringComparison.Ordinal);
        }

        Assert.InRange(verified, 0, 1);
    }

    [Fact]
    public async Task EveryChangeAfterSigningIsSeen()
    {
        // Proves over every text and attribute of a signed assertion that changing it, alone, refuses the answer.
        XmlDocument signed = ScriptedProvider.Sign(_idp.Assertion());
        int places = signed.SelectNodes("//text()[normalize-space()] | //@*[namespace-uri()='']")!.Count;
        Assert.InRange(places, 20, 80);
        for (int place = 0; place < places; place++)
        {
            XmlDocument changed = (XmlDocument)signed.CloneNode(deep: true);
            XmlNode node = changed.SelectNodes("//text()[normalize-space()] | //@*[namespace-uri()='']")![place]!;
            if (node.ParentNode?.LocalName is "X509Certificate") continue;
            node.Value = node.Value![..^1] + (node.Value[^1] == 'x' ? 'y' : 'x');
            SamlResult result = await _service.AcceptResponseAsync(
                ScriptedProvider.Post(_idp.Response(changed)), Cancel);
            Assert.True(result.Caller is null, $"{node.Name} of {node.ParentNode?.Name}");
        }
    }

    [Fact]
    public async Task AStrangersSignatureIsNone()
    {
        // Proves that a key in the document is not a key that counts: signed by a stranger who brings their
        // certificate.
        XmlDocument signed = ScriptedProvider.Sign(
            _idp.Assertion(), ScriptedProvider.Stranger,
            xml =>
            {
                KeyInfo brought = new();
                brought.AddClause(new RSAKeyValue(ScriptedProvider.Stranger));
                xml.KeyInfo = brought;
            });
        Assert.Equal("the signature is wrong", await BecauseAsync(signed));
        Assert.Equal("the assertion is not signed", await BecauseAsync(_idp.Assertion()));
    }

    [Theory]
    [InlineData("http://www.w3.org/2000/09/xmldsig#rsa-sha1", "the signature's algorithm is not allowed")]
    [InlineData("http://www.w3.org/2000/09/xmldsig#hmac-sha1", "the signature's algorithm is not allowed")]
    [InlineData("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "the signature's algorithm is not allowed")]
    [InlineData("http://www.w3.org/2000/09/xmldsig#dsa-sha1", "the signature's algorithm is not allowed")]
    [InlineData("", "the signature's algorithm is not allowed")]
    public async Task OtherAlgorithmsAreRefused(string method, string because)
    {
        // Proves the allow-list: a MAC, whose key would be public, and SHA-1 are not on it.
        XmlDocument signed = ScriptedProvider.Sign(_idp.Assertion());
        ScriptedProvider.In(signed, "SignatureMethod").SetAttribute("Algorithm", method);
        Assert.Equal(because, await BecauseAsync(signed));
    }

    [Theory]
    [InlineData("DigestMethod", "http://www.w3.org/2000/09/xmldsig#sha1", "the signature's digest is not allowed")]
    [InlineData(
        "CanonicalizationMethod", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "the signature is not canonicalized exclusively")]
    [InlineData(
        "CanonicalizationMethod", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "the signature is not canonicalized exclusively")]
    [InlineData(
        "Transform", "http://www.w3.org/TR/1999/REC-xslt-19991116", "the signature's transforms are not allowed")]
    [InlineData(
        "Transform", "http://www.w3.org/TR/1999/REC-xpath-19991116", "the signature's transforms are not allowed")]
    [InlineData("Transform", "http://www.w3.org/2000/09/xmldsig#base64", "the signature's transforms are not allowed")]
    public async Task OtherTransformsAreRefused(string element, string method, string because)
    {
        // Proves that nothing is run or left out because a signature says so.
        XmlDocument signed = ScriptedProvider.Sign(_idp.Assertion());
        ScriptedProvider.In(signed, element).SetAttribute("Algorithm", method);
        Assert.Equal(because, await BecauseAsync(signed));
    }

    [Theory]
    [InlineData("", "the signature is over another element")]
    [InlineData("#_r9", "the signature is over another element")]
    [InlineData("https://evil.test/x", "the signature is over another element")]
    [InlineData("#xpointer(/)", "the signature is over another element")]
    [InlineData("#xpointer(id('_a1'))", "the signature is over another element")]
    public async Task AReferenceIsToTheAssertionItself(string uri, string because)
    {
        // Proves that a signature is over the element that holds it, named by its own id.
        XmlDocument signed = ScriptedProvider.Sign(_idp.Assertion());
        ScriptedProvider.In(signed, "Reference").SetAttribute("URI", uri);
        Assert.Equal(because, await BecauseAsync(signed));
    }

    [Fact]
    public async Task ASignatureHoldsNothingElse()
    {
        // Proves that a second reference, an object, or a second signature is refused.
        XmlDocument twice = ScriptedProvider.Sign(_idp.Assertion());
        XmlElement reference = ScriptedProvider.In(twice, "Reference");
        reference.ParentNode!.AppendChild(reference.CloneNode(deep: true));
        Assert.Equal("the signature is not over one element", await BecauseAsync(twice));
        XmlDocument withObject = ScriptedProvider.Sign(_idp.Assertion());
        XmlElement signature = ScriptedProvider.In(withObject, "Signature");
        signature.AppendChild(withObject.CreateElement("Object", SamlXml.Signature));
        Assert.Equal("the signature holds what it must not", await BecauseAsync(withObject));
        XmlDocument again = ScriptedProvider.Sign(_idp.Assertion());
        again.DocumentElement!.AppendChild(ScriptedProvider.In(again, "Signature").CloneNode(deep: true));
        Assert.Equal("the signature is not where it belongs", await BecauseAsync(again));
    }

    [Fact]
    public async Task AnAssertionThatWasNeverSignedIsNotSignedByItsAnswer()
    {
        // Proves that the signature is on the assertion itself: one on the response alone is not enough.
        XmlDocument response = ScriptedProvider.Sign(_idp.Response(_idp.Assertion()));
        Assert.Equal(
            "the assertion is not signed",
            (await _service.AcceptResponseAsync(ScriptedProvider.Post(response), Cancel)).Because);
    }

    [Fact]
    public async Task ACommentSplitsNoName()
    {
        // Proves that a name with a comment in it, which canonical bytes do not show, is refused as it is posted.
        XmlDocument signed = ScriptedProvider.Sign(
            _idp.Assertion(root => ScriptedProvider.In(root, "NameID").InnerText = "alice@example.test.evil.test"));
        XmlElement name = ScriptedProvider.In(signed, "NameID");
        name.InnerXml = "alice@example.test<!-- -->.evil.test";
        Assert.Equal("the answer is not one plain XML document", await BecauseAsync(signed));
    }

    private async Task<string> BecauseAsync(XmlDocument assertion)
    {
        SamlResult result = await _service.AcceptResponseAsync(
            ScriptedProvider.Post(_idp.Response(assertion)), Cancel);
        Assert.Null(result.Caller);
        return result.Because;
    }

    // The forms as they are known from SAML Raider: where the signed element goes, and where the forged one.
    private static void Wrap(XmlElement response, int variant)
    {
        XmlDocument document = response.OwnerDocument;
        XmlElement assertion = ScriptedProvider.In(response, "Assertion");
        XmlElement forged = (XmlElement)assertion.CloneNode(deep: true);
        forged.SetAttribute("ID", "_evil");
        ScriptedProvider.In(forged, "NameID").InnerText = Evil;
        XmlElement ofForged = ScriptedProvider.In(forged, "Signature");
        switch (variant)
        {
            case 1 or 2: // the whole signed response inside, or beside, the signature of a forged one
                XmlElement original = (XmlElement)response.CloneNode(deep: true);
                original.RemoveChild(OwnSignature(original));
                XmlElement signature = OwnSignature(response);
                response.SetAttribute("ID", "_evil-response");
                if (variant == 1) signature.AppendChild(original);
                else response.InsertBefore(original, signature);
                response.ReplaceChild(forged, assertion);
                forged.RemoveChild(ofForged);
                break;
            case 3: // before the signed one
                forged.RemoveChild(ofForged);
                response.InsertBefore(forged, assertion);
                break;
            case 4: // around the signed one
                forged.RemoveChild(ofForged);
                response.ReplaceChild(forged, assertion);
                forged.AppendChild(assertion);
                break;
            case 5: // with its signature, and the signed one bare at the end
                response.ReplaceChild(forged, assertion);
                assertion.RemoveChild(ScriptedProvider.In(assertion, "Signature"));
                response.AppendChild(assertion);
                break;
            case 6: // with its signature, which holds the signed one
                response.ReplaceChild(forged, assertion);
                assertion.RemoveChild(ScriptedProvider.In(assertion, "Signature"));
                ofForged.AppendChild(assertion);
                break;
            case 7: // in extensions that nobody validates
                XmlElement extensions = document.CreateElement("samlp", "Extensions", SamlXml.Protocol);
                response.InsertBefore(extensions, assertion);
                forged.RemoveChild(ofForged);
                extensions.AppendChild(forged);
                break;
            default: // with its signature, whose object holds the signed one
                XmlElement held = document.CreateElement("ds", "Object", SamlXml.Signature);
                response.ReplaceChild(forged, assertion);
                assertion.RemoveChild(ScriptedProvider.In(assertion, "Signature"));
                ofForged.AppendChild(held);
                held.AppendChild(assertion);
                break;
        }
    }

    private static XmlElement OwnSignature(XmlElement of) =>
        of.ChildNodes.OfType<XmlElement>().First(one => one.LocalName == "Signature");
}
