using System.IO.Pipelines;
using Countersign.DataPlane.Http;
using Microsoft.AspNetCore.Connections;

namespace Countersign.DataPlane.Transport;

/// <summary>
/// What a connection passes before its first request: the PROXY header, then TLS. Each has its deadline; neither is
/// entered by a connection that sends nothing.
/// </summary>
internal sealed class Entrance(ProxyFront? proxy, TlsFront? tls, Limits limits, TimeProvider clock)
{
    /// <summary>
    /// Lets a connection in: gives back the one to serve, which owns the other; or null, and then the caller disposes
    /// of the one that came.
    /// </summary>
    /// <param name="connection">As it was accepted.</param>
    /// <param name="drain">Cancelled when the gateway drains: one that has sent nothing yet is let go.</param>
    internal async ValueTask<ConnectionContext?> AdmitAsync(ConnectionContext connection, CancellationToken drain)
    {
        try
        {
            if (proxy is not null && proxy.Believes(connection.RemoteEndPoint))
            {
                using Wait wait = new(connection, limits.ProxyHeaderWithin, clock);
                if (!await wait.ForFirstByteAsync(drain)) return null;
                if (!await proxy.TakeAsync(connection, wait.IsOver)) return null;
            }

            if (tls is null) return connection;
            using Wait handshake = new(connection, limits.HandshakeWithin, clock);
            if (!await handshake.ForFirstByteAsync(drain)) return null;
            return await tls.AcceptAsync(connection, handshake.IsOver);
        }
        catch (Exception fault) when (PeerLoss.Explains(fault))
        {
            // It went away at the door.
            return null;
        }
    }

    /// <summary>A bounded wait for a peer: at its end the connection's pending read and flush are cancelled.</summary>
    private sealed class Wait : IDisposable
    {
        private readonly ConnectionContext _connection;
        private readonly CancellationTokenSource _timer;
        private readonly CancellationTokenRegistration _end;

        internal Wait(ConnectionContext connection, TimeSpan within, TimeProvider clock)
        {
            _connection = connection;
            _timer = new CancellationTokenSource(within, clock);
            _end = _timer.Token.UnsafeRegister(Cancel, connection);
        }

        internal CancellationToken IsOver => _timer.Token;

        internal async ValueTask<bool> ForFirstByteAsync(CancellationToken drain)
        {
            using CancellationTokenRegistration draining = drain.UnsafeRegister(Cancel, _connection);
            PipeReader input = _connection.Transport.Input;
            while (true)
            {
                ReadResult result = await input.ReadAsync(CancellationToken.None);
                bool hasBytes = !result.Buffer.IsEmpty;
                input.AdvanceTo(result.Buffer.Start, hasBytes ? result.Buffer.Start : result.Buffer.End);
                if (hasBytes) return true;
                if (result.IsCompleted || IsOver.IsCancellationRequested || drain.IsCancellationRequested) return false;
            }
        }

        public void Dispose()
        {
            _end.Dispose();
            _timer.Dispose();
        }

        private static void Cancel(object? state)
        {
            ConnectionContext connection = (ConnectionContext)state!;
            connection.Transport.Input.CancelPendingRead();
            connection.Transport.Output.CancelPendingFlush();
        }
    }
}
