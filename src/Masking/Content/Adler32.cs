namespace Countersign.Masking.Content;

/// <summary>The checksum of zlib (RFC 1950 section 8.2).</summary>
internal static class Adler32
{
    /// <summary>The checksum of nothing.</summary>
    public const uint Empty = 1;

    private const uint Modulus = 65_521;
    private const int SumsMax = 5_552;   // bytes that sums of 32 bits take without a remainder (RFC 1950 section 9)

    /// <summary>The checksum of what <paramref name="adler"/> is of, and then <paramref name="bytes"/>.</summary>
    public static uint Append(uint adler, ReadOnlySpan<byte> bytes)
    {
        uint low = adler & 0xFFFF;
        uint high = adler >> 16;
        while (!bytes.IsEmpty)
        {
            ReadOnlySpan<byte> some = bytes[..Math.Min(bytes.Length, SumsMax)];
            foreach (byte one in some)
            {
                low += one;
                high += low;
            }

            low %= Modulus;
            high %= Modulus;
            bytes = bytes[some.Length..];
        }

        return high << 16 | low;
    }
}
