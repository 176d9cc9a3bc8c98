namespace Countersign.Masking.Content;

/// <summary>Bounds of what one encoded body may decode to.</summary>
/// <param name="DecodedBytesMax">Bytes.</param>
/// <param name="RatioMax">Times its size, past 64 KiB.</param>
public readonly record struct BodyLimits(long DecodedBytesMax, int RatioMax)
{
    /// <summary>100 MiB, and 100 times.</summary>
    public static BodyLimits Usual => new(104_857_600, ContentLimits.RatioMax);
}
