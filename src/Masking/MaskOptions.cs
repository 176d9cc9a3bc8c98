namespace Countersign.Masking;

/// <summary>Bounds of one program; the usual ones unless stated.</summary>
public sealed record MaskOptions
{
    /// <summary>How deep JSON inside JSON strings is masked by the same rules: 0 not at all, at most
    /// <see cref="MaskLimits.NestedDepthMax"/>. Text that is JSON and lies deeper is masked whole.</summary>
    public int NestedDepth { get; init; } = MaskLimits.NestedDepthMax;

    /// <summary>Bytes of a value, as it stands in the body, that may be held until it is known whether it leaves. A
    /// longer one is refused.</summary>
    public int ValueBytesMax { get; init; } = MaskLimits.ValueBytesMax;
}
