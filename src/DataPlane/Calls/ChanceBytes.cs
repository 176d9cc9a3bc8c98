using System.Security.Cryptography;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Random bytes for ids, from the system's generator a page at a time: asked once for each id it costs a system call,
/// and two more where OpenSSL looks whether the process has forked. Each byte is given out once and wiped.
/// </summary>
internal static class ChanceBytes
{
    private const int PageBytes = 2_048;

    [ThreadStatic]
    private static byte[]? t_page;

    [ThreadStatic]
    private static int t_left;

    /// <summary>Fills at most a page.</summary>
    [HotPath]
    internal static void Fill(Span<byte> destination)
    {
        if (t_left < destination.Length) Refill();
        Span<byte> given = t_page.AsSpan(PageBytes - t_left, destination.Length);
        given.CopyTo(destination);
        given.Clear();
        t_left -= destination.Length;
    }

    /// <summary>A UUID of version 7 (RFC 9562 section 5.7) of this time.</summary>
    [HotPath]
    internal static Guid NewId(DateTimeOffset at)
    {
        Span<byte> bytes = stackalloc byte[16];
        Fill(bytes[6..]);
        long milliseconds = at.ToUnixTimeMilliseconds();
        for (int index = 5; index >= 0; index--, milliseconds >>= 8) bytes[index] = (byte)milliseconds;
        bytes[6] = (byte)(0x70 | (bytes[6] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return new Guid(bytes, bigEndian: true);
    }

    private static void Refill()
    {
        t_page ??= new byte[PageBytes];
        RandomNumberGenerator.Fill(t_page);
        t_left = PageBytes;
    }
}
