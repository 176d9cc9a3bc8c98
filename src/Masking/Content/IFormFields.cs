using System.Buffers;

namespace Countersign.Masking.Content;

/// <summary>Says which fields of a form are masked whole, by the rules that also name JSON members.</summary>
internal interface IFormFields
{
    /// <summary>True if this decoded name is too long to be compared, and a rule could still mean it.</summary>
    bool IsTooLong(ReadOnlySpan<byte> name);

    /// <summary>
    /// True if the field of this decoded name is masked; then what stands in place of its decoded value is written to
    /// <paramref name="output"/>, decoded.
    /// </summary>
    bool TryMask(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, IBufferWriter<byte> output);
}
