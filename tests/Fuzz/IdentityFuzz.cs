using System.Text;
using System.Xml;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Saml;

namespace Countersign.Fuzz;

/// <summary>What strangers send to prove who they are: SAML documents and compact tokens.</summary>
public sealed class IdentityFuzz
{
    private const string Sound = """
        <samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r" Version="2.0">
          <saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a" Version="2.0">
            <saml:Issuer>https://idp.test</saml:Issuer>
            <saml:Subject><saml:NameID>alice</saml:NameID></saml:Subject>
          </saml:Assertion>
        </samlp:Response>
        """;

    private static readonly string[] Odd =
    [
        "<!-- -->", "<![CDATA[x]]>", "<?x y?>", "<!DOCTYPE r [<!ENTITY x 'y'>]>", "&#x41;", "&lt;", "&amp;", "&x;",
        "\u0085", "\ufeff", "<a/>", "</saml:Assertion>", " ID=\"_a\"", " xmlns=\"urn:x\"", "xml:id=\"_a\" ",
    ];

    [Fact]
    public Task Documents() => FuzzRun.ForSeedsAsync(5_000, random =>
    {
        // Proves that no document crashes the parser, and that one that is let in holds what has one reading alone: it
        // is written and read again to the same, without a comment, an entity, or an id that stands there twice.
        string text = Sound;
        for (int change = random.Next(4); change > 0; change--)
            text = text.Insert(random.Next(text.Length + 1), Odd[random.Next(Odd.Length)]);
        byte[] bytes = FuzzRun.Mutate(random, Encoding.UTF8.GetBytes(text));
        if (SamlXml.Parse(bytes, 65_536) is not { } document) return Task.CompletedTask;
        XmlNode[] nodes = [.. document.SelectNodes("//node()")!.OfType<XmlNode>()];
        Assert.DoesNotContain(
            nodes, node => node is XmlComment or XmlCDataSection or XmlProcessingInstruction or XmlEntityReference
                or XmlDocumentType);
        byte[] again = Encoding.UTF8.GetBytes(document.DocumentElement!.OuterXml);
        Assert.Equal(document.DocumentElement.OuterXml, SamlXml.Parse(again, 131_072)!.DocumentElement!.OuterXml);
        string[] ids = [.. nodes.OfType<XmlElement>().Select(one => one.GetAttribute("ID")).Where(id => id.Length > 0)];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        return Task.CompletedTask;
    });

    [Fact]
    public Task Tokens() => FuzzRun.ForSeedsAsync(20_000, random =>
    {
        // Proves that no bytes crash the reader of tokens, and that what it reads was written canonically: encoding the
        // parts again gives the token back.
        string[] parts =
        [
            """{"alg":"ES256","typ":"JWT"}""", """{"iss":"https://issuer.test","sub":"alice","aud":["a","b"]}""",
        ];
        string text = string.Join('.', parts.Select(part => System.Buffers.Text.Base64Url.EncodeToString(
            FuzzRun.Mutate(random, Encoding.UTF8.GetBytes(part))))) + ".AAAA";
        byte[] bytes = FuzzRun.Mutate(random, Encoding.ASCII.GetBytes(text));
        TokenFault fault = CompactToken.TryRead(bytes, 16_384, out CompactToken? read);
        Assert.Equal(fault == TokenFault.None, read is not null);
        if (read is null) return Task.CompletedTask;
        using CompactToken compact = read;
        string again = Encoding.ASCII.GetString(compact.Signed) + "."
            + System.Buffers.Text.Base64Url.EncodeToString(compact.Signature);
        Assert.Equal(again, Encoding.ASCII.GetString(bytes));
        return Task.CompletedTask;
    });
}
