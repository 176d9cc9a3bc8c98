using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Countersign.Architecture.Tests;

/// <summary>
/// What the methods of one assembly do, instruction by instruction. An async method or an iterator is read where the
/// compiler moved its body to.
/// </summary>
internal sealed class MethodBodies(PEReader image, MetadataReader metadata)
{
    private static readonly Dictionary<int, OpCode> OpCodeByValue = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value & 0xFFFF);

    /// <summary>The methods that carry the attribute, as "Type.Method".</summary>
    public IEnumerable<(string Name, MethodDefinitionHandle Method)> Marked(string attribute) =>
        All().Where(method => HasAttribute(method.Method, attribute));

    /// <summary>Every method of every type, as "Type.Method".</summary>
    public IEnumerable<(string Name, MethodDefinitionHandle Method)> All() =>
        metadata.MethodDefinitions.Select(handle => (NameOf(handle), handle));

    /// <summary>What the method does that costs an allocation, in words; empty if nothing.</summary>
    public IEnumerable<string> Costs(MethodDefinitionHandle handle)
    {
        MethodDefinition method = metadata.GetMethodDefinition(MovedTo(handle));
        if (method.RelativeVirtualAddress == 0) yield break;
        BlobReader body = image.GetMethodBody(method.RelativeVirtualAddress).GetILReader();
        while (body.RemainingBytes > 0)
        {
            int value = body.ReadByte();
            if (value == 0xFE) value = 0xFE00 | body.ReadByte();
            OpCode code = OpCodeByValue[value];
            int operandBytes = OperandBytes(code.OperandType);
            int operand = operandBytes == sizeof(int) ? body.ReadInt32() : 0;
            if (operandBytes != sizeof(int)) body.Offset += operandBytes;
            if (code.OperandType == OperandType.InlineSwitch) body.Offset += operand * sizeof(int);
            if (CostOf(code, operand) is { } cost) yield return cost;
        }
    }

    private static int OperandBytes(OperandType type) => type switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };

    private string? CostOf(OpCode code, int token)
    {
        if (code == OpCodes.Box) return "boxes " + TypeNames.Of(metadata, MetadataTokens.EntityHandle(token));
        if (code != OpCodes.Newobj && code != OpCodes.Call && code != OpCodes.Callvirt) return null;
        (string owner, string name) = Target(MetadataTokens.EntityHandle(token));
        bool isClosure = code == OpCodes.Newobj && owner.Contains("<>c__DisplayClass", StringComparison.Ordinal);
        if (isClosure) return "captures in a lambda";
        if (owner.StartsWith("System.Linq.", StringComparison.Ordinal)) return "calls LINQ: " + name;
        if (owner.EndsWith("InterpolatedStringHandler", StringComparison.Ordinal)) return "interpolates a string";
        return owner == "System.String" && name is "Format" or "Concat" or "Join" ? "makes a string: " + name : null;
    }

    private (string Owner, string Name) Target(EntityHandle handle)
    {
        if (handle.Kind == HandleKind.MethodSpecification)
        {
            handle = metadata.GetMethodSpecification((MethodSpecificationHandle)handle).Method;
        }

        if (handle.Kind == HandleKind.MethodDefinition)
        {
            MethodDefinition method = metadata.GetMethodDefinition((MethodDefinitionHandle)handle);
            return (TypeNames.Of(metadata, method.GetDeclaringType()), metadata.GetString(method.Name));
        }

        MemberReference member = metadata.GetMemberReference((MemberReferenceHandle)handle);
        return (TypeNames.Of(metadata, member.Parent), metadata.GetString(member.Name));
    }

    private string NameOf(MethodDefinitionHandle handle)
    {
        MethodDefinition method = metadata.GetMethodDefinition(handle);
        TypeDefinition type = metadata.GetTypeDefinition(method.GetDeclaringType());
        return metadata.GetString(type.Name) + "." + metadata.GetString(method.Name).TrimStart('.');
    }

    private MethodDefinitionHandle MovedTo(MethodDefinitionHandle handle)
    {
        foreach (CustomAttributeHandle attribute in metadata.GetMethodDefinition(handle).GetCustomAttributes())
        {
            CustomAttribute found = metadata.GetCustomAttribute(attribute);
            if (!AttributeName(found).EndsWith("StateMachineAttribute", StringComparison.Ordinal)) continue;
            BlobReader value = metadata.GetBlobReader(found.Value);
            _ = value.ReadUInt16(); // prolog
            string machine = value.ReadSerializedString()!.Split(',')[0];
            TypeDefinitionHandle type = metadata.TypeDefinitions.First(type => TypeNames.Of(metadata, type) == machine);
            return metadata.GetTypeDefinition(type).GetMethods()
                .First(inner => metadata.GetString(metadata.GetMethodDefinition(inner).Name) == "MoveNext");
        }

        return handle;
    }

    private bool HasAttribute(MethodDefinitionHandle handle, string name) =>
        metadata.GetMethodDefinition(handle).GetCustomAttributes()
            .Any(attribute => AttributeName(metadata.GetCustomAttribute(attribute)) == name);

    private string AttributeName(CustomAttribute attribute) => Target(attribute.Constructor).Owner;
}
