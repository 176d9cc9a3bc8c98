using System.Diagnostics.Metrics;
using System.Net;

namespace Countersign.ControlPlane.Tests.Metrics;

public sealed class MetricsEndpointTests
{
    [Fact]
    public async Task Meters_of_the_process_are_shown_without_a_token()
    {
        // Proves the page: a counter, a gauge with labels and a histogram of one of our meters are there in Prometheus
        // text, another program's meter is not, and nothing names the machine.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        using Meter ours = new("Countersign.Shown");
        using Meter theirs = new("Elsewhere.Hidden");
        ours.CreateCounter<long>("shown.calls").Add(3);
        ours.CreateObservableGauge(
            "shown.circuit", () => new Measurement<int>(2, new KeyValuePair<string, object?>("upstream", "billing")));
        ours.CreateHistogram<double>(
            "shown.duration", "s", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1] })
            .Record(0.75);
        theirs.CreateCounter<long>("hidden.calls").Add(1);
        Answer answer = await gate.GetAsync("/metrics");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("text/plain", answer.Message.Content.Headers.ContentType!.MediaType);
        Assert.Contains("shown_calls_total{} 3", answer.Body, StringComparison.Ordinal);
        Assert.Contains("shown_circuit{upstream=\"billing\"} 2", answer.Body, StringComparison.Ordinal);
        Assert.Contains("shown_duration_seconds_bucket{le=\"0.5\"} 0", answer.Body, StringComparison.Ordinal);
        Assert.Contains("shown_duration_seconds_bucket{le=\"1\"} 1", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("target_info", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("otel_scope", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenMetrics_is_given_to_who_asks_for_it()
    {
        // Proves negotiation by the Accept field, and the end mark that OpenMetrics needs.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        using Meter ours = new("Countersign.Asked");
        ours.CreateCounter<long>("asked").Add(1);
        HttpRequestMessage request = new(HttpMethod.Get, gate.Address + "/metrics");
        request.Headers.TryAddWithoutValidation("Accept", "application/openmetrics-text; version=1.0.0");
        Answer answer = await gate.SendAsync(request);
        Assert.Equal("application/openmetrics-text", answer.Message.Content.Headers.ContentType!.MediaType);
        Assert.EndsWith("# EOF\n", answer.Body, StringComparison.Ordinal);
    }
}
