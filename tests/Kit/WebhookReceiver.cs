using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Countersign.Kit;

/// <summary>What reached a webhook.</summary>
internal sealed record Received(string Path, IReadOnlyDictionary<string, string> Fields, string Body);

/// <summary>A webhook's other end, on loopback: keeps what it is sent and answers as it is told.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;
    private readonly Channel<Received> _received = Channel.CreateUnbounded<Received>();

    private WebhookReceiver(WebApplication app) => _app = app;

    /// <summary>Where it listens.</summary>
    internal string Address => _app.Urls.First();

    /// <summary>How the next ones are answered; 204 when nothing is left.</summary>
    internal Queue<Func<HttpContext, Task>> Answers { get; } = new();

    internal static async Task<WebhookReceiver> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        WebhookReceiver receiver = new(builder.Build());
        receiver._app.Run(receiver.AnswerAsync);
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Answers the next one with a status, and perhaps a field.</summary>
    internal void Then(int status, string field = "", string value = "") => Answers.Enqueue(context =>
    {
        context.Response.StatusCode = status;
        if (field.Length > 0) context.Response.Headers[field] = value;
        return Task.CompletedTask;
    });

    /// <summary>The next that comes, or fails.</summary>
    internal Task<Received> NextAsync(CancellationToken cancellation) =>
        _received.Reader.ReadAsync(cancellation).AsTask().WaitAsync(PatienceMax, cancellation);

    /// <summary>True if nothing has come that was not taken.</summary>
    internal bool IsQuiet => !_received.Reader.TryPeek(out _);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using StreamReader reader = new(context.Request.Body);
        string body = await reader.ReadToEndAsync(context.RequestAborted);
        Dictionary<string, string> fields = new(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, var value) in context.Request.Headers) fields[name] = value.ToString();
        Func<HttpContext, Task>? answer;
        lock (Answers) Answers.TryDequeue(out answer);
        context.Response.StatusCode = 204;
        if (answer is not null) await answer(context);
        _received.Writer.TryWrite(new Received(context.Request.Path + context.Request.QueryString, fields, body));
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
