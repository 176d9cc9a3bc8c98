using System.Security.Cryptography;
using System.Security.Cryptography.Xml;
using System.Xml;

namespace Countersign.Identity.Inbound.Saml;

/// <summary>
/// Verifies the enveloped signature of one element against pinned keys, and gives back what was signed: the canonical
/// bytes whose digest is in the signature, read anew. Nothing else of the document is believed, so that wherever else
/// an
/// attacker puts elements, nobody reads them (signature wrapping).
/// </summary>
internal static class SamlSignature
{
    private const string Enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

    private static readonly string[] SignatureMethods =
    [
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    ];

    // RFC 6931 section 2.3.6; any of the curves that are taken, with any of the digests.
    private static readonly Dictionary<string, HashAlgorithmName> CurveMethods = new(StringComparer.Ordinal)
    {
        ["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"] = HashAlgorithmName.SHA256,
        ["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"] = HashAlgorithmName.SHA384,
        ["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"] = HashAlgorithmName.SHA512,
    };

    private static readonly string[] DigestMethods =
    [
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    ];

    /// <summary>The SHA-1 methods that old documents have; verified in tests of old vectors alone.</summary>
    internal static readonly string[] Sha1Methods =
        ["http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1"];

    /// <summary>Verifies <paramref name="signed"/>.</summary>
    /// <param name="signed">The element that must be signed as a whole.</param>
    /// <param name="keys">The keys that may have signed it.</param>
    /// <param name="more">Further methods that are taken; none, but in tests.</param>
    /// <param name="verified">What was signed, read from its canonical bytes: the element alone, in a document of its
    /// own.</param>
    /// <returns>What is wrong; empty when verified.</returns>
    public static string Verify(
        XmlElement signed, IReadOnlyList<AsymmetricAlgorithm> keys, IReadOnlyList<string> more,
        out XmlElement? verified)
    {
        verified = null;
        XmlElement[] signatures = [.. signed.SelectNodes("descendant::*")!.OfType<XmlElement>()
            .Where(element => SamlXml.Is(element, "Signature", SamlXml.Signature))];
        if (signatures.Length == 0) return "the assertion is not signed";
        if (signatures.Length > 1 || signatures[0].ParentNode != signed) return "the signature is not where it belongs";
        XmlElement signature = signatures[0];
        string because = CheckForm(signed, signature, more, out string prefixes);
        if (because.Length > 0) return because;
        PinnedXml xml = new(signed);
        try
        {
            xml.LoadXml(signature);
            if (!keys.Any(key => IsSigned(xml, signature, key))) return "the signature is wrong";
            Reference reference = (Reference)xml.SignedInfo!.References[0]!;
            byte[] bytes = SamlCanonical.Bytes(signed, signature, prefixes);
            byte[] digest = DigestOf(reference.DigestMethod, bytes);
            if (!CryptographicOperations.FixedTimeEquals(digest, reference.DigestValue))
                return "what was signed cannot be told apart from what was not";
            verified = SamlXml.Parse(bytes, bytes.Length)?.DocumentElement;
            return verified is null ? "what was signed cannot be read" : "";
        }
#pragma warning disable CA1031 // Whatever the library throws at a stranger's signature, it proves nothing.
        catch (Exception)
#pragma warning restore CA1031
        {
            verified = null;
            return "the signature cannot be read";
        }
    }

    // A key signs by its own kind of method alone.
    private static bool IsSigned(SignedXml xml, XmlElement signature, AsymmetricAlgorithm key)
    {
        bool isCurve = CurveMethods.TryGetValue(xml.SignedInfo!.SignatureMethod!, out HashAlgorithmName hash);
        return key switch
        {
            RSA rsa => !isCurve && xml.CheckSignature(rsa),
            ECDsa curve => isCurve && IsSignedBy(curve, xml.SignatureValue!, signature, hash),
            _ => false,
        };
    }

