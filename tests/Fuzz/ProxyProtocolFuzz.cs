using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Countersign.DataPlane.Transport;

namespace Countersign.Fuzz;

/// <summary>The PROXY header: no crash, no bound passed, one outcome for every split.</summary>
public sealed class ProxyProtocolFuzz
{
    [Fact]
    public Task Headers() => FuzzRun.ForSeedsAsync(30_000, random =>
    {
        // Proves that sound headers give the client that was written, and that mutated ones have one outcome: the
        // longer the front of a header, the more is known of it, and nothing that was known changes.
        IPEndPoint client = new(Address(random), random.Next(65_536));
        byte[] sound = random.Next(2) == 0 ? Text(random, client) : Binary(random, client);
        Assert.Equal(ProxyStatus.Complete, ProxyProtocol.TryParse(sound, out int whole, out IPEndPoint? found));
        Assert.Equal(sound.Length, whole);
        Assert.Equal(client, found);
        byte[] bytes = FuzzRun.Mutate(random, [.. sound, .. "GET / HTTP/1.1\r\nHost: h\r\n\r\n"u8]);
        ProxyStatus final = ProxyProtocol.TryParse(bytes, out int consumed, out found);
        Assert.True(consumed <= Math.Min(bytes.Length, ProxyProtocol.BytesMax));
        Assert.True(found is null || final == ProxyStatus.Complete);
        for (int split = 0; split < bytes.Length; split++)
        {
            ProxyStatus status = ProxyProtocol.TryParse(bytes.AsSpan(0, split), out int taken, out IPEndPoint? early);
            if (status == ProxyStatus.NeedMore) continue;
            Assert.Equal(final, status);
            if (status == ProxyStatus.Complete) Assert.Equal((consumed, found), (taken, early));
        }

        return Task.CompletedTask;
    });

    private static IPAddress Address(Random random)
    {
        byte[] bytes = new byte[random.Next(2) == 0 ? 4 : 16];
        random.NextBytes(bytes);
        return new IPAddress(bytes);
    }

    private static byte[] Text(Random random, IPEndPoint client)
    {
        string family = client.AddressFamily == AddressFamily.InterNetwork ? "TCP4" : "TCP6";
        return Encoding.ASCII.GetBytes(
            $"PROXY {family} {client.Address} {client.Address} {client.Port} {random.Next(65_536)}\r\n");
    }

    private static byte[] Binary(Random random, IPEndPoint client)
    {
        List<byte> header = [.. "\r\n\r\n\0\r\nQUIT\n"u8, 0x21];
        byte[] address = client.Address.GetAddressBytes();
        header.Add(address.Length == 4 ? (byte)0x11 : (byte)0x21);
        header.AddRange([0, 0, .. address, .. address, (byte)(client.Port >> 8), (byte)client.Port, 1, 0xBB]);
        for (int extensions = random.Next(3); extensions > 0; extensions--)
        {
            byte[] value = new byte[random.Next(20)];
            random.NextBytes(value);
            byte type = FuzzRun.Pick<byte>(random, 0x01, 0x02, 0x04, 0x05, 0x20, 0x30, 0xE0);
            header.AddRange([type, 0, (byte)value.Length]);
            header.AddRange(value);
        }

        byte[] bytes = [.. header];
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(14), (ushort)(bytes.Length - 16));
        return bytes;
    }
}
