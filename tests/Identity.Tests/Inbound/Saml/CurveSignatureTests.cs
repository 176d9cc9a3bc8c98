using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Xml;
using Countersign.Identity.Inbound.Saml;
using Xunit;

namespace Countersign.Identity.Tests.Inbound.Saml;

/// <summary>Assertions signed on elliptic curves, by xmlsec1: code that is not ours.</summary>
public sealed class CurveSignatureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-saml-").FullName;

    public static TheoryData<string, string> Methods
    {
        get
        {
            TheoryData<string, string> methods = [];
            foreach (string curve in (string[])["nistP256", "nistP384", "nistP521"])
            {
                foreach (string hash in (string[])["256", "384", "512"]) methods.Add(curve, hash);
            }

            return methods;
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Methods))]
    public void WhatXmlsec1SignsIsVerifiedAndNothingElseIs(string curve, string hash)
    {
        // Proves each curve with each digest: the signed element is read; another key, an RSA key, a changed text, a
        // changed signature and a method of RSA's name are refused.
        using ECDsa key = ECDsa.Create(ECCurve.CreateFromFriendlyName(curve));
        using ECDsa stranger = ECDsa.Create(ECCurve.CreateFromFriendlyName(curve));
        string xml = Sign(key, "ecdsa-sha" + hash);
        Assert.Equal("", Verify(xml, key, out XmlElement? read));
        Assert.Equal("carol", read!.FirstChild!.InnerText);
        Assert.Equal("", Verify(xml, [stranger, ScriptedProvider.Key, key], out _));
        Assert.Equal("the signature is wrong", Verify(xml, stranger, out _));
        Assert.Equal("the signature is wrong", Verify(xml, ScriptedProvider.Key, out _));
        Assert.NotEqual("", Verify(xml.Replace("carol", "darol", StringComparison.Ordinal), key, out read));
        Assert.Null(read);
        Assert.NotEqual("", Verify(
            xml.Replace("ecdsa-sha" + hash, "rsa-sha" + hash, StringComparison.Ordinal), key, out _));
        int value = xml.IndexOf("<ds:SignatureValue>", StringComparison.Ordinal) + "<ds:SignatureValue>".Length + 4;
        char other = xml[value] == 'A' ? 'B' : 'A';
        Assert.Equal("the signature is wrong", Verify(xml[..value] + other + xml[(value + 1)..], key, out _));
    }

    [Theory]
    [InlineData("ecdsa-sha1")]
    [InlineData("ecdsa-sha224")]
    public void AMethodThatIsNotOnTheListIsRefused(string method)
    {
        // Proves the allow-list for curves.
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Equal("the signature's algorithm is not allowed", Verify(Sign(key, method), key, out _));
    }

    [Fact]
    public void OnlyCurvesOfTheListArePinned()
    {
        // Proves which certificates' keys are taken, by a file of one each.
        foreach ((string curve, bool isTaken) in (ReadOnlySpan<(string, bool)>)
            [("nistP256", true), ("nistP384", true), ("nistP521", true), ("brainpoolP256r1", false)])
        {
            using ECDsa key = ECDsa.Create(ECCurve.CreateFromFriendlyName(curve));
            using X509Certificate2 certificate = new CertificateRequest("CN=idp", key, HashAlgorithmName.SHA256)
                .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
            Assert.Equal(isTaken, SamlKeys.KeyOf(certificate.RawData) is ECDsa);
        }
    }

    private static string Verify(string xml, AsymmetricAlgorithm key, out XmlElement? read) =>
        Verify(xml, [key], out read);

    private static string Verify(string xml, AsymmetricAlgorithm[] keys, out XmlElement? read)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(xml);
        XmlElement root = SamlXml.Parse(bytes, bytes.Length)!.DocumentElement!;
        return SamlSignature.Verify((XmlElement)root.FirstChild!, keys, [], out read);
    }

    // In a response that declares namespaces, so that what is canonical is not what is written.
    private string Sign(ECDsa key, string method)
    {
        string signature = $"""
            <ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>
            <ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
            <ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#{method}"/>
            <ds:Reference URI="#_1"><ds:Transforms>
            <ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
            <ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>
            <ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>
            </ds:SignedInfo><ds:SignatureValue/></ds:Signature>
            """;
        string xml = $"""
            <a:Response xmlns:a="urn:a" xmlns:b="urn:b"><b:Assertion ID="_1"><b:Name>carol</b:Name>{signature}
            </b:Assertion></a:Response>
            """;
        string input = Path.Combine(_folder, "in.xml"), output = Path.Combine(_folder, "out.xml");
        string pem = Path.Combine(_folder, "key.pem");
        File.WriteAllText(input, xml);
        File.WriteAllText(pem, key.ExportPkcs8PrivateKeyPem());
        using Process run = Process.Start(new ProcessStartInfo(
            "xmlsec1", ["--sign", "--id-attr:ID", "Assertion", "--privkey-pem", pem, "--output", output, input])
        {
            RedirectStandardError = true,
        })!;
        string errors = run.StandardError.ReadToEnd();
        run.WaitForExit();
        Assert.True(run.ExitCode == 0, errors);
        string signed = File.ReadAllText(output);
        return signed[signed.IndexOf("<a:Response", StringComparison.Ordinal)..].Trim();
    }
}
