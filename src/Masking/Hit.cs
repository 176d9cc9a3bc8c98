namespace Countersign.Masking;

/// <summary>What the rules say of one value. Ordered by strictness, so that the smaller of two wins.</summary>
internal enum Hit : byte
{
    Redact = 0,
    KeepLast4,
    None,
}
