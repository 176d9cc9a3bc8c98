using System.Security.Cryptography.Xml;
using System.Xml;

namespace Countersign.Identity.Inbound.Saml;

/// <summary>Exclusive canonicalization (XML Exclusive Canonicalization 1.0) of one element.</summary>
internal static class SamlCanonical
{
    /// <summary>
    /// The element by itself, with the namespaces that it stood in: those it does not use are not written.
    /// </summary>
    /// <param name="element">Which.</param>
    /// <param name="without">A child of it that is left out; null for none.</param>
    /// <param name="prefixes">Those of <c>InclusiveNamespaces</c>; empty for none.</param>
    public static byte[] Bytes(XmlElement element, XmlElement? without, string prefixes)
    {
        XmlDocument alone = new() { PreserveWhitespace = true, XmlResolver = null };
        XmlElement root = (XmlElement)alone.ImportNode(element, deep: true);
        alone.AppendChild(root);
        for (XmlNode? above = element.ParentNode; above is XmlElement ancestor; above = above.ParentNode)
        {
            foreach (XmlAttribute space in ancestor.Attributes)
            {
                if (space.NamespaceURI == "http://www.w3.org/2000/xmlns/" && !root.HasAttribute(space.Name))
                    root.SetAttributeNode((XmlAttribute)alone.ImportNode(space, deep: true));
            }
        }

        if (without is not null) root.RemoveChild(root.ChildNodes[PlaceOf(without, element)]!);
        XmlDsigExcC14NTransform transform = new(includeComments: false, prefixes) { Resolver = null };
        transform.LoadInput(alone);
        using Stream output = (Stream)transform.GetOutput(typeof(Stream));
        using MemoryStream bytes = new();
        output.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static int PlaceOf(XmlElement child, XmlElement parent)
    {
        int place = 0;
        foreach (XmlNode one in parent.ChildNodes)
        {
            if (one == child) break;
            place++;
        }

        return place;
    }
}
