using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Countersign.DemoFunctions;

/// <summary>
/// The functions that the demo guards: a billing API, a people API and an MCP server, full of things that should be
/// masked. They do what they are asked without asking who asks, as many internal APIs do. They listen on loopback
/// alone.
/// </summary>
public sealed class DemoFunctions : IAsyncDisposable
{
    private const long RequestBytesMax = 1024 * 1024;

    // Of one refund, in the account's currency.
    private const decimal AmountMax = 1_000_000m;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    // The default encoder escapes for HTML; these are read by people, and never in a page.
    private static readonly JsonSerializerOptions Plain =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly WebApplication _app;
    private readonly TimeProvider _clock;
    private readonly Billing _billing;
    private readonly ToolServer _tools = new();
    private readonly SeenRequests _seen = new();

    private DemoFunctions(WebApplication app, TimeProvider clock)
    {
        _app = app;
        _clock = clock;
        _billing = new Billing(clock.GetUtcNow());
    }

    /// <summary>Where it listens: <c>http://127.0.0.1:&lt;port&gt;</c>.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Starts the functions.</summary>
    /// <param name="hostAndPort">A loopback IP address and port, <c>127.0.0.1:0</c>; port 0 picks a free one.</param>
    /// <param name="clock">Dates the ledger.</param>
    /// <exception cref="ArgumentException">The address is not one of this machine alone.</exception>
    public static async Task<DemoFunctions> StartAsync(string hostAndPort, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        if (!IPEndPoint.TryParse(hostAndPort, out IPEndPoint? endpoint) || !IPAddress.IsLoopback(endpoint.Address))
            throw new ArgumentException("The demo functions listen on loopback alone.", nameof(hostAndPort));

        // The empty builder reads no files, environment or arguments: nothing moves this listener elsewhere.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = RequestBytesMax;
            kestrel.Listen(endpoint);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, HostedLifetime>();
        DemoFunctions functions = new(builder.Build(), clock);
        functions.Map();
        try
        {
            await functions._app.StartAsync().ConfigureAwait(false);
        }
        catch
        {
            await functions.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        functions.Address = functions._app.Urls.First();
        return functions;
    }

    /// <summary>Stops listening.</summary>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private void Map()
    {
        _app.MapGet("/_seen", context => AnswerAsync(context, 200, _seen.ToJson()));
        _app.MapGet("/people", Noted(context => AnswerAsync(context, 200, ListPeople())));
        _app.MapGet(
            "/people/{id}", Noted(context => AnswerAsync(context, 200, People.Find(Segment(context, "id")).ToJson())));
        _app.MapGet("/billing/{account}", Noted(context => WithAccountAsync(
            context, account => AnswerAsync(context, 200, account.ToJson()))));
        _app.MapPost("/billing/{account}/reset", Noted(context => WithAccountAsync(
            context, account => AnswerAsync(context, 200, account.Reset()))));
        _app.MapPost("/billing/{account}/refunds", Noted(context => WithAccountAsync(
            context, account => RefundAsync(context, account))));
        _app.MapPost("/mcp", Noted(CallToolAsync));
        _app.MapMethods("/mcp", ["GET", "DELETE"], Noted(static context =>
        {
            // Neither a stream of the server's own nor a session to end: the protocol says 405 for both.
            context.Response.StatusCode = 405;
            context.Response.Headers.Allow = "POST";
            return Task.CompletedTask;
        }));
        _app.MapFallback(Noted(context => AnswerAsync(context, 404, Error("no such function"))));
    }

    private RequestDelegate Noted(RequestDelegate next) => context =>
    {
        _seen.Add(context.Request, _clock.GetUtcNow());
        return next(context);
    };

    private async Task CallToolAsync(HttpContext context)
    {
        (int status, JsonObject? body) = await _tools.AnswerAsync(context.Request).ConfigureAwait(false);
        if (body is not null) await AnswerAsync(context, status, body).ConfigureAwait(false);
        else context.Response.StatusCode = status;
    }

    private Task WithAccountAsync(HttpContext context, Func<Account, Task> answer) =>
        _billing.Find(Segment(context, "account")) is { } account
            ? answer(account)
            : AnswerAsync(context, 404, Error("no such account"));

    private async Task RefundAsync(HttpContext context, Account account)
    {
        JsonObject? wrong = null;
        decimal amount = 0;
        string currency = "EUR";
        string reason = "";
        try
        {
            using JsonDocument body = await JsonDocument
                .ParseAsync(context.Request.Body, Strict, context.RequestAborted).ConfigureAwait(false);
            JsonElement root = body.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("amount", out JsonElement asked)
                || asked.ValueKind != JsonValueKind.Number || !asked.TryGetDecimal(out amount)
                || amount is <= 0 or > AmountMax) wrong = Error("amount is a number above 0 and up to 1000000");
            else if (!TryText(root, "currency", ref currency)) wrong = Error("currency is a string");
            else if (!TryText(root, "reason", ref reason)) wrong = Error("reason is a string");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second is half a surrogate pair in a string.
            wrong = Error("the body is not one JSON object");
        }

        await (wrong is null
            ? AnswerAsync(context, 201, account.Refund(_clock.GetUtcNow(), amount, currency, reason))
            : AnswerAsync(context, 400, wrong)).ConfigureAwait(false);
    }

    private static bool TryText(JsonElement body, string name, ref string text)
    {
        if (!body.TryGetProperty(name, out JsonElement given)) return true;
        if (given.ValueKind != JsonValueKind.String) return false;
        text = given.GetString()!;
        return true;
    }

    private static JsonObject ListPeople() => new()
    {
        ["people"] = new JsonArray([.. People.All.Select(person => person.ToJson())]),
        ["total"] = People.All.Count,
    };

    private static string Segment(HttpContext context, string name) => (string)context.Request.RouteValues[name]!;

    private static JsonObject Error(string error) => new() { ["error"] = error };

    // Serialised first, so that every answer has its Content-Length.
    private static async Task AnswerAsync(HttpContext context, int status, JsonObject body)
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(body, Plain);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Leaves signals to the process that hosts it: the usual lifetime would end it on SIGTERM by
    /// itself.</summary>
    private sealed class HostedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
