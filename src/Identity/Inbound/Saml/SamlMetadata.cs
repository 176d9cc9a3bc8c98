using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Xml;

namespace Countersign.Identity.Inbound.Saml;

/// <summary>What a provider's metadata says.</summary>
/// <param name="Keys">Its signing keys.</param>
/// <param name="SignInUrl">Where people are sent; null where it names no HTTP-Redirect endpoint.</param>
/// <param name="WantsSignedRequests">It takes signed requests alone.</param>
internal sealed record SamlProviderFacts(
    IReadOnlyList<AsymmetricAlgorithm> Keys, string? SignInUrl, bool WantsSignedRequests);

/// <summary>Reads providers' metadata and writes our own (SAML 2.0 metadata).</summary>
internal static class SamlMetadata
{
    public const int BytesMax = 512 * 1024;

    private const string Redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    private const string Post = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

    /// <summary>Reads the entity of that id; null, and why, for anything else.</summary>
    public static SamlProviderFacts? Read(
        ReadOnlySpan<byte> bytes, string entityId, DateTimeOffset now, out string because)
    {
        because = "it is not one plain XML document";
        if (SamlXml.Parse(bytes, BytesMax)?.DocumentElement is not { } root) return null;
        XmlElement? entity = SamlXml.Is(root, "EntityDescriptor", SamlXml.Metadata)
            ? root
            : SamlXml.Children(root, "EntityDescriptor", SamlXml.Metadata)
                .FirstOrDefault(one => SamlXml.Attribute(one, "entityID") == entityId);
        because = $"it describes no entity '{entityId}'";
        if (entity is null || SamlXml.Attribute(entity, "entityID") != entityId) return null;
        because = "it is no longer valid";
        foreach (XmlElement element in (XmlElement[])[root, entity])
        {
            if (SamlXml.Attribute(element, "validUntil") is { } until
                && (!SamlXml.TryTime(until, out DateTimeOffset ends) || now >= ends)) return null;
        }

        because = "it describes no identity provider";
        if (!SamlXml.TryChild(entity, "IDPSSODescriptor", SamlXml.Metadata, out XmlElement? role) || role is null)
            return null;
        List<AsymmetricAlgorithm> keys = [];
        foreach (XmlElement descriptor in SamlXml.Children(role, "KeyDescriptor", SamlXml.Metadata))
        {
            if (SamlXml.Attribute(descriptor, "use") is not (null or "signing")) continue;
            foreach (XmlElement certificate in descriptor.SelectNodes("descendant::*")!.OfType<XmlElement>()
                .Where(one => SamlXml.Is(one, "X509Certificate", SamlXml.Signature)))
            {
                if (CertificateOf(certificate) is { } key) keys.Add(key);
            }
        }

        because = "it holds no certificate whose key is taken";
        if (keys.Count == 0) return null;
        string? url = SamlXml.Children(role, "SingleSignOnService", SamlXml.Metadata)
            .Where(one => SamlXml.Attribute(one, "Binding") == Redirect)
            .Select(one => SamlXml.Attribute(one, "Location"))
            .FirstOrDefault(location => location is not null && KeyDocuments.IsFetchable(location));
        because = "";
        return new SamlProviderFacts(
            keys, url, SamlXml.Attribute(role, "WantAuthnRequestsSigned") is "true" or "1");
    }

    /// <summary>Our own: who we are, where responses are posted, and what may be encrypted for us.</summary>
    public static byte[] Write(string entityId, string consumerUrl, X509Certificate2? own)
    {
        using MemoryStream bytes = new();
        XmlWriterSettings settings = new() { Encoding = new UTF8Encoding(false), Indent = true };
        using (XmlWriter xml = XmlWriter.Create(bytes, settings))
        {
            xml.WriteStartElement("md", "EntityDescriptor", SamlXml.Metadata);
            xml.WriteAttributeString("entityID", entityId);
            xml.WriteStartElement("md", "SPSSODescriptor", SamlXml.Metadata);
            xml.WriteAttributeString("protocolSupportEnumeration", SamlXml.Protocol);
            xml.WriteAttributeString("AuthnRequestsSigned", own is null ? "false" : "true");
            xml.WriteAttributeString("WantAssertionsSigned", "true");
            if (own is not null)
            {
                WriteKey(xml, own, "signing");
                WriteKey(xml, own, "encryption");
            }

            xml.WriteStartElement("md", "AssertionConsumerService", SamlXml.Metadata);
            xml.WriteAttributeString("Binding", Post);
            xml.WriteAttributeString("Location", consumerUrl);
            xml.WriteAttributeString("index", "0");
            xml.WriteAttributeString("isDefault", "true");
            xml.WriteEndElement();
            xml.WriteEndElement();
            xml.WriteEndElement();
        }

        return bytes.ToArray();
    }

    private static void WriteKey(XmlWriter xml, X509Certificate2 own, string use)
    {
        xml.WriteStartElement("md", "KeyDescriptor", SamlXml.Metadata);
        xml.WriteAttributeString("use", use);
        xml.WriteStartElement("ds", "KeyInfo", SamlXml.Signature);
        xml.WriteStartElement("ds", "X509Data", SamlXml.Signature);
        xml.WriteElementString("ds", "X509Certificate", SamlXml.Signature, Convert.ToBase64String(own.RawData));
        xml.WriteEndElement();
        xml.WriteEndElement();
        if (use == "encryption")
        {
            foreach (string method in (string[])["aes256-gcm", "aes128-gcm"])
            {
                xml.WriteStartElement("md", "EncryptionMethod", SamlXml.Metadata);
                xml.WriteAttributeString("Algorithm", SamlXml.Encryption11 + method);
                xml.WriteEndElement();
            }
        }

        xml.WriteEndElement();
    }

    private static AsymmetricAlgorithm? CertificateOf(XmlElement element)
    {
        string? text = SamlXml.TextOf(element);
        if (text is null) return null;
        byte[] der = new byte[text.Length];
        return Convert.TryFromBase64String(text, der, out int length) ? SamlKeys.KeyOf(der[..length]) : null;
    }
}
