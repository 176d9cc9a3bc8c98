using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Identity;

/// <summary>The real gateway with a real SAML provider of others: SimpleSAMLphp, and xmlsec1 as another
/// signer.</summary>
public sealed partial class SamlTests : IAsyncLifetime
{
    private const string CertificateName = "own.pem";

    private readonly ServeSetup _setup = new("http://127.0.0.1:9", "gateway", ServeSetup.Policy("http://127.0.0.1:9"));
    private SamlProvider _provider = null!;
    private CountersignProcess _gateway = null!;
    private string _ownCertificate = "";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Control => _gateway.Ready["control"]!.ToString();

    private string Data => _gateway.Ready["data"]!.ToString();

    public async ValueTask InitializeAsync()
    {
        try
        {
            await BeginAsync();
        }
        catch
        {
            // What could not be begun is not ended by the runner, and PHP would go on.
            await DisposeAsync();
            throw;
        }
    }

    private async Task BeginAsync()
    {
        _provider = await SamlProvider.StartAsync(Cancel);
        WriteOwnKey();
        JsonObject configuration = JsonNode.Parse(
            await File.ReadAllTextAsync(_setup.ConfigurationFile),
            documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip })!.AsObject();
        configuration["identity"]!["saml"] = new JsonObject
        {
            ["key"] = CertificateName,
            ["providers"] = new JsonArray(new JsonObject
            {
                ["entityId"] = _provider.EntityId,
                ["metadata"] = _provider.EntityId,
                ["name"] = "Simple",
                ["groups"] = "groups",
                ["cbc"] = true, // all that this provider can encrypt by
            }),
        };
        await File.WriteAllTextAsync(_setup.ConfigurationFile, configuration.ToJsonString());
        _gateway = await _setup.StartAsync("embedded");
    }

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null) await _gateway.DisposeAsync();
        if (_provider is not null) await _provider.DisposeAsync();
        _setup.Dispose();
    }

    [Fact]
    public async Task People_sign_in_at_the_console()
    {
        // Proves Web SSO end to end: our request out, their login, their answer in, and the console knows who it is. An
        // answer that is posted again, or in another browser, signs nobody in.
        _provider.Know(Control);
        using Browser browser = new();
        (string answer, string state) = await AnswerAsync(browser, "carol");
        using Browser another = new();
        (HttpStatusCode status, string page) = await PostAsync(another, answer, state);
        Assert.Contains("not begun in this browser", page, StringComparison.Ordinal);
        (status, page) = await PostAsync(browser, answer, state);
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("used before", page, StringComparison.Ordinal);

        (answer, state) = await AnswerAsync(browser, "carol");
        (status, page) = await PostAsync(browser, answer, state);
        Assert.True(status == HttpStatusCode.OK, page + _provider.Log);
        Assert.Contains("carol", page, StringComparison.Ordinal);
        string inbox = await browser.Http.GetStringAsync(Control + "/console/history", Cancel);
        Assert.Contains("carol", inbox, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_are_signed_and_assertions_encrypted()
    {
        // Proves both against the provider's own code: it takes no request that we did not sign, and encrypts for us.
        _provider.Know(
            Control,
            $"'certData' => '{_ownCertificate}', 'validate.authnrequest' => true, 'assertion.encryption' => true");
        using Browser browser = new();
        (string answer, string state) = await AnswerAsync(browser, "carol");
        string xml = Encoding.UTF8.GetString(Convert.FromBase64String(answer));
        Assert.Contains("EncryptedAssertion", xml, StringComparison.Ordinal);
        Assert.DoesNotContain("finance-leads", xml, StringComparison.Ordinal);
        (HttpStatusCode status, string page) = await PostAsync(browser, answer, state);
        Assert.True(status == HttpStatusCode.OK, page);
        Assert.Contains("carol", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bearer_assertion_that_xmlsec1_signed_becomes_a_token()
    {
        // Proves RFC 7522 with another's signature, that both listeners take the token, and that the assertion is used
        // once; and that xmlsec1 agrees with us on what is signed well.
        string assertion = await SignAsync(Assertion());
        JsonObject token = await TokenAsync(assertion, HttpStatusCode.OK);
        string bearer = token["access_token"]!.ToString();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(Control + "/api/v1/approvals", bearer));
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(Data + "/no/such/function", bearer));
        JsonObject again = await TokenAsync(assertion, HttpStatusCode.BadRequest);
        Assert.Equal("the assertion was used before", again["error_description"]!.ToString());

        string other = await SignAsync(Assertion());
        string changed = other.Replace(">carol<", ">root<", StringComparison.Ordinal);
        Assert.NotEqual(0, await XmlSecAsync("--verify", changed));
        Assert.Equal(0, await XmlSecAsync("--verify", other));
        JsonObject refused = await TokenAsync(changed, HttpStatusCode.BadRequest);
        Assert.Equal("invalid_grant", refused["error"]!.ToString());
        Assert.Equal("the signature is wrong", refused["error_description"]!.ToString());
        await TokenAsync(other, HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_gateway_says_what_it_is()
    {
        // Proves that our metadata is published, and names SAML among the grants.
        using HttpClient http = new();
        string metadata = await http.GetStringAsync(Control + "/saml/metadata", Cancel);
        Assert.Contains($"entityID=\"{Control}/saml/metadata\"", metadata, StringComparison.Ordinal);
        Assert.Contains(_ownCertificate, metadata, StringComparison.Ordinal);
        string grants = await http.GetStringAsync(Control + "/.well-known/oauth-authorization-server", Cancel);
        Assert.Contains("saml2-bearer", grants, StringComparison.Ordinal);
    }

    // To the provider, through its login, to the form that it would have the browser post.
    private async Task<(string Answer, string State)> AnswerAsync(Browser browser, string user)
    {
        string start = Control + "/console/signin/saml/start?provider=0&return=%2Fconsole%2Fhistory";
        using HttpResponseMessage login = await browser.Http.GetAsync(start, Cancel);
        string page = await login.Content.ReadAsStringAsync(Cancel);
        if (!page.Contains("SAMLResponse", StringComparison.Ordinal))
        {
            Match state = AuthState().Match(page);
            Assert.True(state.Success, page + _provider.Log + _gateway.Errors);
            using HttpResponseMessage answered = await browser.Http.PostAsync(
                login.RequestMessage!.RequestUri,
                new FormUrlEncodedContent(
                [
                    new("username", user), new("password", user + "pass"),
                    new("AuthState", WebUtility.HtmlDecode(state.Groups[1].Value)),
                ]),
                Cancel);
            page = await answered.Content.ReadAsStringAsync(Cancel);
        }

        Match answer = Field("SAMLResponse").Match(page), relayed = Field("RelayState").Match(page);
        Assert.True(answer.Success && relayed.Success, page + _provider.Log);
        return (WebUtility.HtmlDecode(answer.Groups[1].Value), WebUtility.HtmlDecode(relayed.Groups[1].Value));
    }

    private async Task<(HttpStatusCode Status, string Page)> PostAsync(Browser browser, string answer, string state)
    {
        using HttpResponseMessage page = await browser.Http.PostAsync(
            Control + "/console/signin/saml",
            new FormUrlEncodedContent([new("SAMLResponse", answer), new("RelayState", state)]), Cancel);
        return (page.StatusCode, await page.Content.ReadAsStringAsync(Cancel));
    }

    private async Task<JsonObject> TokenAsync(string assertion, HttpStatusCode expected)
    {
        using HttpClient http = new();
        using HttpResponseMessage answer = await http.PostAsync(
            Control + "/oauth/token",
            new FormUrlEncodedContent(
            [
                new("grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer"),
                new("assertion", Base64Url.EncodeToString(Encoding.UTF8.GetBytes(assertion))),
            ]),
            Cancel);
        string body = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.True(expected == answer.StatusCode, body);
        return JsonNode.Parse(body)!.AsObject();
    }

    private static async Task<HttpStatusCode> AskAsync(string address, string bearer)
    {
        using HttpClient http = new();
        using HttpRequestMessage request = new(HttpMethod.Get, address);
        request.Headers.Authorization = new("Bearer", bearer);
        using HttpResponseMessage answer = await http.SendAsync(request, Cancel);
        return answer.StatusCode;
    }

    private string Assertion()
    {
        string id = "_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        const string Form = "yyyy-MM-dd'T'HH:mm:ss'Z'", Saml = "urn:oasis:names:tc:SAML:2.0:";
        const string W3 = "http://www.w3.org/";
        string at = now.ToString(Form), end = now.AddMinutes(5).ToString(Form);
        string signature = $"""
            <ds:Signature xmlns:ds="{W3}2000/09/xmldsig#"><ds:SignedInfo>
            <ds:CanonicalizationMethod Algorithm="{W3}2001/10/xml-exc-c14n#"/>
            <ds:SignatureMethod Algorithm="{W3}2001/04/xmldsig-more#rsa-sha256"/>
            <ds:Reference URI="#{id}"><ds:Transforms>
            <ds:Transform Algorithm="{W3}2000/09/xmldsig#enveloped-signature"/>
            <ds:Transform Algorithm="{W3}2001/10/xml-exc-c14n#"/></ds:Transforms>
            <ds:DigestMethod Algorithm="{W3}2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>
            <ds:SignatureValue/></ds:Signature>
            """;
        return $"""
            <saml:Assertion xmlns:saml="{Saml}assertion" ID="{id}" Version="2.0" IssueInstant="{at}">
            <saml:Issuer>{_provider.EntityId}</saml:Issuer>{signature}<saml:Subject><saml:NameID>carol</saml:NameID>
            <saml:SubjectConfirmation Method="{Saml}cm:bearer">
            <saml:SubjectConfirmationData NotOnOrAfter="{end}" Recipient="{Control}/oauth/token"/>
            </saml:SubjectConfirmation></saml:Subject>
            <saml:Conditions NotOnOrAfter="{end}"><saml:AudienceRestriction>
            <saml:Audience>{Control}/oauth/token</saml:Audience></saml:AudienceRestriction></saml:Conditions>
            <saml:AttributeStatement><saml:Attribute Name="groups">
            <saml:AttributeValue>finance-leads</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>
            </saml:Assertion>
            """;
    }

    private async Task<string> SignAsync(string assertion)
    {
        string output = Path.Combine(_setup.Folder, Guid.NewGuid() + ".xml");
        Assert.Equal(0, await XmlSecAsync("--sign", assertion, "--privkey-pem", _provider.KeyFile, "--output", output));
        string signed = await File.ReadAllTextAsync(output, Cancel);
        return signed[signed.IndexOf("<saml:Assertion", StringComparison.Ordinal)..];
    }

    private async Task<int> XmlSecAsync(string verb, string xml, params string[] more)
    {
        string file = Path.Combine(_setup.Folder, Guid.NewGuid() + ".xml");
        await File.WriteAllTextAsync(file, xml, Cancel);
        string[] keys = verb == "--verify" ? ["--pubkey-cert-pem", _provider.CertificateFile] : [];
        using Process run = Process.Start(new ProcessStartInfo(
            "xmlsec1", [verb, "--id-attr:ID", "Assertion", .. keys, .. more, file])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        await Task.WhenAll(
            run.StandardError.ReadToEndAsync(Cancel), run.StandardOutput.ReadToEndAsync(Cancel),
            run.WaitForExitAsync(Cancel));
        return run.ExitCode;
    }

    private void WriteOwnKey()
    {
        using RSA key = RSA.Create(2048);
        using X509Certificate2 certificate = new CertificateRequest(
                "CN=gateway", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(9));
        _ownCertificate = Convert.ToBase64String(certificate.RawData);
        File.WriteAllText(
            Path.Combine(_setup.Folder, CertificateName),
            certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    [GeneratedRegex("name=\"AuthState\" value=\"([^\"]+)\"")]
    private static partial Regex AuthState();

    private static Regex Field(string name) => new($"name=\"{name}\" value=\"([^\"]*)\"");

    /// <summary>A client with cookies of its own that follows redirects.</summary>
    private sealed class Browser : IDisposable
    {
        public HttpClient Http { get; } = new(new SocketsHttpHandler { CookieContainer = new CookieContainer() });

        public void Dispose() => Http.Dispose();
    }
}
