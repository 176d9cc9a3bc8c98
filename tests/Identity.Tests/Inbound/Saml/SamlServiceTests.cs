using System.Text;
using System.Xml;
using Countersign.Identity.Inbound.Saml;
using Countersign.Policy;
using Xunit;

namespace Countersign.Identity.Tests.Inbound.Saml;

/// <summary>Assertions that hold, and every rule that refuses one.</summary>
public sealed class SamlServiceTests : IAsyncDisposable
{
    private readonly ScriptedProvider _idp = new();
    private readonly SamlService _service;

    public SamlServiceTests() => _service = _idp.Service();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        _idp.Dispose();
    }

    [Fact]
    public async Task AnAnswerProvesItsCaller()
    {
        // Proves the whole way: who, their groups, which request it answers and when the session ends.
        SamlResult result = await AcceptAsync(_idp.Response(ScriptedProvider.Sign(_idp.Assertion())));
        Assert.Equal("", result.Because);
        Caller caller = result.Caller!;
        Assert.Equal((ScriptedProvider.Issuer, "alice@example.test"), (caller.Issuer, caller.Subject));
        Assert.Equal(["support", "staff"], caller.Groups);
        Assert.Equal(["alice@example.test"], caller.Chain);
        Assert.True(caller.IsPerson);
        Assert.Equal("_r1", result.Request);
        Assert.Equal(_idp.Now.AddSeconds(3600), result.ExpiresAt);
        Assert.Equal(_idp.Now.ToUnixTimeSeconds(), caller.IssuedAt);
    }

    [Fact]
    public async Task AnAssertionIsUsedOnce()
    {
        // Proves the memory of ids until they have expired, for answers and bearers alike, and that it fails closed.
        XmlDocument signed = ScriptedProvider.Sign(_idp.Assertion());
        string post = ScriptedProvider.Post(_idp.Response(signed));
        Assert.NotNull((await _service.AcceptResponseAsync(post, Cancel)).Caller);
        Assert.Equal("the assertion was used before", (await _service.AcceptResponseAsync(post, Cancel)).Because);
        _idp.Clock.Advance(TimeSpan.FromSeconds(359));
        Assert.Equal("the assertion was used before", (await _service.AcceptResponseAsync(post, Cancel)).Because);
        _idp.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Null((await _service.AcceptResponseAsync(post, Cancel)).Caller);
        _idp.Spent.IsAway = true;
        XmlDocument fresh = ScriptedProvider.Sign(_idp.Assertion(root => root.SetAttribute("ID", "_a2")));
        SamlResult away = await AcceptAsync(_idp.Response(fresh));
        Assert.Null(away.Caller);
        Assert.True(away.IsStoreAway);
    }

    [Fact]
    public async Task AnAssertionOfWhoWasRevokedSinceProvesNobody()
    {
        // Proves that one that was issued before its subject was revoked is refused, as an answer and as a bearer, and
        // is not used up by that: it is the subject's, not the assertion's, end.
        bool isRevoked = true;
        await using SamlService service = _idp.Service(isRevoked: caller => isRevoked && caller.Subject[0] == 'a');
        string post = ScriptedProvider.Post(_idp.Response(ScriptedProvider.Sign(_idp.Assertion())));
        string bearer = ScriptedProvider.Bearer(ScriptedProvider.Sign(_idp.Assertion(
            root => root.SetAttribute("ID", "_a2"), ScriptedProvider.TokenEndpoint, ScriptedProvider.TokenEndpoint)));
        const string Because = "the subject was revoked after the assertion was issued";
        Assert.Equal(Because, (await service.AcceptResponseAsync(post, Cancel)).Because);
        Assert.Equal(
            Because, (await service.AcceptBearerAsync(bearer, ScriptedProvider.TokenEndpoint, Cancel)).Because);
        isRevoked = false;
        Assert.NotNull((await service.AcceptResponseAsync(post, Cancel)).Caller);
        Assert.NotNull((await service.AcceptBearerAsync(bearer, ScriptedProvider.TokenEndpoint, Cancel)).Caller);
    }

    [Fact]
    public async Task ABearerAssertionIsForTheTokenEndpoint()
    {
        // Proves RFC 7522: recipient and audience are the token endpoint's, with or without the sign-in's statement.
        XmlDocument bearer = ScriptedProvider.Sign(_idp.Assertion(
            root => root.RemoveChild(ScriptedProvider.In(root, "AuthnStatement")), ScriptedProvider.TokenEndpoint,
            ScriptedProvider.TokenEndpoint));
        SamlResult result = await _service.AcceptBearerAsync(
            ScriptedProvider.Bearer(bearer), ScriptedProvider.TokenEndpoint, Cancel);
        Assert.Equal("", result.Because);
        Assert.Equal("alice@example.test", result.Caller!.Subject);
        XmlDocument forConsole = ScriptedProvider.Sign(_idp.Assertion(root => root.SetAttribute("ID", "_a2")));
        result = await _service.AcceptBearerAsync(
            ScriptedProvider.Bearer(forConsole), ScriptedProvider.TokenEndpoint, Cancel);
        Assert.Equal("no confirmation of the subject is for here and now", result.Because);
    }

    [Theory]
    [InlineData("aes256-gcm", "rsa-oaep", false, true)]
    [InlineData("aes128-gcm", "rsa-oaep-mgf1p", false, true)]
    [InlineData("aes128-cbc", "rsa-oaep-mgf1p", false, false)]
    [InlineData("aes128-cbc", "rsa-oaep-mgf1p", true, true)]
    [InlineData("aes256-cbc", "rsa-oaep", true, true)]
    [InlineData("aes256-gcm", "rsa-1_5", true, false)]
    public async Task AnAssertionMayBeEncrypted(string method, string wrap, bool takesCbc, bool isTaken)
    {
        // Proves which ciphers are taken, and that all others fail with one sentence.
        await using SamlService service = _idp.Service(_idp.Options with { TakesCbc = takesCbc });
        XmlDocument encrypted = ScriptedProvider.Encrypt(ScriptedProvider.Sign(_idp.Assertion()), method, wrap);
        SamlResult result = await service.AcceptResponseAsync(
            ScriptedProvider.Post(_idp.Response(encrypted)), Cancel);
        Assert.Equal(isTaken ? "" : "the encrypted assertion cannot be opened", result.Because);
        Assert.Equal(isTaken, result.Caller is not null);
    }

    [Fact]
    public async Task AnEncryptedAssertionIsHeldToTheSameRules()
    {
        // Proves that one that is not signed, is for another key, or was changed, is refused.
        XmlDocument unsigned = ScriptedProvider.Encrypt(_idp.Assertion(), "aes256-gcm", "rsa-oaep");
        Assert.Equal("the assertion is not signed", (await AcceptAsync(_idp.Response(unsigned))).Because);
        XmlDocument others = ScriptedProvider.Encrypt(
            ScriptedProvider.Sign(_idp.Assertion()), "aes256-gcm", "rsa-oaep", ScriptedProvider.Stranger);
        Assert.Equal("the encrypted assertion cannot be opened", (await AcceptAsync(_idp.Response(others))).Because);
        XmlDocument changed = ScriptedProvider.Encrypt(
            ScriptedProvider.Sign(_idp.Assertion()), "aes256-gcm", "rsa-oaep");
        XmlElement value = changed.SelectNodes("//*")!.OfType<XmlElement>().Last(one => one.LocalName == "CipherValue");
        byte[] bytes = Convert.FromBase64String(value.InnerText);
        bytes[40] ^= 1;
        value.InnerText = Convert.ToBase64String(bytes);
        Assert.Equal("the encrypted assertion cannot be opened", (await AcceptAsync(_idp.Response(changed))).Because);
    }

    public static TheoryData<string, string> Refusals() => new()
    {
        { "version", "what was signed is no assertion" },
        { "issuer", "the issuer is not known here" },
        { "issuer-twice", "the issuer is not known here" },
        { "no-issue", "the assertion was issued in the future, or never" },
        { "future", "the assertion was issued in the future, or never" },
        { "no-subject", "the assertion has no subject" },
        { "no-name", "the assertion names nobody" },
        { "empty-name", "the assertion names nobody" },
        { "name-with-element", "the assertion names nobody" },
        { "no-conditions", "the assertion has no conditions" },
        { "not-yet", "the assertion is not valid at this time" },
        { "over", "the assertion is not valid at this time" },
        { "no-zone", "the assertion is not valid at this time" },
        { "unknown-condition", "the assertion holds a condition that is not known here" },
        { "no-audience", "the assertion is for no audience" },
        { "other-audience", "the assertion is for another audience" },
        { "empty-audience", "the assertion is for another audience" },
        { "two-restrictions", "the assertion is for another audience" },
        { "holder-of-key", "no confirmation of the subject is for here and now" },
        { "no-method", "no confirmation of the subject is for here and now" },
        { "no-data", "no confirmation of the subject is for here and now" },
        { "other-recipient", "no confirmation of the subject is for here and now" },
        { "no-recipient", "no confirmation of the subject is for here and now" },
        { "confirmation-over", "no confirmation of the subject is for here and now" },
        { "no-end", "no confirmation of the subject is for here and now" },
        { "confirmation-not-before", "no confirmation of the subject is for here and now" },
        { "unsolicited", "no confirmation of the subject is for here and now" },
        { "too-long", "the assertion lives too long" },
        { "no-sign-in", "the assertion does not say that anybody signed in" },
        { "session-over", "the provider's session has ended" },
        { "attribute-twice", "an attribute stands there twice" },
        { "encrypted-attribute", "an attribute is encrypted, or of no known form" },
        { "control-in-name", "the sub is missing, too long or not plain text" },
        { "bad-kind", "the kind is not human, agent, ci or service" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task AnAssertionThatIsWrongIsRefused(string what, string because)
    {
        // Proves each rule, by one thing that is wrong in an else good assertion, well signed.
        SamlResult result = await AcceptAsync(
            _idp.Response(ScriptedProvider.Sign(_idp.Assertion(root => Spoil(root, what)))));
        Assert.Null(result.Caller);
        Assert.Equal(because, result.Because);
        Assert.DoesNotContain(result.Because, letter => letter is < ' ' or > '~' or '"' or '\\');
    }

    [Theory]
    [InlineData("destination", "the answer was to be sent elsewhere")]
    [InlineData("empty-destination", "the answer was to be sent elsewhere")]
    [InlineData("status", "the identity provider did not let you in")]
    [InlineData("no-status", "the identity provider did not let you in")]
    [InlineData("request", "the answer and its assertion name different requests")]
    [InlineData("version", "the answer is no SAML 2.0 response")]
    [InlineData("empty", "the answer does not hold one assertion")]
    [InlineData("two", "the answer does not hold one assertion")]
    [InlineData("comment", "the answer is not one plain XML document")]
    [InlineData("pi", "the answer is not one plain XML document")]
    [InlineData("cdata", "the answer is not one plain XML document")]
    public async Task AnAnswerThatIsWrongIsRefused(string what, string because)
    {
        // Proves each rule about the response around a good assertion.
        XmlDocument signed = ScriptedProvider.Sign(_idp.Assertion());
        SamlResult result = await AcceptAsync(_idp.Response(signed, root => SpoilResponse(root, what)));
        Assert.Null(result.Caller);
        Assert.Equal(because, result.Because);
    }

    [Theory]
    [InlineData("<!DOCTYPE r [<!ENTITY x \"y\">]><r>&x;</r>")]
    [InlineData("<!DOCTYPE r SYSTEM \"file:///etc/passwd\"><r/>")]
    [InlineData("<r a='1' a='2'/>")]
    [InlineData("<r/><r/>")]
    [InlineData("not xml")]
    [InlineData("")]
    [InlineData("<r ID='x'><s ID='x'/></r>")]
    [InlineData("<r ID='x'><s Id='x'/></r>")]
    public async Task WhatIsNoPlainDocumentIsNotRead(string text)
    {
        // Proves that document types, entities and ids that stand there twice are refused before anything is believed.
        SamlResult result = await _service.AcceptResponseAsync(
            Convert.ToBase64String(Encoding.UTF8.GetBytes(text)), Cancel);
        Assert.Equal("the answer is not one plain XML document", result.Because);
    }

    [Fact]
    public async Task DepthBreadthAndSizeAreBounded()
    {
        // Proves the bounds: a deep, a broad and a large document are refused, and so is what is no base64.
        string deep = string.Concat(Enumerable.Repeat("<a>", 40)) + string.Concat(Enumerable.Repeat("</a>", 40));
        string broad = "<a>" + string.Concat(Enumerable.Repeat("<b/>", 2_001)) + "</a>";
        string attributes = "<a " + string.Join(' ', Enumerable.Range(0, 40).Select(n => $"a{n}='1'")) + "/>";
        string large = "<a>" + new string('x', 300_000) + "</a>";
        foreach (string text in (string[])[deep, broad, attributes, large])
        {
            string post = Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
            Assert.Equal(
                "the answer is not one plain XML document", (await _service.AcceptResponseAsync(post, Cancel)).Because);
        }

        Assert.Null((await _service.AcceptResponseAsync("!", Cancel)).Caller);
        Assert.Null((await _service.AcceptBearerAsync("a+b/", ScriptedProvider.TokenEndpoint, Cancel)).Caller);
    }

    private ValueTask<SamlResult> AcceptAsync(XmlDocument response) =>
        _service.AcceptResponseAsync(ScriptedProvider.Post(response), Cancel);

    private void SpoilResponse(XmlElement root, string what)
    {
        switch (what)
        {
            case "destination": root.SetAttribute("Destination", "https://evil.test/acs"); break;
            case "empty-destination": root.SetAttribute("Destination", ""); break;
            case "status": ScriptedProvider.In(root, "StatusCode").SetAttribute("Value", "urn:x:Responder"); break;
            case "no-status": root.RemoveChild(ScriptedProvider.In(root, "Status")); break;
            case "request": root.SetAttribute("InResponseTo", "_other"); break;
            case "version": root.SetAttribute("Version", "1.1"); break;
            case "empty": root.RemoveChild(ScriptedProvider.In(root, "Assertion")); break;
            case "two":
                XmlElement again = (XmlElement)ScriptedProvider.In(root, "Assertion").CloneNode(deep: true);
                again.SetAttribute("ID", "_a9");
                root.AppendChild(again);
                break;
            case "comment":
                ScriptedProvider.In(root, "NameID").AppendChild(root.OwnerDocument.CreateComment("x"));
                break;
            case "pi": root.AppendChild(root.OwnerDocument.CreateProcessingInstruction("x", "y")); break;
            case "cdata":
                ScriptedProvider.In(root, "NameID").AppendChild(root.OwnerDocument.CreateCDataSection("x"));
                break;
            default: throw new ArgumentOutOfRangeException(nameof(what));
        }
    }

    private void Spoil(XmlElement root, string what)
    {
        XmlElement Named(string name) => ScriptedProvider.In(root, name);
        void Remove(string name) => Named(name).ParentNode!.RemoveChild(Named(name));
        XmlElement Make(string name) =>
            root.OwnerDocument.CreateElement("saml", name, "urn:oasis:names:tc:SAML:2.0:assertion");
        XmlElement data = Named("SubjectConfirmationData"), conditions = Named("Conditions");
        switch (what)
        {
            case "version": root.SetAttribute("Version", "1.1"); break;
            case "issuer": Named("Issuer").InnerText = "https://evil.test"; break;
            case "issuer-twice": root.AppendChild(Named("Issuer").CloneNode(true)); break;
            case "no-issue": root.RemoveAttribute("IssueInstant"); break;
            case "future": root.SetAttribute("IssueInstant", _idp.At(61)); break;
            case "no-subject": Remove("Subject"); break;
            case "no-name": Remove("NameID"); break;
            case "empty-name": Named("NameID").InnerText = "  "; break;
            case "name-with-element": Named("NameID").AppendChild(Make("x")); break;
            case "no-conditions": Remove("Conditions"); break;
            case "not-yet": conditions.SetAttribute("NotBefore", _idp.At(61)); break;
            case "over": conditions.SetAttribute("NotOnOrAfter", _idp.At(-60)); break;
            case "no-zone": conditions.SetAttribute("NotOnOrAfter", _idp.At(300).TrimEnd('Z')); break;
            case "unknown-condition": conditions.AppendChild(Make("Condition")); break;
            case "no-audience": Remove("AudienceRestriction"); break;
            case "other-audience": Named("Audience").InnerText = "https://other.test"; break;
            case "empty-audience": Named("Audience").InnerText = ""; break;
            case "two-restrictions":
                XmlElement second = Make("AudienceRestriction");
                second.AppendChild(Make("Audience"))!.InnerText = "https://other.test";
                conditions.AppendChild(second);
                break;
            case "holder-of-key":
                Named("SubjectConfirmation").SetAttribute("Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key");
                break;
            case "no-method": Named("SubjectConfirmation").RemoveAttribute("Method"); break;
            case "no-data": Remove("SubjectConfirmationData"); break;
            case "other-recipient": data.SetAttribute("Recipient", "https://evil.test/acs"); break;
            case "no-recipient": data.RemoveAttribute("Recipient"); break;
            case "confirmation-over": data.SetAttribute("NotOnOrAfter", _idp.At(-60)); break;
            case "no-end": data.RemoveAttribute("NotOnOrAfter"); break;
            case "confirmation-not-before": data.SetAttribute("NotBefore", _idp.At(-10)); break;
            case "unsolicited": data.RemoveAttribute("InResponseTo"); break;
            case "too-long":
                data.SetAttribute("NotOnOrAfter", _idp.At(50_000));
                conditions.SetAttribute("NotOnOrAfter", _idp.At(50_000));
                break;
            case "no-sign-in": Remove("AuthnStatement"); break;
            case "session-over": Named("AuthnStatement").SetAttribute("SessionNotOnOrAfter", _idp.At(-60)); break;
            case "attribute-twice":
                Named("AttributeStatement").AppendChild(Named("Attribute").CloneNode(true));
                break;
            case "encrypted-attribute": Named("AttributeStatement").AppendChild(Make("EncryptedAttribute")); break;
            case "control-in-name": Named("NameID").InnerText = "a\u0085b"; break;
            case "bad-kind":
                XmlElement kind = Make("Attribute");
                kind.SetAttribute("Name", "kind");
                kind.AppendChild(Make("AttributeValue"))!.InnerText = "root";
                Named("AttributeStatement").AppendChild(kind);
                break;
            default: throw new ArgumentOutOfRangeException(nameof(what));
        }
    }
}
