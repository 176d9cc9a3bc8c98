using System.Text;

namespace Countersign.DataPlane.Upstream;

/// <summary>
/// The idle connections of one endpoint, lowest slot first so that the busiest stay warm and the rest age out. No lock
/// and no allocation: a slot is taken and filled by one exchange.
/// </summary>
internal sealed class EndpointPool
{
    // Half of Node's and a fraction of nginx's and Kestrel's own keep-alive, so that we rarely race their close.
    private static readonly TimeSpan IdleMax = TimeSpan.FromSeconds(4);

    private readonly UpstreamConnection?[] _idle;

    internal EndpointPool(Uri endpoint, int idleMax)
    {
        Endpoint = endpoint;
        AuthorityBytes = Encoding.ASCII.GetBytes(
            endpoint.IsDefaultPort ? endpoint.IdnHost : endpoint.IdnHost + ":" + endpoint.Port);
        _idle = new UpstreamConnection?[idleMax];
    }

    /// <summary>Scheme, host and port.</summary>
    internal Uri Endpoint { get; }

    /// <summary>The Host value.</summary>
    internal ReadOnlySpan<byte> Authority => AuthorityBytes;

    private byte[] AuthorityBytes { get; }

    /// <summary>Takes an idle connection that is still fit; null if there is none.</summary>
    [HotPath]
    internal UpstreamConnection? TryTake()
    {
        foreach (ref UpstreamConnection? slot in _idle.AsSpan())
        {
            if (Volatile.Read(ref slot) is null) continue;
            UpstreamConnection? connection = Interlocked.Exchange(ref slot, null);
            if (connection is null) continue;
            if (connection.IsFit(IdleMax)) return connection;
            connection.Drop();
        }

        return null;
    }

    /// <summary>Keeps a connection for the next call; false if all slots are full.</summary>
    [HotPath]
    internal bool TryReturn(UpstreamConnection connection)
    {
        foreach (ref UpstreamConnection? slot in _idle.AsSpan())
        {
            if (Volatile.Read(ref slot) is null && Interlocked.CompareExchange(ref slot, connection, null) is null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Drops connections that have been idle too long or were closed by their peer.</summary>
    internal void Prune()
    {
        foreach (ref UpstreamConnection? slot in _idle.AsSpan())
        {
            if (Volatile.Read(ref slot) is null) continue;
            UpstreamConnection? connection = Interlocked.Exchange(ref slot, null);
            if (connection is not null && (!connection.IsFit(IdleMax) || !TryReturn(connection))) connection.Drop();
        }
    }
}