    // The library knows no such method. What it would check beside, the digest of what is signed, is checked below. The
    // value is the two numbers side by side, each as long as the curve's order (RFC 6931 section 2.3.6).
    private static bool IsSignedBy(ECDsa key, byte[] value, XmlElement signature, HashAlgorithmName hash)
    {
        XmlElement info = Single(signature, "SignedInfo")!;
        return TryPrefixes(Single(info, "CanonicalizationMethod")!, out string prefixes)
            && key.VerifyData(
                SamlCanonical.Bytes(info, without: null, prefixes), value, hash,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    // Everything that the signature may say is spelled out; what it says beside is refused, not skipped.
    private static string CheckForm(
        XmlElement signed, XmlElement signature, IReadOnlyList<string> more, out string prefixes)
    {
        prefixes = "";
        foreach (XmlElement child in signature.ChildNodes.OfType<XmlElement>())
        {
            bool isKnown = child.NamespaceURI == SamlXml.Signature
                && child.LocalName is "SignedInfo" or "SignatureValue" or "KeyInfo";
            if (!isKnown) return "the signature holds what it must not";
        }

        if (!SamlXml.TryChild(signature, "SignedInfo", SamlXml.Signature, out XmlElement? info) || info is null)
            return "the signature has no SignedInfo";
        if (Single(info, "CanonicalizationMethod") is not { } canonical
            || SamlXml.Attribute(canonical, "Algorithm") != SamlXml.Canonical || !TryPrefixes(canonical, out _))
        {
            return "the signature is not canonicalized exclusively";
        }

        if (Single(info, "SignatureMethod") is not { HasChildNodes: false } method
            || !(IsAllowed(method, SignatureMethods, more) || IsAllowed(method, [.. CurveMethods.Keys], [])))
            return "the signature's algorithm is not allowed";
        if (info.ChildNodes.OfType<XmlElement>().Count() != 3 || Single(info, "Reference") is not { } reference)
            return "the signature is not over one element";
        string id = SamlXml.Attribute(signed, "ID") ?? "";
        if (id.Length == 0 || SamlXml.Attribute(reference, "URI") != "#" + id)
            return "the signature is over another element";
        if (Single(reference, "DigestMethod") is not { } digest || !IsAllowed(digest, DigestMethods, more))
            return "the signature's digest is not allowed";
        if (Single(reference, "Transforms") is not { } list) return "the signature has no transforms";
        XmlElement[] transforms = [.. list.ChildNodes.OfType<XmlElement>()];
        bool isUsual = transforms.Length == 2
            && transforms.All(transform => SamlXml.Is(transform, "Transform", SamlXml.Signature))
            && SamlXml.Attribute(transforms[0], "Algorithm") == Enveloped && !transforms[0].HasChildNodes
            && SamlXml.Attribute(transforms[1], "Algorithm") == SamlXml.Canonical;
        return isUsual && TryPrefixes(transforms[1], out prefixes) ? "" : "the signature's transforms are not allowed";
    }

    private static bool TryPrefixes(XmlElement transform, out string prefixes)
    {
        prefixes = "";
        XmlElement[] children = [.. transform.ChildNodes.OfType<XmlElement>()];
        if (children.Length == 0) return true;
        if (children.Length > 1 || !SamlXml.Is(children[0], "InclusiveNamespaces", SamlXml.Canonical)) return false;
        prefixes = SamlXml.Attribute(children[0], "PrefixList") ?? "";
        return true;
    }

    private static XmlElement? Single(XmlElement parent, string name) =>
        SamlXml.TryChild(parent, name, SamlXml.Signature, out XmlElement? child) ? child : null;

    private static bool IsAllowed(XmlElement method, string[] allowed, IReadOnlyList<string> more) =>
        SamlXml.Attribute(method, "Algorithm") is { } name && (allowed.Contains(name) || more.Contains(name));

    private static byte[] DigestOf(string method, byte[] bytes) => method switch
    {
        "http://www.w3.org/2001/04/xmlenc#sha256" => SHA256.HashData(bytes),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => SHA384.HashData(bytes),
        "http://www.w3.org/2001/04/xmlenc#sha512" => SHA512.HashData(bytes),
#pragma warning disable CA5350 // Reached only where a test of old vectors took SHA-1.
        _ => SHA1.HashData(bytes),
#pragma warning restore CA5350
    };

    /// <summary>Finds the one element that is meant, whatever else says that it has its id.</summary>
    private sealed class PinnedXml : SignedXml
    {
        private readonly XmlElement _signed;

        public PinnedXml(XmlElement signed)
            : base(signed)
        {
            _signed = signed;
            Resolver = null!;
        }

        public override XmlElement? GetIdElement(XmlDocument? document, string idValue) =>
            SamlXml.Attribute(_signed, "ID") == idValue ? _signed : null;
    }
}
