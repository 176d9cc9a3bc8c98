using System.Net;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Upstream;

/// <summary>What operators are told of upstreams; which address it was is said here and nowhere to callers.</summary>
internal static partial class UpstreamLog
{
    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Upstream {Upstream}: {Endpoint} at {Address} failed too often and is ejected")]
    internal static partial void Ejected(ILogger log, string upstream, Uri endpoint, IPEndPoint address);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Upstream {Upstream}: {Endpoint} at {Address} may be tried again")]
    internal static partial void HalfOpen(ILogger log, string upstream, Uri endpoint, IPEndPoint address);

    [LoggerMessage(Level = LogLevel.Information, Message = "Upstream {Upstream}: {Endpoint} at {Address} is back")]
    internal static partial void Returned(ILogger log, string upstream, Uri endpoint, IPEndPoint address);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Upstream {Upstream}: {Endpoint} at {Address} changed by its health check; healthy: {IsHealthy}")]
    internal static partial void Health(
        ILogger log, string upstream, Uri endpoint, IPEndPoint address, bool isHealthy);
}
