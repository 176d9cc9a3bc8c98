using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Text;
using System.Xml;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Saml;
using Countersign.Kit;
using Countersign.Policy;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Identity.Tests.Inbound.Saml;

/// <summary>A SAML provider without a network: says what it is told to, signs and encrypts it.</summary>
internal sealed class ScriptedProvider : IDisposable
{
    public const string Issuer = "https://idp.test/metadata";
    public const string Control = "https://control.test";
    public const string Consumer = Control + SamlService.ConsumerPath;
    public const string TokenEndpoint = Control + "/oauth/token";
    public const string Audience = Control + SamlService.MetadataPath;

    public static readonly RSA Key = RSA.Create(2048);
    public static readonly RSA Stranger = RSA.Create(2048);
    private static readonly X509Certificate2 Own = Certify(RSA.Create(2048), "CN=gateway");
    private static readonly X509Certificate2 Idp = Certify(Key, "CN=idp");

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-saml-").FullName;

    public ScriptedProvider()
    {
        Spent = new InMemoryOneTimeStore(Clock);
        File.WriteAllText(Path.Combine(_folder, "idp.crt"), Idp.ExportCertificatePem());
        File.WriteAllText(
            Path.Combine(_folder, "own.pem"),
            Own.ExportCertificatePem() + "\n" + Own.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem() + "\n");
    }

    public ScriptedClock Clock { get; } = new();

    public InMemoryOneTimeStore Spent { get; }

    public DateTimeOffset Now => Clock.GetUtcNow();

    public static X509Certificate2 Gateway => Own;

    public string CertificateFile => Path.Combine(_folder, "idp.crt");

    public string KeyFile => Path.Combine(_folder, "own.pem");

    public SamlProviderOptions Options => new()
    {
        Mapping = new IssuerOptions
        {
            Issuer = Issuer,
            Audiences = [Audience],
            Groups = ["groups"],
            DefaultKind = CallerKind.Human,
        },
        Name = "test",
        CertificateFiles = [CertificateFile],
        SignInUrl = "https://idp.test/sso",
    };

    public SamlService Service(
        SamlProviderOptions? options = null, HttpMessageInvoker? http = null, Func<Caller, bool>? isRevoked = null) =>
        new(
            new SamlServiceOptions { Providers = [options ?? Options], KeyFile = KeyFile },
            http ?? new HttpMessageInvoker(new SocketsHttpHandler()), Spent, () => Control, Clock, NullLogger.Instance)
        {
            IsRevoked = isRevoked ?? (static _ => false),
        };

    /// <summary>A good assertion, changed before it is signed.</summary>
    public XmlDocument Assertion(Action<XmlElement>? change = null, string? recipient = null, string? audience = null)
    {
        string text = $"""
            <saml:Assertion xmlns:saml="{SamlXml.Assertion}" xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="_a1"
                Version="2.0" IssueInstant="{At(0)}">
              <saml:Issuer>{Issuer}</saml:Issuer>
              <saml:Subject>
                <saml:NameID
                    Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">alice@example.test</saml:NameID>
                <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
                  <saml:SubjectConfirmationData NotOnOrAfter="{At(300)}" Recipient="{recipient ?? Consumer}"
                      InResponseTo="_r1"/>
                </saml:SubjectConfirmation>
              </saml:Subject>
              <saml:Conditions NotBefore="{At(-30)}" NotOnOrAfter="{At(300)}">
                <saml:AudienceRestriction>
                  <saml:Audience>{audience ?? Audience}</saml:Audience>
                </saml:AudienceRestriction>
              </saml:Conditions>
              <saml:AuthnStatement AuthnInstant="{At(0)}" SessionNotOnOrAfter="{At(3600)}" SessionIndex="_s1">
                <saml:AuthnContext>
                  <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>
                </saml:AuthnContext>
              </saml:AuthnStatement>
              <saml:AttributeStatement>
                <saml:Attribute
                    Name="groups"><saml:AttributeValue>support</saml:AttributeValue>
                    <saml:AttributeValue>staff</saml:AttributeValue></saml:Attribute>
                <saml:Attribute
                    Name="mail"><saml:AttributeValue>alice@example.test</saml:AttributeValue></saml:Attribute>
              </saml:AttributeStatement>
            </saml:Assertion>
            """;
        XmlDocument document = new() { PreserveWhitespace = true };
        document.LoadXml(text);
        change?.Invoke(document.DocumentElement!);
        return document;
    }

    /// <summary>Signs the root where SAML wants it: after the issuer.</summary>
    public static XmlDocument Sign(XmlDocument document, RSA? key = null, Action<SignedXml>? change = null)
    {
        XmlElement root = document.DocumentElement!;
        SignedXml signed = new(document) { SigningKey = key ?? Key };
        signed.SignedInfo!.CanonicalizationMethod = SignedXml.XmlDsigExcC14NTransformUrl;
        signed.SignedInfo.SignatureMethod = SignedXml.XmlDsigRSASHA256Url;
        Reference reference = new("#" + root.GetAttribute("ID")) { DigestMethod = SignedXml.XmlDsigSHA256Url };
        reference.AddTransform(new XmlDsigEnvelopedSignatureTransform());
        reference.AddTransform(new XmlDsigExcC14NTransform());
        signed.AddReference(reference);
        change?.Invoke(signed);
        signed.ComputeSignature();
        XmlNode issuer = root.ChildNodes.OfType<XmlElement>().First(child => child.LocalName == "Issuer");
        root.InsertAfter(document.ImportNode(signed.GetXml(), deep: true), issuer);
        return document;
    }

