using System.Reflection;
using Countersign.Audit;
using Countersign.DataPlane;
using Countersign.Identity.Inbound;
using Countersign.Masking;
using Countersign.Policy;

namespace Countersign.Bench.Gate;

/// <summary>Every method that the sources mark <c>[HotPath]</c>, found in what was built.</summary>
internal static class HotMethods
{
    private const string Mark = "Countersign.HotPathAttribute";

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static
        | BindingFlags.DeclaredOnly;

    private static readonly Assembly[] Sources =
    [
        typeof(AuditLog).Assembly, typeof(Limits).Assembly, typeof(CallerVerifier).Assembly,
        typeof(JsonMasker).Assembly,
        typeof(PolicySnapshot).Assembly,
    ];

    /// <summary>All of them, written <c>Type.Method</c>; overloads are one.</summary>
    internal static IReadOnlySet<string> Find()
    {
        SortedSet<string> found = new(StringComparer.Ordinal);
        foreach (MethodBase method in Sources.SelectMany(source => source.GetTypes()).SelectMany(MethodsOf))
        {
            bool isHot = method.CustomAttributes.Any(attribute => attribute.AttributeType.FullName == Mark);
            if (isHot) found.Add(method.DeclaringType!.Name + "." + method.Name.TrimStart('.'));
        }

        return found;
    }

    private static IEnumerable<MethodBase> MethodsOf(Type type) =>
        type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared));
}
