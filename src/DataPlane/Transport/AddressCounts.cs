using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Countersign.DataPlane.Transport;

/// <summary>
/// Connections per client address. An IPv6 address counts as its /64: that is what one subscriber has, and may take any
/// address of. Addresses without connections are forgotten.
/// </summary>
internal sealed class AddressCounts
{
    private readonly ConcurrentDictionary<UInt128, int> _counts = new();

    /// <summary>Counts a connection in; how many its address has now.</summary>
    internal int Enter(IPAddress address) =>
        _counts.AddOrUpdate(KeyOf(address), static _ => 1, static (_, count) => count + 1);

    /// <summary>Counts a connection out.</summary>
    internal void Leave(IPAddress address)
    {
        UInt128 key = KeyOf(address);
        while (_counts.TryGetValue(key, out int count))
        {
            bool isDone = count == 1
                ? _counts.TryRemove(new KeyValuePair<UInt128, int>(key, 1))
                : _counts.TryUpdate(key, count - 1, count);
            if (isDone) return;
        }
    }

    /// <summary>Addresses that have connections.</summary>
    internal int Addresses => _counts.Count;

    private static UInt128 KeyOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        IPAddress wide = address.AddressFamily == AddressFamily.InterNetwork ? address.MapToIPv6() : address;
        wide.TryWriteBytes(bytes, out _);
        UInt128 key = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return wide.IsIPv4MappedToIPv6 ? key : (key >> 64) << 64;
    }
}