    /// <summary>The response around an assertion, or around whatever there is.</summary>
    public XmlDocument Response(XmlDocument assertion, Action<XmlElement>? change = null)
    {
        XmlDocument document = new() { PreserveWhitespace = true };
        document.LoadXml($"""
            <samlp:Response xmlns:samlp="{SamlXml.Protocol}" ID="_p1" Version="2.0" IssueInstant="{At(0)}"
                Destination="{Consumer}" InResponseTo="_r1">
              <saml:Issuer xmlns:saml="{SamlXml.Assertion}">{Issuer}</saml:Issuer>
              <samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
            </samlp:Response>
            """);
        document.DocumentElement!.AppendChild(document.ImportNode(assertion.DocumentElement!, deep: true));
        change?.Invoke(document.DocumentElement);
        return document;
    }

    /// <summary>The assertion under our key.</summary>
    public static XmlDocument Encrypt(XmlDocument assertion, string method, string wrap, RSA? key = null)
    {
        byte[] clear = Encoding.UTF8.GetBytes(assertion.DocumentElement!.OuterXml);
        byte[] secret = RandomNumberGenerator.GetBytes(method.Contains("256", StringComparison.Ordinal) ? 32 : 16);
        byte[] sealedBytes = method.EndsWith("gcm", StringComparison.Ordinal) ? Gcm(clear, secret) : Cbc(clear, secret);
        RSA ours = key ?? Own.GetRSAPublicKey()!;
        (string name, string more, RSAEncryptionPadding padding) = wrap switch
        {
            "rsa-oaep-mgf1p" => (SamlXml.Encryption + wrap, "", RSAEncryptionPadding.OaepSHA1),
            "rsa-oaep" => (SamlXml.Encryption11 + wrap,
                $"<ds:DigestMethod Algorithm=\"{SamlXml.Encryption}sha256\"/>"
                + $"<x11:MGF Algorithm=\"{SamlXml.Encryption11}mgf1sha256\"/>", RSAEncryptionPadding.OaepSHA256),
            _ => (SamlXml.Encryption + wrap, "", RSAEncryptionPadding.Pkcs1),
        };
        string space = method.EndsWith("gcm", StringComparison.Ordinal) ? SamlXml.Encryption11 : SamlXml.Encryption;
        XmlDocument document = new() { PreserveWhitespace = true };
        document.LoadXml(
            $"<saml:EncryptedAssertion xmlns:saml=\"{SamlXml.Assertion}\" xmlns:x=\"{SamlXml.Encryption}\" "
            + $"xmlns:x11=\"{SamlXml.Encryption11}\" xmlns:ds=\"{SamlXml.Signature}\"><x:EncryptedData>"
            + $"<x:EncryptionMethod Algorithm=\"{space}{method}\"/><ds:KeyInfo><x:EncryptedKey>"
            + $"<x:EncryptionMethod Algorithm=\"{name}\">{more}</x:EncryptionMethod><x:CipherData><x:CipherValue>"
            + Convert.ToBase64String(ours.Encrypt(secret, padding))
            + "</x:CipherValue></x:CipherData></x:EncryptedKey></ds:KeyInfo><x:CipherData><x:CipherValue>"
            + Convert.ToBase64String(sealedBytes)
            + "</x:CipherValue></x:CipherData></x:EncryptedData></saml:EncryptedAssertion>");
        return document;
    }

    public static string Post(XmlDocument response) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(response.OuterXml), Base64FormattingOptions.InsertLineBreaks);

    public static string Bearer(XmlDocument assertion) =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes(assertion.OuterXml));

    /// <summary>The first element of that name.</summary>
    public static XmlElement In(XmlNode node, string name) =>
        node.SelectNodes("descendant-or-self::*")!.OfType<XmlElement>().First(one => one.LocalName == name);

    public string At(int seconds) =>
        Now.AddSeconds(seconds).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static byte[] Gcm(byte[] clear, byte[] secret)
    {
        byte[] whole = new byte[12 + clear.Length + 16];
        RandomNumberGenerator.Fill(whole.AsSpan(0, 12));
        using AesGcm aes = new(secret, 16);
        aes.Encrypt(
            whole.AsSpan(0, 12), clear, whole.AsSpan(12, clear.Length), whole.AsSpan(12 + clear.Length));
        return whole;
    }

    private static byte[] Cbc(byte[] clear, byte[] secret)
    {
        using Aes aes = Aes.Create();
        aes.Key = secret;
        return [.. aes.IV, .. aes.EncryptCbc(clear, aes.IV, PaddingMode.ISO10126)];
    }

    private static X509Certificate2 Certify(RSA key, string name) => new CertificateRequest(
            name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        .CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(90));
}
