using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Transport;

/// <summary>
/// Takes the PROXY header off connections from the configured networks, so that the client behind the balancer is the
/// one that is known. From anywhere else nothing is taken off, and the header is bytes that are no HTTP.
/// </summary>
internal sealed partial class ProxyFront(ProxyProtocolOptions options, ILogger log)
{
    /// <summary>True if this peer may speak the protocol.</summary>
    internal bool Believes(EndPoint? peer)
    {
        if (peer is not IPEndPoint { Address: { } address }) return false;
        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        foreach (IPNetwork network in options.From)
        {
            if (network.Contains(plain)) return true;
        }

        return false;
    }

    /// <summary>
    /// Reads the header and puts the client's address in the peer's place; false ends the connection. The caller
    /// cancels the read when it has waited enough.
    /// </summary>
    internal async ValueTask<bool> TakeAsync(ConnectionContext connection, CancellationToken stop)
    {
        PipeReader input = connection.Transport.Input;
        while (true)
        {
            ReadResult result = await input.ReadAsync(CancellationToken.None);
            ReadOnlySequence<byte> bytes = result.Buffer;
            ProxyStatus status = Parse(bytes, out int consumed, out IPEndPoint? source);
            if (status == ProxyStatus.NeedMore && !result.IsCompleted && !stop.IsCancellationRequested)
            {
                input.AdvanceTo(bytes.Start, bytes.End);
                continue;
            }

            if (status == ProxyStatus.Complete)
            {
                input.AdvanceTo(bytes.GetPosition(consumed));
                if (source is not null) connection.RemoteEndPoint = source;
                return true;
            }

            input.AdvanceTo(bytes.Start);
            if (status == ProxyStatus.Absent && !options.IsRequired) return true;
            if (!bytes.IsEmpty) LogRefused(log, connection.RemoteEndPoint, status);
            return false;
        }
    }

    private static ProxyStatus Parse(in ReadOnlySequence<byte> bytes, out int consumed, out IPEndPoint? source)
    {
        if (bytes.IsSingleSegment) return ProxyProtocol.TryParse(bytes.FirstSpan, out consumed, out source);
        return ProxyProtocol.TryParse(
            bytes.Slice(0, Math.Min(bytes.Length, ProxyProtocol.BytesMax)).ToArray(), out consumed, out source);
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "A connection from {Peer} was closed: its PROXY header is {Status}")]
    private static partial void LogRefused(ILogger log, EndPoint? peer, ProxyStatus status);
}
