namespace Countersign.Policy.Arguments;

/// <summary>A member that a schema names.</summary>
/// <param name="Name">As written.</param>
/// <param name="Schema">What its value must be.</param>
/// <param name="IsRequired">An object without it does not fit.</param>
internal sealed record ArgumentMember(string Name, ArgumentSchema Schema, bool IsRequired);
