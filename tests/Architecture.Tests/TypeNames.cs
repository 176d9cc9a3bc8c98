using System.Reflection.Metadata;

namespace Countersign.Architecture.Tests;

/// <summary>Names of types by their handles.</summary>
internal static class TypeNames
{
    /// <summary>Namespace and name, a nested type as "Outer+Inner"; empty where there is none to tell.</summary>
    public static string Of(MetadataReader metadata, EntityHandle handle)
    {
        if (handle.IsNil) return "";
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                TypeDefinition type = metadata.GetTypeDefinition((TypeDefinitionHandle)handle);
                string name = metadata.GetString(type.Name);
                TypeDefinitionHandle outer = type.GetDeclaringType();
                return outer.IsNil ? Join(metadata.GetString(type.Namespace), name) : Of(metadata, outer) + "+" + name;
            case HandleKind.TypeReference:
                TypeReference other = metadata.GetTypeReference((TypeReferenceHandle)handle);
                string otherName = metadata.GetString(other.Name);
                return other.ResolutionScope.Kind == HandleKind.TypeReference
                    ? Of(metadata, other.ResolutionScope) + "+" + otherName
                    : Join(metadata.GetString(other.Namespace), otherName);
            case HandleKind.TypeSpecification:
                BlobReader blob = metadata.GetBlobReader(
                    metadata.GetTypeSpecification((TypeSpecificationHandle)handle).Signature);
                if (blob.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance) return "";
                _ = blob.ReadByte(); // class or value type
                return Of(metadata, blob.ReadTypeHandle());
            default:
                return "";
        }
    }

    private static string Join(string space, string name) => space.Length == 0 ? name : space + "." + name;
}
