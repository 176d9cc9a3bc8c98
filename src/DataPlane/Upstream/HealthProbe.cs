using Countersign.DataPlane.Http;
using Countersign.Policy;

namespace Countersign.DataPlane.Upstream;

/// <summary>
/// Asks one address whether it is well, on the heartbeat and apart from the calls: a GET over a connection of its own.
/// </summary>
internal sealed class HealthProbe(
    EndpointPool endpoint, HealthTerms terms, IUpstreamDialer dialer, Limits limits, TimeProvider clock)
{
    private UpstreamConnection? _connection;
    private Task? _pending;
    private long _dueAt;
    private int _passed;
    private int _failed;

    /// <summary>Whom it asks.</summary>
    internal EndpointPool Endpoint => endpoint;

    /// <summary>Begins a check if it is time to, or ends one that takes too long.</summary>
    /// <param name="now">Timestamp.</param>
    /// <param name="onChange">Called when the endpoint has become healthy or unhealthy.</param>
    internal void Beat(long now, Action<EndpointPool> onChange)
    {
        if (Volatile.Read(ref _pending) is { IsCompleted: false })
        {
            UpstreamConnection? waiting = Volatile.Read(ref _connection);
            if (waiting is not null && waiting.Deadline.Passes(now)) waiting.Cancel();
            return;
        }

        if (now < _dueAt) return;
        _dueAt = now + (long)(terms.Interval.TotalSeconds * clock.TimestampFrequency);
        Volatile.Write(ref _pending, RunAsync(onChange));
    }

    private async Task RunAsync(Action<EndpointPool> onChange)
    {
        bool passes = await PassesAsync();
        (_passed, _failed) = passes ? (_passed + 1, 0) : (0, _failed + 1);
        bool isHealthy = endpoint.IsHealthy ? _failed < terms.UnhealthyAfter : _passed >= terms.HealthyAfter;
        if (isHealthy == endpoint.IsHealthy) return;
        endpoint.IsHealthy = isHealthy;
        onChange(endpoint);
    }

    private async Task<bool> PassesAsync()
    {
        Dialled dialled = await dialer.DialAsync(endpoint.Address, endpoint.Endpoint, endpoint.Tls, terms.Timeout);
        if (dialled.Connection is not { } transport) return false;
        UpstreamConnection connection = new(transport, endpoint, clock, ownsPlace: false);
        Volatile.Write(ref _connection, connection);
        try
        {
            connection.Deadline.Arm(terms.Timeout);
            WriteRequest(connection);
            var flushed = await connection.Output.FlushAsync();
            if (flushed.IsCanceled || flushed.IsCompleted) return false;
            ResponseStatus status;
            do
            {
                status = await connection.ReadHeadAsync(answersHead: false, limits.HeadBytesMax, limits.FieldsMax);
            }
            while (status == ResponseStatus.Interim);

            return status == ResponseStatus.Head
                && connection.Response.Status >= terms.StatusMin && connection.Response.Status <= terms.StatusMax;
        }
        catch (Exception fault) when (PeerLoss.Explains(fault))
        {
            return false;
        }
        finally
        {
            Volatile.Write(ref _connection, null);
            connection.Release();
        }
    }

    private void WriteRequest(UpstreamConnection connection)
    {
        WireText.Put(connection.Output, "GET "u8);
        WireText.PutAscii(connection.Output, terms.Path);
        WireText.Put(connection.Output, " HTTP/1.1\r\n"u8);
        WireText.PutField(connection.Output, "Host"u8, connection.Authority);
        WireText.Put(connection.Output, "User-Agent: countersign-health\r\nAccept: */*\r\nConnection: close\r\n\r\n"u8);
    }
}
