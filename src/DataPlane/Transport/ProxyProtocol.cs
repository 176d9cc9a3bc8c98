using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Text;

namespace Countersign.DataPlane.Transport;

/// <summary>What the front of a connection is. Zero is a header that may not be believed.</summary>
internal enum ProxyStatus : byte
{
    /// <summary>Begins as a header and is none.</summary>
    Invalid = 0,

    /// <summary>Could become a header; more bytes are needed.</summary>
    NeedMore,

    /// <summary>A whole header.</summary>
    Complete,

    /// <summary>Does not begin as a header.</summary>
    Absent,
}

/// <summary>
/// The PROXY protocol's header, versions 1 and 2 (haproxy.org, proxy-protocol.txt of 2020): bytes in, status out. What
/// it says of the destination is checked and not kept.
/// </summary>
internal static class ProxyProtocol
{
    /// <summary>The longest header taken, bytes: with all its extensions a real one has a few hundred.</summary>
    internal const int BytesMax = 4_096;

    // "PROXY UNKNOWN" with two full addresses and ports, and CRLF (section 2.1).
    private const int TextBytesMax = 107;
    private const int FixedBytes = 16;
    private const int ChecksumBytes = 4;
    private const byte ChecksumType = 0x03;

    private static readonly SearchValues<byte> IPv6Text = SearchValues.Create("0123456789abcdefABCDEF:."u8);

    private static ReadOnlySpan<byte> TextSignature => "PROXY "u8;

    private static ReadOnlySpan<byte> BinarySignature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Reads the header at the front of what a peer sent.</summary>
    /// <param name="bytes">Everything so far.</param>
    /// <param name="consumed">The header's length, when complete.</param>
    /// <param name="source">The client, when the header names one by IP; null keeps the peer's own address.</param>
    internal static ProxyStatus TryParse(ReadOnlySpan<byte> bytes, out int consumed, out IPEndPoint? source)
    {
        consumed = 0;
        source = null;
        if (bytes.StartsWith(TextSignature)) return ReadText(bytes, out consumed, out source);
        if (bytes.StartsWith(BinarySignature)) return ReadBinary(bytes, out consumed, out source);
        return TextSignature.StartsWith(bytes) || BinarySignature.StartsWith(bytes)
            ? ProxyStatus.NeedMore
            : ProxyStatus.Absent;
    }

    private static ProxyStatus ReadText(ReadOnlySpan<byte> bytes, out int consumed, out IPEndPoint? source)
    {
        source = null;
        consumed = 0;
        ReadOnlySpan<byte> front = bytes[..Math.Min(bytes.Length, TextBytesMax)];
        int end = front.IndexOf("\r\n"u8);
        if (end < 0)
        {
            bool canGrow = bytes.Length < TextBytesMax && front[..^1].IndexOfAny((byte)'\r', (byte)'\n') < 0
                && front[^1] != '\n';
            return canGrow ? ProxyStatus.NeedMore : ProxyStatus.Invalid;
        }

        consumed = end + 2;
        ReadOnlySpan<byte> line = front[TextSignature.Length..end];
        if (line.IndexOfAny((byte)'\r', (byte)'\n', (byte)0) >= 0) return ProxyStatus.Invalid;

        // Whatever follows UNKNOWN is to be passed over.
        if (line.SequenceEqual("UNKNOWN"u8) || line.StartsWith("UNKNOWN "u8)) return ProxyStatus.Complete;
        bool isIPv6 = line.StartsWith("TCP6 "u8);
        if (!isIPv6 && !line.StartsWith("TCP4 "u8)) return ProxyStatus.Invalid;
        return TryReadAddresses(line[5..], isIPv6, out source) ? ProxyStatus.Complete : ProxyStatus.Invalid;
    }

    private static bool TryReadAddresses(ReadOnlySpan<byte> fields, bool isIPv6, out IPEndPoint? source)
    {
        source = null;
        Span<Range> parts = stackalloc Range[5];
        if (Split(fields, parts) != 4) return false;
        bool isSound = TryReadAddress(fields[parts[0]], isIPv6, out IPAddress? address)
            & TryReadAddress(fields[parts[1]], isIPv6, out _)
            & TryReadPort(fields[parts[2]], out int port)
            & TryReadPort(fields[parts[3]], out _);
        if (isSound) source = new IPEndPoint(address!, port);
        return isSound;
    }

    private static int Split(ReadOnlySpan<byte> fields, Span<Range> parts)
    {
        int count = 0, start = 0;
        for (int at = 0; at <= fields.Length; at++)
        {
            if (at < fields.Length && fields[at] != ' ') continue;
            if (count == parts.Length) return -1;
            parts[count++] = start..at;
            start = at + 1;
        }

        return count;
    }

