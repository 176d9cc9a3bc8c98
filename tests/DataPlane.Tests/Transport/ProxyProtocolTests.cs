using System.Buffers.Binary;
using System.Net;
using System.Numerics;
using System.Text;
using Countersign.DataPlane.Transport;

namespace Countersign.DataPlane.Tests.Transport;

/// <summary>The PROXY header, as bytes.</summary>
public sealed class ProxyProtocolTests
{
    private const string Signature = "\r\n\r\n\0\r\nQUIT\n";

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", "192.0.2.1:56324")]
    [InlineData("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535")]
    [InlineData("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:db8::2 4124 443\r\n", "[2001:db8::1]:4124")]
    [InlineData("PROXY TCP6 ffff:f:ffff:ffff:ffff:ffff:ffff:ffff ffff:f:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
        "[ffff:f:ffff:ffff:ffff:ffff:ffff:ffff]:65535")]
    [InlineData("PROXY UNKNOWN\r\n", null)]
    [InlineData("PROXY UNKNOWN ffff:f:ffff:ffff:ffff:ffff:ffff:ffff whatever 1\r\n", null)]
    public void Version_1_is_read(string header, string? source)
    {
        // Proves each sound form of section 2.1, at every split: more is asked for until the last byte, and none after.
        Check(Encoding.ASCII.GetBytes(header), source);
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 1\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1  198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.01 198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.256 198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2 198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1.1 198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY TCP4 2001:db8::1 198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY TCP6 192.0.2.1 198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY TCP6 fe80::1%eth0 2001:db8::2 4124 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 056324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n")]
    [InlineData("PROXY UDP4 192.0.2.1 198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY UNKNOWNS\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\nGET / HTTP/1.1\r\n")]
    [InlineData("PROXY UNKNOWN \0\r\n")]
    [InlineData("PROXY \r\n")]
    public void Version_1_that_is_not_sound_is_invalid(string header)
    {
        // Proves that each departure from the grammar is refused, and that no split of it is taken.
        byte[] bytes = Encoding.ASCII.GetBytes(header);
        Assert.Equal(ProxyStatus.Invalid, ProxyProtocol.TryParse(bytes, out _, out _));
        for (int split = 0; split < bytes.Length; split++)
        {
            Assert.NotEqual(ProxyStatus.Complete, ProxyProtocol.TryParse(bytes.AsSpan(0, split), out _, out _));
        }
    }

    [Fact]
    public void Version_1_ends_within_107_bytes()
    {
        // Proves the bound of section 2.1: a line that does not end by then is refused and never waited for.
        byte[] line = Encoding.ASCII.GetBytes("PROXY UNKNOWN " + new string('x', 200));
        Assert.Equal(ProxyStatus.NeedMore, ProxyProtocol.TryParse(line.AsSpan(0, 106), out _, out _));
        Assert.Equal(ProxyStatus.Invalid, ProxyProtocol.TryParse(line.AsSpan(0, 107), out _, out _));
        "\r\n"u8.CopyTo(line.AsSpan(105));
        Assert.Equal(ProxyStatus.Complete, ProxyProtocol.TryParse(line, out int consumed, out _));
        Assert.Equal(107, consumed);
    }

    [Fact]
    public void Version_2_is_read()
    {
        // Proves each family of section 2.2, with and without extensions, at every split.
        byte[] four = [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04, 1, 0xBB];
        byte[] six = [.. IPAddress.Parse("2001:db8::1").GetAddressBytes(),
            .. IPAddress.Parse("2001:db8::2").GetAddressBytes(), 0x10, 0x1C, 1, 0xBB];
        byte[] extension = [0x04, 0, 3, 1, 2, 3, 0x20, 0, 0];
        Check(Header(0x21, 0x11, four), "192.0.2.1:56324");
        Check(Header(0x21, 0x11, [.. four, .. extension]), "192.0.2.1:56324");
        Check(Header(0x21, 0x21, six), "[2001:db8::1]:4124");
        Check(Header(0x21, 0x31, new byte[216]), null);
        Check(Header(0x21, 0x12, four), null);
        Check(Header(0x21, 0x00, []), null);
        Check(Header(0x21, 0x00, extension), null);
        Check(Header(0x20, 0x00, []), null);
        Check(Header(0x20, 0x11, four), null);
        Check(Header(0x20, 0xFF, [1, 2, 3]), null);
    }

    [Fact]
    public void Version_2_that_is_not_sound_is_invalid()
    {
        // Proves that other versions, commands and families, addresses that do not fit and headers too long are
        // refused.
        byte[] four = [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04, 1, 0xBB];
        Assert.Equal(ProxyStatus.Invalid, Status(Header(0x11, 0x11, four)));
        Assert.Equal(ProxyStatus.Invalid, Status(Header(0x31, 0x11, four)));
        Assert.Equal(ProxyStatus.Invalid, Status(Header(0x22, 0x11, four)));
        Assert.Equal(ProxyStatus.Invalid, Status(Header(0x21, 0x41, four)));
        Assert.Equal(ProxyStatus.Invalid, Status(Header(0x21, 0x13, four)));
        Assert.Equal(ProxyStatus.Invalid, Status(Header(0x21, 0x11, four[..11])));
        Assert.Equal(ProxyStatus.Invalid, Status(Header(0x21, 0x21, four)));
        Assert.Equal(ProxyStatus.Invalid, Status(Header(0x21, 0x11, [.. four, 0x04, 0])));
        Assert.Equal(ProxyStatus.Invalid, Status(Header(0x21, 0x11, [.. four, 0x04, 0, 4, 1, 2, 3])));
        Assert.Equal(ProxyStatus.Invalid, Status(Header(0x21, 0x00, new byte[4_081])));
        Assert.Equal(ProxyStatus.Complete, Status(Header(0x20, 0x00, new byte[4_080])));
    }

    [Fact]
    public void A_checksum_is_checked()
    {
        // Proves section 2.2.4: the right CRC-32C passes, and each single changed byte of the header does not.
        byte[] header = Header(
            0x21, 0x11, [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04, 1, 0xBB, 0x03, 0, 4, 0, 0, 0, 0, 0x04, 0, 1, 9]);
        uint sum = uint.MaxValue;
        foreach (byte one in header) sum = BitOperations.Crc32C(sum, one);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(16 + 12 + 3), ~sum);
        Check(header, "192.0.2.1:56324");
        for (int at = 16; at < header.Length; at++)
        {
            byte[] changed = [.. header];
            changed[at] ^= 1;

            // A changed type hides the sum, and it is then an extension like another.
            if (at == 16 + 12) Assert.Equal(ProxyStatus.Complete, Status(changed));
            else Assert.Equal(ProxyStatus.Invalid, Status(changed));
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("PROXI")]
    [InlineData("\r\nGET")]
    [InlineData("\x16\x03\x01")]
    public void What_is_no_header_is_absent(string text)
    {
        // Proves that HTTP and TLS are told from a header by the first byte that differs.
        Assert.Equal(ProxyStatus.Absent, Status(Encoding.Latin1.GetBytes(text)));
    }

    private static void Check(byte[] header, string? source)
    {
        for (int split = 0; split < header.Length; split++)
        {
            Assert.Equal(ProxyStatus.NeedMore, Status(header[..split]));
        }

        byte[] more = [.. header, .. "GET / HTTP/1.1\r\n\r\n"u8];
        Assert.Equal(ProxyStatus.Complete, ProxyProtocol.TryParse(more, out int consumed, out IPEndPoint? found));
        Assert.Equal(header.Length, consumed);
        Assert.Equal(source, found?.ToString());
    }

    private static ProxyStatus Status(byte[] bytes) => ProxyProtocol.TryParse(bytes, out _, out _);

    private static byte[] Header(byte command, byte family, byte[] rest)
    {
        byte[] header = [.. Encoding.Latin1.GetBytes(Signature), command, family, 0, 0, .. rest];
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(14), (ushort)rest.Length);
        return header;
    }
}
