using System.Buffers.Text;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Xml;
using Countersign.Policy;
using Countersign.Policy.OneTime;
using Microsoft.Extensions.Logging;

namespace Countersign.Identity.Inbound.Saml;

/// <summary>Where to send somebody, and what their answer must name.</summary>
/// <param name="Address">The provider's address with our request.</param>
/// <param name="Request">The request's id.</param>
public sealed record SamlStart(Uri Address, string Request);

/// <summary>Who an assertion proves, or why nobody.</summary>
/// <param name="Caller">Null refuses.</param>
/// <param name="Because">A constant sentence, safe to show and to log; empty with a caller.</param>
public sealed record SamlResult(Caller? Caller, string Because)
{
    /// <summary>The request that it answers; null for a bearer assertion that answers none.</summary>
    public string? Request { get; init; }

    /// <summary>When what it proves ends: the assertion's end, or the provider's session's.</summary>
    public DateTimeOffset ExpiresAt { get; init; }

    /// <summary>True when it may be tried again: the store did not answer.</summary>
    public bool IsStoreAway { get; init; }
}

/// <summary>
/// The gateway as a service provider of SAML 2.0: Web SSO with requests by redirect and answers by post, and bearer
/// assertions (RFC 7522). Thread-safe.
/// </summary>
public sealed class SamlService : IAsyncDisposable
{
    private const int AssertionBytesMax = 256 * 1024;
    private const int RequestIdBytes = 20;
    private const string Success = "urn:oasis:names:tc:SAML:2.0:status:Success";
    private const string RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

    private readonly SamlServiceOptions _options;
    private readonly SamlProvider[] _providers;
    private readonly IOneTimeStore _spent;
    private readonly TimeProvider _clock;
    private readonly Func<string> _publicUrl;
    private readonly X509Certificate2? _own;
    private readonly CancellationTokenSource _stop = new();
    private Task _refresh = Task.CompletedTask;

    /// <summary>Makes it; files are read here, nothing is fetched yet.</summary>
    /// <param name="options">Checked by <see cref="SamlServiceOptions.Check"/>.</param>
    /// <param name="http">Fetches metadata; it should not follow redirects. Not disposed here.</param>
    /// <param name="spent">Where assertions that were used are remembered.</param>
    /// <param name="publicUrl">The control listener's URL, once it is known.</param>
    /// <param name="clock">Decides what has expired.</param>
    /// <param name="logger">Hears of metadata that cannot be used.</param>
    /// <exception cref="ArgumentException">A file cannot be used; the message says which.</exception>
    public SamlService(
        SamlServiceOptions options, HttpMessageInvoker http, IOneTimeStore spent, Func<string> publicUrl,
        TimeProvider clock, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _spent = spent;
        _publicUrl = publicUrl;
        _clock = clock;
        _own = options.KeyFile is { } file ? SamlKeys.ReadOwn(file) : null;
        _providers = [.. options.Providers.Select(provider => new SamlProvider(provider, http, clock, logger))];
    }

    /// <summary>The providers, in the order of the configuration.</summary>
    public IReadOnlyList<SamlProviderOptions> Providers => _options.Providers;

    /// <summary>Our entity id.</summary>
    public string EntityId => _options.EntityId ?? _publicUrl() + MetadataPath;

    /// <summary>The path of our metadata.</summary>
    public const string MetadataPath = "/saml/metadata";

    /// <summary>The path that answers are posted to.</summary>
    public const string ConsumerPath = "/console/signin/saml";

    /// <summary>Says whether the one whom an assertion proves was revoked after it was issued; nobody was, unless this
    /// is set.</summary>
    public Func<Caller, bool> IsRevoked { get; init; } = static _ => false;

    /// <summary>Methods beyond the usual ones, for tests of old vectors.</summary>
    internal IReadOnlyList<string> MoreMethods { get; init; } = [];

    /// <summary>Begins to fetch metadata, now and every few minutes.</summary>
    public void Start() => _refresh = Task.WhenAll(_providers.Select(one => one.KeepFreshAsync(_stop.Token)));

    /// <summary>Our metadata.</summary>
    public byte[] Metadata() => SamlMetadata.Write(EntityId, _publicUrl() + ConsumerPath, _own);