    // The framework also reads 1.2, 0x7f.1, [::1] and scopes; the protocol has none of these.
    private static bool TryReadAddress(ReadOnlySpan<byte> text, bool isIPv6, out IPAddress? address)
    {
        address = null;
        if (isIPv6)
        {
            bool isPlain = !text.ContainsAnyExcept(IPv6Text) && text.Contains((byte)':');
            return isPlain && IPAddress.TryParse(Encoding.ASCII.GetString(text), out address)
                && address.AddressFamily == AddressFamily.InterNetworkV6;
        }

        Span<byte> octets = stackalloc byte[4];
        for (int octet = 0; octet < 4; octet++)
        {
            int dot = octet < 3 ? text.IndexOf((byte)'.') : text.Length;
            if (dot < 0 || !TryReadNumber(text[..dot], 255, out int value)) return false;
            octets[octet] = (byte)value;
            text = octet < 3 ? text[(dot + 1)..] : default;
        }

        address = new IPAddress(octets);
        return true;
    }

    private static bool TryReadPort(ReadOnlySpan<byte> text, out int port) => TryReadNumber(text, 65_535, out port);

    private static bool TryReadNumber(ReadOnlySpan<byte> text, int max, out int value)
    {
        value = 0;
        bool isPlain = text.Length is > 0 and <= 5 && text.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0
            && (text.Length == 1 || text[0] != '0');
        return isPlain && Utf8Parser.TryParse(text, out value, out _) && value <= max;
    }

    private static ProxyStatus ReadBinary(ReadOnlySpan<byte> bytes, out int consumed, out IPEndPoint? source)
    {
        source = null;
        consumed = 0;
        if (bytes.Length > 12 && bytes[12] is not (0x20 or 0x21)) return ProxyStatus.Invalid;
        if (bytes.Length < FixedBytes) return ProxyStatus.NeedMore;
        int length = FixedBytes + BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        if (length > BytesMax) return ProxyStatus.Invalid;
        bool isLocal = bytes[12] == 0x20;
        int addressBytes = isLocal ? 0 : AddressBytes(bytes[13]);
        if (addressBytes < 0 || length < FixedBytes + addressBytes) return ProxyStatus.Invalid;
        if (bytes.Length < length) return ProxyStatus.NeedMore;
        consumed = length;

        // A health check of the balancer's own: the address that it may carry is to be passed over.
        if (isLocal) return ProxyStatus.Complete;
        ReadOnlySpan<byte> header = bytes[..length];
        if (!AreExtensionsSound(header, FixedBytes + addressBytes)) return ProxyStatus.Invalid;
        ReadOnlySpan<byte> addresses = header[FixedBytes..];
        if (bytes[13] == 0x11)
        {
            source = new IPEndPoint(
                new IPAddress(addresses[..4]), BinaryPrimitives.ReadUInt16BigEndian(addresses[8..]));
        }
        else if (bytes[13] == 0x21)
        {
            source = new IPEndPoint(
                new IPAddress(addresses[..16]), BinaryPrimitives.ReadUInt16BigEndian(addresses[32..]));
        }

        return ProxyStatus.Complete;
    }

    // Unspecified, datagrams and UNIX sockets are sound and name no client that we could use; the rest is to be
    // dropped.
    private static int AddressBytes(byte family) => family switch
    {
        0x00 => 0,
        0x11 or 0x12 => 12,
        0x21 or 0x22 => 36,
        0x31 or 0x32 => 216,
        _ => -1,
    };

    private static bool AreExtensionsSound(ReadOnlySpan<byte> header, int start)
    {
        int at = start;
        while (at < header.Length)
        {
            if (header.Length - at < 3) return false;
            int length = BinaryPrimitives.ReadUInt16BigEndian(header[(at + 1)..]);
            if (header.Length - at - 3 < length) return false;
            bool isWrong = header[at] == ChecksumType
                && (length != ChecksumBytes || !IsChecksumRight(header, at + 3));
            if (isWrong) return false;
            at += 3 + length;
        }

        return true;
    }

    // CRC-32C over the whole header, with the sum itself as zeros (section 2.2.4).
    private static bool IsChecksumRight(ReadOnlySpan<byte> header, int sumAt)
    {
        uint sum = uint.MaxValue;
        for (int at = 0; at < header.Length; at++)
        {
            bool isSum = at >= sumAt && at < sumAt + ChecksumBytes;
            sum = BitOperations.Crc32C(sum, isSum ? (byte)0 : header[at]);
        }

        return ~sum == BinaryPrimitives.ReadUInt32BigEndian(header[sumAt..]);
    }
}
