using System.Text;
using System.Xml;

namespace Countersign.Identity.Inbound.Saml;

/// <summary>
/// The one parser of SAML documents: no DTD, no entity, no comment, no processing instruction, no CDATA, nothing
/// outside
/// the document, and bounds on size, depth and breadth. What it lets through has one reading.
/// </summary>
internal static class SamlXml
{
    public const string Assertion = "urn:oasis:names:tc:SAML:2.0:assertion";
    public const string Protocol = "urn:oasis:names:tc:SAML:2.0:protocol";
    public const string Metadata = "urn:oasis:names:tc:SAML:2.0:metadata";
    public const string Signature = "http://www.w3.org/2000/09/xmldsig#";
    public const string Encryption = "http://www.w3.org/2001/04/xmlenc#";
    public const string Encryption11 = "http://www.w3.org/2009/xmlenc11#";
    public const string Canonical = "http://www.w3.org/2001/10/xml-exc-c14n#";

    private const int DepthMax = 32;
    private const int ElementsMax = 2_000;
    private const int AttributesMax = 32;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly string[] IdNames = ["ID", "Id", "id", "AssertionID"];

    /// <summary>Parses a document; null for one that is none, or that could be read in two ways.</summary>
    public static XmlDocument? Parse(ReadOnlySpan<byte> bytes, int bytesMax)
    {
        if (bytes.Length > bytesMax) return null;
        try
        {
            string text = Utf8.GetString(bytes);
            if (!IsPlain(text)) return null;
            XmlDocument document = new() { PreserveWhitespace = true, XmlResolver = null };
            using XmlReader reader = Reader(text);
            document.Load(reader);
            return HasUniqueIds(document.DocumentElement!) ? document : null;
        }
        catch (Exception fault) when (fault is XmlException or DecoderFallbackException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The only child element of that name; false where there are several.</summary>
    public static bool TryChild(XmlElement parent, string name, string space, out XmlElement? child)
    {
        child = null;
        foreach (XmlElement one in Children(parent, name, space))
        {
            if (child is not null) return false;
            child = one;
        }

        return true;
    }

    /// <summary>The child elements of that name.</summary>
    public static IEnumerable<XmlElement> Children(XmlElement parent, string name, string space) =>
        parent.ChildNodes.OfType<XmlElement>().Where(child => Is(child, name, space));

    public static bool Is(XmlElement element, string name, string space) =>
        element.LocalName == name && element.NamespaceURI == space;

    /// <summary>The text of an element that holds nothing but text; null for any other.</summary>
    public static string? TextOf(XmlElement? element)
    {
        if (element is null || element.ChildNodes.OfType<XmlElement>().Any()) return null;
        return element.InnerText.Trim();
    }

    /// <summary>An attribute without namespace; null where there is none.</summary>
    public static string? Attribute(XmlElement element, string name) =>
        element.HasAttribute(name) ? element.GetAttribute(name) : null;

    /// <summary>A time as SAML writes it: xs:dateTime in UTC.</summary>
    public static bool TryTime(string? text, out DateTimeOffset time)
    {
        time = default;
        if (text is null || text.Length > 40 || !text.EndsWith('Z')) return false;
        try
        {
            time = XmlConvert.ToDateTimeOffset(text);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static XmlReader Reader(string text) => XmlReader.Create(
        new StringReader(text),
        new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            CheckCharacters = true,
            MaxCharactersInDocument = text.Length,
            MaxCharactersFromEntities = 1,
        });

    // Everything that could make two readers disagree is looked for before a tree is built of it.
    private static bool IsPlain(string text)
    {
        using XmlReader reader = Reader(text);
        int elements = 0;
        while (reader.Read())
        {
            bool isKnown = reader.NodeType is XmlNodeType.Element or XmlNodeType.EndElement or XmlNodeType.Text
                or XmlNodeType.Whitespace or XmlNodeType.SignificantWhitespace or XmlNodeType.XmlDeclaration;
            if (!isKnown || reader.Depth > DepthMax || reader.AttributeCount > AttributesMax) return false;
            if (reader.NodeType == XmlNodeType.Element && ++elements > ElementsMax) return false;
        }

        return true;
    }

    private static bool HasUniqueIds(XmlElement root)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (XmlElement element in root.SelectNodes("descendant-or-self::*")!)
        {
            foreach (XmlAttribute attribute in element.Attributes)
            {
                bool isId = attribute.NamespaceURI.Length == 0 ? IdNames.Contains(attribute.LocalName)
                    : attribute.Name == "xml:id";
                if (isId && !seen.Add(attribute.Value)) return false;
            }
        }

        return true;
    }
}
