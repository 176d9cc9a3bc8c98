using System.Net;
using System.Net.Sockets;

namespace Countersign.DataPlane.Upstream;

/// <summary>Asks the machine's own resolver, hosts file and all.</summary>
internal sealed class SystemResolver(TimeProvider clock) : INameResolver
{
    /// <inheritdoc/>
    public async ValueTask<IPAddress[]> ResolveAsync(string host, TimeSpan within)
    {
        try
        {
            return await Dns.GetHostAddressesAsync(host).WaitAsync(within, clock);
        }
        catch (Exception fault) when (fault is SocketException or TimeoutException or ArgumentException)
        {
            return [];
        }
    }
}
