using System.Xml.Linq;

namespace Countersign.Architecture.Tests;

/// <summary>One project: its path from the root and what it asks for.</summary>
internal sealed class ProjectFile
{
    private readonly XElement _root;

    public ProjectFile(string path, string text)
    {
        Path = path;
        _root = XElement.Parse(text);
        Name = System.IO.Path.GetFileNameWithoutExtension(path);
        Folder = path[..path.LastIndexOf('/')];
    }

    public string Path { get; }

    public string Name { get; }

    public string Folder { get; }

    /// <summary>The projects it references, each by its path from the root.</summary>
    public IReadOnlyList<string> References =>
        [.. Included("ProjectReference").Select(FromRoot).Order(StringComparer.Ordinal)];

    public IReadOnlyList<string> Packages => [.. Included("PackageReference")];

    /// <summary>The assemblies that may see its internals.</summary>
    public IReadOnlyList<string> Friends => [.. Included("InternalsVisibleTo")];

    /// <summary>Packages whose version it sets itself, past the central list.</summary>
    public IReadOnlyList<string> OwnVersions =>
    [
        .. _root.Descendants("PackageReference")
            .Where(item => item.Attribute("Version") is not null || item.Attribute("VersionOverride") is not null
                || item.Element("Version") is not null || item.Element("VersionOverride") is not null)
            .Select(item => item.Attribute("Include")?.Value ?? "?"),
    ];

    private IEnumerable<string> Included(string kind) =>
        _root.Descendants(kind).Select(item => item.Attribute("Include")?.Value).OfType<string>();

    private string FromRoot(string include)
    {
        string whole = System.IO.Path.GetFullPath(
            System.IO.Path.Combine(Repository.Root, Folder, include.Replace('\\', '/')));
        return System.IO.Path.GetRelativePath(Repository.Root, whole).Replace('\\', '/');
    }
}
