namespace Countersign.Masking;

/// <summary>What the rules say of one value: the rank of an effect in <see cref="MaskProgram"/>, where the strictest
/// is 0, so that the smaller of two wins.</summary>
internal enum Hit : ushort
{
    Strictest = 0,
    None = ushort.MaxValue,
}
