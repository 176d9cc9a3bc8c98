namespace Countersign.DataPlane.Http;

/// <summary>Finds where a message head ends, before anything in it is read, however the bytes arrive.</summary>
internal static class HeadScanner
{
    /// <summary>
    /// Looks for the empty line that ends a head (RFC 9112 section 2.1). A line feed without a carriage return is
    /// refused as soon as it is seen.
    /// </summary>
    /// <param name="bytes">Everything received of this head so far.</param>
    /// <param name="lineStart">Where the first unfinished line begins: 0 at first, kept by the caller between
    /// calls.</param>
    /// <param name="headBytes">The head's length with its empty line, when complete.</param>
    [HotPath]
    internal static ParseStatus TryFindEnd(ReadOnlySpan<byte> bytes, ref int lineStart, out int headBytes)
    {
        headBytes = 0;
        while (true)
        {
            int length = bytes[lineStart..].IndexOf((byte)'\n');
            if (length < 0) return ParseStatus.NeedMore;
            if (length == 0 || bytes[lineStart + length - 1] != '\r') return ParseStatus.Invalid;
            lineStart += length + 1;
            if (length == 1)
            {
                headBytes = lineStart;
                return ParseStatus.Complete;
            }
        }
    }
}
