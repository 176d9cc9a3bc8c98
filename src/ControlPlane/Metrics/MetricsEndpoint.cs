using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Countersign.ControlPlane.Metrics;

/// <summary>
/// <c>GET /metrics</c>: what every meter of this process measures, as Prometheus or OpenMetrics text, whichever is
/// asked for. Open to who reaches this listener, so nothing of a call may be a label.
/// </summary>
internal static class MetricsEndpoint
{
    // Both listeners' meters: this one knows the other's by name alone.
    private const string Meters = "Countersign.*";

    // Scrapers share an answer for this long, so that asking often costs little.
    private const int SharedMilliseconds = 1_000;

    private const int AnswerBytesMax = 16_777_216;

    /// <summary>Begins to collect. What is returned ends it.</summary>
    public static MeterProvider Collect() => Sdk.CreateMeterProviderBuilder()
        .SetResourceBuilder(ResourceBuilder.CreateEmpty()) // no names of machine, process or environment
        .AddMeter(Meters)
        .AddPrometheusExporter(options =>
        {
            options.ScopeInfoEnabled = false;
            options.TargetInfoEnabled = false;
            options.ScrapeResponseCacheDurationMilliseconds = SharedMilliseconds;
            options.MaxScrapeResponseSizeBytes = AnswerBytesMax;
        })
        .Build();

    public static void Map(IEndpointRouteBuilder endpoints, MeterProvider metrics) =>
        endpoints.MapPrometheusScrapingEndpoint(
            "/metrics", metrics, configureBranchedPipeline: null, optionsName: null);
}