    /// <summary>Where to send somebody who signs in by that provider; null while it cannot be reached.</summary>
    /// <param name="provider">An index of <see cref="Providers"/>.</param>
    /// <param name="state">Comes back with them; not more than 80 bytes.</param>
    /// <param name="cancel">Ends the waiting for metadata.</param>
    public async ValueTask<SamlStart?> BeginAsync(int provider, string state, CancellationToken cancel)
    {
        SamlProvider chosen = _providers[provider];
        if (!chosen.IsKnown) await chosen.FetchAsync(cancel).ConfigureAwait(false);
        if (!chosen.IsKnown || chosen.SignInUrl is not { } address) return null;
        string id = "_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RequestIdBytes));
        string query = "SAMLRequest=" + Uri.EscapeDataString(Deflate(Request(id, address)))
            + "&RelayState=" + Uri.EscapeDataString(state);
        if (_own?.GetRSAPrivateKey() is { } key)
        {
            // Bindings section 3.4.4.1: signed is the query as it is sent.
            query += "&SigAlg=" + Uri.EscapeDataString(RsaSha256);
            byte[] signature = key.SignData(
                Encoding.ASCII.GetBytes(query), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            query += "&Signature=" + Uri.EscapeDataString(Convert.ToBase64String(signature));
            key.Dispose();
        }

        char joint = address.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        return new SamlStart(new Uri(address + joint + query), id);
    }

    /// <summary>Takes an answer that was posted to us. Whether it is the answer to a request of the browser that brings
    /// it is the caller's to compare.</summary>
    /// <param name="response">The form's <c>SAMLResponse</c>.</param>
    /// <param name="cancel">Ends the waiting.</param>
    public ValueTask<SamlResult> AcceptResponseAsync(string response, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(response);
        if (Decode(response, isUrl: false) is not { } bytes
            || SamlXml.Parse(bytes, AssertionBytesMax)?.DocumentElement is not { } root)
        {
            return new(No("the answer is not one plain XML document"));
        }

        string recipient = _publicUrl() + ConsumerPath;
        if (!SamlXml.Is(root, "Response", SamlXml.Protocol) || SamlXml.Attribute(root, "Version") != "2.0")
            return new(No("the answer is no SAML 2.0 response"));
        if (SamlXml.Attribute(root, "Destination") is { } destination && destination != recipient)
            return new(No("the answer was to be sent elsewhere"));
        if (!IsSuccess(root)) return new(No("the identity provider did not let you in"));
        XmlElement? held = AssertionIn(root);
        return held is null
            ? new(No("the answer does not hold one assertion"))
            : AcceptAsync(held, root, recipient, [EntityId], isAnswer: true, cancel);
    }

    /// <summary>Takes a bearer assertion (RFC 7522 section 2.1).</summary>
    /// <param name="assertion">The form's <c>assertion</c>, base64url.</param>
    /// <param name="endpoint">The token endpoint's address: its recipient.</param>
    /// <param name="cancel">Ends the waiting.</param>
    public ValueTask<SamlResult> AcceptBearerAsync(string assertion, string endpoint, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(assertion);
        if (Decode(assertion, isUrl: true) is not { } bytes
            || SamlXml.Parse(bytes, AssertionBytesMax)?.DocumentElement is not { } root)
        {
            return new(No("the assertion is not one plain XML document"));
        }

        bool isAssertion = SamlXml.Is(root, "Assertion", SamlXml.Assertion)
            || SamlXml.Is(root, "EncryptedAssertion", SamlXml.Assertion);
        if (!isAssertion || CountAssertions(root) > 1) return new(No("what was sent is no single assertion"));

        // RFC 7522 section 3: the audience is the token endpoint or the authorization server.
        return AcceptAsync(root, null, endpoint, [EntityId, endpoint, _publicUrl()], isAnswer: false, cancel);
    }

    /// <summary>Stops fetching.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _refresh.ConfigureAwait(false);
        _stop.Dispose();
        _own?.Dispose();
    }

    private async ValueTask<SamlResult> AcceptAsync(
        XmlElement held, XmlElement? response, string recipient, IReadOnlyList<string> audiences, bool isAnswer,
        CancellationToken cancel)
    {
        (XmlElement? assertion, SamlProvider? provider, string because) = Open(held, response);
        if (assertion is null || provider is null) return No(because);
        if (!provider.IsKnown) await provider.FetchAsync(cancel).ConfigureAwait(false);
        because = SamlSignature.Verify(assertion, provider.Keys, MoreMethods, out XmlElement? verified);
        if (verified is null) return No(because);

        // From here on nothing but what was signed is read.
        TimeSpan skew = provider.Options.ClockSkew;
        SamlExpectation expected = new(recipient, audiences, isAnswer, _clock.GetUtcNow(), skew);
        string issuer = provider.Options.Mapping.Issuer;
        because = SamlAssertion.Read(verified, issuer, expected, out SamlAssertion? read);
        if (read is null) return No(because);
        if (response is not null && SamlXml.Attribute(response, "InResponseTo") is { } named && named != read.Request)
            return No("the answer and its assertion name different requests");
        TokenFault fault = ClaimMapping.TryMap(read.Claims, provider.Options.Mapping, out Caller? caller);
        if (fault != TokenFault.None) return No(TokenFaults.Explain(fault).Because);
        if (IsRevoked(caller!)) return No("the subject was revoked after the assertion was issued");
        StoreStatus spent = await _spent.SpendAsync(
            "saml", issuer + "\n" + read.Id, read.ExpiresAt + skew + skew - expected.Now).ConfigureAwait(false);
        if (spent == StoreStatus.Conflict) return No("the assertion was used before");
        if (spent != StoreStatus.Ok)
            return No("nobody knows whether the assertion was used before") with { IsStoreAway = true };
        return new SamlResult(caller, "")
        {
            Request = read.Request,
            ExpiresAt = isAnswer ? read.SessionEndsAt ?? DateTimeOffset.MaxValue : read.ExpiresAt,
        };
    }

