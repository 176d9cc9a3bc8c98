using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Countersign.Integration.Tests.Shipping;

/// <summary>A collector of OTLP/HTTP logs on loopback, which answers as it is told and keeps what it acknowledged.
/// </summary>
internal sealed class ScriptedCollector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly List<JsonNode> _records = [];

    private ScriptedCollector(WebApplication app) => _app = app;

    /// <summary>Where it takes logs.</summary>
    internal Uri Url => new(_app.Urls.First() + "/v1/logs");

    /// <summary>How the next requests are answered, by how many records they hold; 200 when nothing is left.</summary>
    internal Queue<Func<int, (int Status, string Body)>> Answers { get; } = new();

    /// <summary>The last request's fields.</summary>
    internal IReadOnlyDictionary<string, string> Fields { get; private set; } = new Dictionary<string, string>();

    /// <summary>Every record of a request that was answered with 200, as they came.</summary>
    internal IReadOnlyList<JsonNode> Records
    {
        get
        {
            lock (_records) return [.. _records];
        }
    }

    internal static async Task<ScriptedCollector> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        ScriptedCollector collector = new(builder.Build());
        collector._app.Run(collector.AnswerAsync);
        await collector._app.StartAsync();
        return collector;
    }

    /// <summary>The text of an attribute of a record.</summary>
    internal static string? Attribute(JsonNode record, string key) => record["attributes"]!.AsArray()
        .FirstOrDefault(one => (string?)one!["key"] == key)?["value"]!.AsObject().First().Value?.ToString();

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        Fields = context.Request.Headers.ToDictionary(field => field.Key, field => field.Value.ToString());
        JsonNode told = (await JsonNode.ParseAsync(context.Request.Body))!;
        JsonArray records = told["resourceLogs"]![0]!["scopeLogs"]![0]!["logRecords"]!.AsArray();
        Func<int, (int Status, string Body)>? answer;
        lock (_records) Answers.TryDequeue(out answer);
        (int status, string body) = answer?.Invoke(records.Count) ?? (200, "{}");
        context.Response.StatusCode = status;
        if (status == 200)
        {
            lock (_records) _records.AddRange(records.Select(record => record!.DeepClone()));
        }

        await context.Response.WriteAsync(body);
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
