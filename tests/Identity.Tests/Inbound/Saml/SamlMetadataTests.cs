using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Xml;
using Countersign.Identity.Inbound.Saml;
using Xunit;

namespace Countersign.Identity.Tests.Inbound.Saml;

/// <summary>Requests that go out, providers' metadata, and our own.</summary>
public sealed class SamlMetadataTests : IAsyncDisposable
{
    private readonly ScriptedProvider _idp = new();
    private readonly SamlService _service;

    public SamlMetadataTests() => _service = _idp.Service();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        _idp.Dispose();
    }

    [Fact]
    public async Task ARequestIsDeflatedAndSigned()
    {
        // Proves the redirect binding: the request can be read back, names us, and the signature over the query holds.
        SamlStart start = (await _service.BeginAsync(0, "state-1", Cancel))!;
        Dictionary<string, string> query = start.Address.Query[1..].Split('&')
            .Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => Uri.UnescapeDataString(pair[1]));
        using MemoryStream packed = new(Convert.FromBase64String(query["SAMLRequest"]));
        await using DeflateStream inflate = new(packed, CompressionMode.Decompress);
        XmlDocument request = new();
        request.Load(inflate);
        Assert.Equal(start.Request, request.DocumentElement!.GetAttribute("ID"));
        Assert.Equal(
            ScriptedProvider.Consumer, request.DocumentElement.GetAttribute("AssertionConsumerServiceURL"));
        Assert.Equal(ScriptedProvider.Audience, ScriptedProvider.In(request, "Issuer").InnerText);
        Assert.Equal("state-1", query["RelayState"]);
        string signed = start.Address.Query[1..start.Address.Query.IndexOf("&Signature=", StringComparison.Ordinal)];
        using RSA key = ScriptedProvider.Gateway.GetRSAPublicKey()!;
        Assert.True(key.VerifyData(
            Encoding.ASCII.GetBytes(signed), Convert.FromBase64String(query["Signature"]), HashAlgorithmName.SHA256,
            RSASignaturePadding.Pkcs1));
        Assert.NotEqual(start.Request, (await _service.BeginAsync(0, "state-1", Cancel))!.Request);
    }

    [Fact]
    public async Task MetadataOfAProviderIsFetchedAndKept()
    {
        // Proves that keys and address come from metadata, and that one that is away, wrong or too old is not used.
        MetadataPlace place = new(Metadata(ScriptedProvider.Issuer));
        SamlProviderOptions options = _idp.Options with
        {
            CertificateFiles = [],
            SignInUrl = null,
            Metadata = "https://idp.test/metadata",
        };
        await using SamlService service = _idp.Service(options, new HttpMessageInvoker(place));
        Assert.StartsWith(
            "https://idp.test/sso2?", (await service.BeginAsync(0, "s", Cancel))!.Address.AbsoluteUri,
            StringComparison.Ordinal);
        string post = ScriptedProvider.Post(_idp.Response(ScriptedProvider.Sign(_idp.Assertion())));
        Assert.Equal("", (await service.AcceptResponseAsync(post, Cancel)).Because);

        foreach (string text in (string[])[Metadata("https://other.test"), "<x/>", Metadata(
            ScriptedProvider.Issuer, $"validUntil=\"{_idp.At(-1)}\"")])
        {
            await using SamlService wrong = _idp.Service(options, new HttpMessageInvoker(new MetadataPlace(text)));
            Assert.Null(await wrong.BeginAsync(0, "s", Cancel));
            Assert.Equal("the signature is wrong", (await wrong.AcceptResponseAsync(post, Cancel)).Because);
        }

        _idp.Clock.Advance(TimeSpan.FromHours(25));
        place.IsAway = true;
        Assert.Null(await service.BeginAsync(0, "s", Cancel));
    }

    [Fact]
    public void OurMetadataCanBeReadAsAProvidersWould()
    {
        // Proves that what is published is plain XML that names us, where answers go, and our certificate.
        XmlDocument metadata = SamlXml.Parse(_service.Metadata(), SamlMetadata.BytesMax)!;
        Assert.Equal(ScriptedProvider.Audience, metadata.DocumentElement!.GetAttribute("entityID"));
        Assert.Equal(
            ScriptedProvider.Consumer,
            ScriptedProvider.In(metadata, "AssertionConsumerService").GetAttribute("Location"));
        Assert.Equal(
            Convert.ToBase64String(ScriptedProvider.Gateway.RawData),
            ScriptedProvider.In(metadata, "X509Certificate").InnerText);
    }

    private static string Metadata(string entity, string more = "") => $"""
        <md:EntityDescriptor xmlns:md="{SamlXml.Metadata}" xmlns:ds="{SamlXml.Signature}" entityID="{entity}" {more}>
          <md:IDPSSODescriptor protocolSupportEnumeration="{SamlXml.Protocol}">
            <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>
              {Convert.ToBase64String(Certificate())}
            </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
            <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
                Location="https://idp.test/sso2"/>
          </md:IDPSSODescriptor>
        </md:EntityDescriptor>
        """;

    private static byte[] Certificate()
    {
        using ScriptedProvider provider = new();
        string pem = File.ReadAllText(provider.CertificateFile);
        PemFields fields = PemEncoding.Find(pem);
        return Convert.FromBase64String(pem[fields.Base64Data]);
    }

    private sealed class MetadataPlace(string text) : HttpMessageHandler
    {
        public bool IsAway { get; set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel) =>
            IsAway
                ? throw new HttpRequestException("refused")
                : Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(text) });
    }
}