    // Whose it is said to be only chooses whose keys it is held to, and who may have encrypted it.
    private (XmlElement? Assertion, SamlProvider? Provider, string Because) Open(XmlElement held, XmlElement? response)
    {
        if (SamlXml.Is(held, "Assertion", SamlXml.Assertion)) return Find(held, held);
        if (_own?.GetRSAPrivateKey() is not { } key) return (null, null, "assertions cannot be encrypted for us");
        using (key)
        {
            bool takesCbc = _providers.Any(provider => provider.Options.TakesCbc);
            if (SamlDecryption.Decrypt(held, key, takesCbc) is not { } clear
                || SamlXml.Parse(clear, AssertionBytesMax)?.DocumentElement is not { } root
                || !SamlXml.Is(root, "Assertion", SamlXml.Assertion) || CountAssertions(root) > 1)
            {
                return (null, null, "the encrypted assertion cannot be opened");
            }

            (XmlElement? assertion, SamlProvider? provider, string because) = Find(root, root);
            bool isCbcForAnother = takesCbc && provider is { Options.TakesCbc: false } && IsCbc(held);
            return isCbcForAnother
                ? (null, null, "the encrypted assertion cannot be opened")
                : (assertion, provider, because);
        }
    }

    private static bool IsCbc(XmlElement held) => held.SelectNodes("descendant::*")!.OfType<XmlElement>().Any(
        one => one.LocalName == "EncryptionMethod"
            && (SamlXml.Attribute(one, "Algorithm") ?? "").EndsWith("-cbc", StringComparison.Ordinal));

    private (XmlElement? Assertion, SamlProvider? Provider, string Because) Find(XmlElement assertion, XmlElement of)
    {
        string? issuer = SamlXml.TryChild(of, "Issuer", SamlXml.Assertion, out XmlElement? by) ? SamlXml.TextOf(by)
            : null;
        SamlProvider? provider = Array.Find(_providers, one => one.Options.Mapping.Issuer == issuer);
        return provider is null ? (null, null, "the issuer is not known here") : (assertion, provider, "");
    }

    private static XmlElement? AssertionIn(XmlElement response)
    {
        if (CountAssertions(response) != 1) return null;
        return response.ChildNodes.OfType<XmlElement>().FirstOrDefault(
            child => SamlXml.Is(child, "Assertion", SamlXml.Assertion)
                || SamlXml.Is(child, "EncryptedAssertion", SamlXml.Assertion));
    }

    private static int CountAssertions(XmlElement root) =>
        root.SelectNodes("descendant-or-self::*")!.OfType<XmlElement>().Count(
            one => one.NamespaceURI == SamlXml.Assertion && one.LocalName is "Assertion" or "EncryptedAssertion");

    private static bool IsSuccess(XmlElement response) =>
        SamlXml.TryChild(response, "Status", SamlXml.Protocol, out XmlElement? status) && status is not null
        && SamlXml.TryChild(status, "StatusCode", SamlXml.Protocol, out XmlElement? code) && code is not null
        && SamlXml.Attribute(code, "Value") == Success;

    private string Request(string id, string destination)
    {
        StringBuilder text = new();
        using (XmlWriter xml = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true }))
        {
            xml.WriteStartElement("samlp", "AuthnRequest", SamlXml.Protocol);
            xml.WriteAttributeString("ID", id);
            xml.WriteAttributeString("Version", "2.0");
            xml.WriteAttributeString(
                "IssueInstant",
                _clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            xml.WriteAttributeString("Destination", destination);
            xml.WriteAttributeString("ProtocolBinding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST");
            xml.WriteAttributeString("AssertionConsumerServiceURL", _publicUrl() + ConsumerPath);
            xml.WriteElementString("saml", "Issuer", SamlXml.Assertion, EntityId);
            xml.WriteStartElement("samlp", "NameIDPolicy", SamlXml.Protocol);
            xml.WriteAttributeString("AllowCreate", "true");
            xml.WriteEndElement();
            xml.WriteEndElement();
        }

        return text.ToString();
    }

    // Bindings section 3.4.4.1: raw DEFLATE, then base64.
    private static string Deflate(string text)
    {
        using MemoryStream packed = new();
        using (DeflateStream deflate = new(packed, CompressionLevel.Optimal, leaveOpen: true))
            deflate.Write(Encoding.UTF8.GetBytes(text));
        return Convert.ToBase64String(packed.ToArray());
    }

    // Providers break lines in base64; that of RFC 7522 is base64url, with or without padding.
    private static byte[]? Decode(string text, bool isUrl)
    {
        if (text.Length > AssertionBytesMax * 3 / 2) return null;
        if (isUrl) return Base64Url.IsValid(text) ? Base64Url.DecodeFromChars(text) : null;
        byte[] bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out int length) ? bytes[..length] : null;
    }

    private static SamlResult No(string because) => new(null, because);
}
