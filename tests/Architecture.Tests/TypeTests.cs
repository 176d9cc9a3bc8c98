using System.Text.RegularExpressions;

namespace Countersign.Architecture.Tests;

public sealed partial class TypeTests
{
    [Fact]
    public void Public_types_are_listed()
    {
        // Proves by IL that what other assemblies see is exactly public-types.txt: a new public type is added by hand.
        Found.Same(
            Repository.List("public-types.txt"),
            AssemblyImage.Ours.SelectMany(image => image.Types).Where(type => type.IsPublic).Select(type => type.Name),
            "the public face");
    }

    [Fact]
    public void Classes_are_sealed()
    {
        // Proves by IL that every class is sealed or static, or abstract and derived from by one of ours.
        Found.Nothing(
            Exemptions.Apply("open-type", Unsealed([.. AssemblyImage.Ours.SelectMany(image => image.Types)])));
    }

    [Fact]
    public void Sees_a_class_left_open()
    {
        // Proves on four made-up types that the rule before takes sealed and derived ones, and refuses the others.
        TypeShape[] types =
        [
            new("A", "B", IsPublic: false, IsClass: true, IsSealed: true, IsAbstract: false),
            new("B", "System.Object", IsPublic: false, IsClass: true, IsSealed: false, IsAbstract: true),
            new("Open", "System.Object", IsPublic: false, IsClass: true, IsSealed: false, IsAbstract: false),
            new("Unused", "System.Object", IsPublic: false, IsClass: true, IsSealed: false, IsAbstract: true),
        ];
        Assert.Equal(["Open: is not sealed", "Unused: is not sealed"], Unsealed(types));
    }

    [Fact]
    public void Classes_of_tests_are_sealed()
    {
        // Proves by source text that classes in tests and load tests are sealed, static or abstract too. Benchmarks are
        // left out: BenchmarkDotNet derives from their classes.
        Found.Nothing(
            from file in Repository.Sources("tests", "loadtests")
            from member in file.Members
            where member.Kind == MemberKind.Type && ClassWord().IsMatch(member.Header)
                && !ClosedWord().IsMatch(member.Header)
            select file.Cite(file.LineOf(member.Start)));
    }

    private static IEnumerable<string> Unsealed(IReadOnlyList<TypeShape> types)
    {
        HashSet<string> parents = [.. types.Select(type => type.Parent)];
        return types
            .Where(type => type.IsClass && !type.IsSealed && !(type.IsAbstract && parents.Contains(type.Name)))
            .Where(type => !IsComponent(type))
            .Select(type => type.Name + ": is not sealed");
    }

    // The Razor compiler declares a component's class; it can be given neither `sealed` nor `internal`.
    private static bool IsComponent(TypeShape type)
    {
        string[] parts = type.Name.Split('.');
        return parts.Length > 2 && Repository.Has("src/" + string.Join('/', parts[1..]) + ".razor");
    }

    [GeneratedRegex(@"\b(class|record(?!\s+struct))\b")]
    private static partial Regex ClassWord();

    [GeneratedRegex(@"\b(sealed|static|abstract)\b")]
    private static partial Regex ClosedWord();
}
