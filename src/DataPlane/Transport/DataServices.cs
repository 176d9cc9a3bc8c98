using System.Net;
using Countersign.DataPlane.Calls;
using Countersign.Identity.Inbound.Certificates;

namespace Countersign.DataPlane.Transport;

/// <summary>What every connection of one listener shares.</summary>
internal sealed record DataServices(CallPipeline Pipeline, Limits Limits, TimeProvider Clock, string PublicUrl)
{
    /// <summary>Networks of proxies whose word on hops before them is believed.</summary>
    internal IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>Whom client certificates stand for; null maps none.</summary>
    internal CertificateCallers? Certificates { get; init; }

    /// <summary>What counts the calls; null counts none.</summary>
    internal CallMetrics? Metrics { get; init; }
}
