namespace Countersign.Architecture.Tests;

/// <summary>What others can see of a type.</summary>
/// <param name="Name">With namespace; a nested one as "Outer+Inner".</param>
/// <param name="Parent">What it derives from; empty for none.</param>
/// <param name="IsPublic">Other assemblies see it.</param>
/// <param name="IsClass">Not an interface, struct or enum.</param>
/// <param name="IsSealed">Nothing derives from it; static classes are sealed and abstract.</param>
/// <param name="IsAbstract">It is no whole without what derives from it.</param>
internal sealed record TypeShape(
    string Name, string Parent, bool IsPublic, bool IsClass, bool IsSealed, bool IsAbstract);
