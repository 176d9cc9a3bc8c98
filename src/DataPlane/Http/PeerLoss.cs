using System.Net.Sockets;

namespace Countersign.DataPlane.Http;

/// <summary>Tells a peer that went away from a bug.</summary>
internal static class PeerLoss
{
    /// <summary>True for what a socket transport throws when its peer resets, closes or is cut off.</summary>
    internal static bool Explains(Exception fault) =>
        fault is IOException or OperationCanceledException or SocketException or ObjectDisposedException;
}
