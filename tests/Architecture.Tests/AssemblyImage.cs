using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Countersign.Architecture.Tests;

/// <summary>One of our assemblies as the compiler wrote it, read without loading it.</summary>
internal sealed class AssemblyImage
{
    private readonly MetadataReader _metadata;

    public AssemblyImage(string name)
    {
        string file = Path.Combine(AppContext.BaseDirectory, name + ".dll");
        var image = new PEReader([.. File.ReadAllBytes(file)]);
        _metadata = image.GetMetadataReader();
        Name = _metadata.GetString(_metadata.GetAssemblyDefinition().Name);
        Methods = new MethodBodies(image, _metadata);
    }

    /// <summary>The assemblies of the projects in src and samples.</summary>
    public static IReadOnlyList<AssemblyImage> Ours { get; } =
    [
        .. Repository.Projects("src", "samples").Select(project => new AssemblyImage(NameOf(project.Name))),
    ];

    public string Name { get; }

    public MethodBodies Methods { get; }

    /// <summary>The names of the assemblies it needs.</summary>
    public IReadOnlyList<string> References =>
    [
        .. _metadata.AssemblyReferences
            .Select(handle => _metadata.GetString(_metadata.GetAssemblyReference(handle).Name))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The types that people wrote, nested ones as "Outer+Inner".</summary>
    public IReadOnlyList<TypeShape> Types =>
    [
        .. _metadata.TypeDefinitions.Select(Shape)
            .Where(type => type.Name.StartsWith("Countersign.", StringComparison.Ordinal))
            .Where(type => !type.Name.Contains('<', StringComparison.Ordinal)),
    ];

    public static AssemblyImage Of(string project) => Ours.Single(image => image.Name == NameOf(project));

    /// <summary>An assembly is named after its project; the one executable is named after the command.</summary>
    public static string NameOf(string project) => project == "Cli" ? "countersign" : "Countersign." + project;

    private TypeShape Shape(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _metadata.GetTypeDefinition(handle);
        TypeAttributes flags = type.Attributes;
        string parent = TypeNames.Of(_metadata, type.BaseType);
        bool isClass = !flags.HasFlag(TypeAttributes.Interface)
            && parent is not "System.ValueType" and not "System.Enum";
        return new TypeShape(
            TypeNames.Of(_metadata, handle), parent, IsVisible(type), isClass, flags.HasFlag(TypeAttributes.Sealed),
            flags.HasFlag(TypeAttributes.Abstract));
    }

    private bool IsVisible(TypeDefinition type)
    {
        TypeAttributes visibility = type.Attributes & TypeAttributes.VisibilityMask;
        if (visibility == TypeAttributes.Public) return true;
        bool reaches = visibility is TypeAttributes.NestedPublic or TypeAttributes.NestedFamily
            or TypeAttributes.NestedFamORAssem;
        return reaches && IsVisible(_metadata.GetTypeDefinition(type.GetDeclaringType()));
    }
}
