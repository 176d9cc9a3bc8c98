using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Countersign.Integration.Tests.Credentials;

/// <summary>
/// A vault as far as the gateway meets one, and beside it the function that its users may call: it answers a user that
/// lives, and holds whoever asks it to.
/// </summary>
internal sealed class ScriptedVault : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, string> _living = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;

    private ScriptedVault(WebApplication app) => _app = app;

    /// <summary>Where both listen.</summary>
    public string Address => _app.Urls.First();

    /// <summary>The users that live.</summary>
    public int Living => _living.Count;

    /// <summary>Completes when a call is held.</summary>
    public Task Held => _held.Task;

    public static async Task<ScriptedVault> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        ScriptedVault vault = new(builder.Build());
        vault._app.Run(vault.AnswerAsync);
        await vault._app.StartAsync();
        return vault;
    }

    public async ValueTask DisposeAsync()
    {
        _over.TrySetResult();
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        string path = context.Request.Path;
        (int status, string body) = path switch
        {
            "/v1/auth/approle/login" => await LogInAsync(context),
            "/v1/database/creds/ledger" when IsKnown(context) => (200, Made()),
            "/v1/sys/leases/revoke" when IsKnown(context) => await RevokeAsync(context),
            _ when path.StartsWith("/v1/", StringComparison.Ordinal) => (403, """{"errors":["denied"]}"""),
            _ => await CallAsync(context, path),
        };
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        if (status != 204) await context.Response.WriteAsync(body);
    }

    private static async Task<(int, string)> LogInAsync(HttpContext context)
    {
        using JsonDocument asked = await JsonDocument.ParseAsync(context.Request.Body);
        bool isRole = asked.RootElement.GetProperty("role_id").GetString() == "countersign"
            && asked.RootElement.GetProperty("secret_id").GetString() == "vault-secret-id";
        return isRole ? (200, """{"auth":{"client_token":"hvs.1","lease_duration":3600}}""") : (400, "{}");
    }

    private static bool IsKnown(HttpContext context) => context.Request.Headers["X-Vault-Token"] == "hvs.1";

    private string Made()
    {
        string user = "user-" + Interlocked.Increment(ref _count).ToString(CultureInfo.InvariantCulture);
        string lease = "database/creds/ledger/" + user;
        _living[lease] = user;
        return $$"""{ "lease_id": "{{lease}}", "data": { "username": "{{user}}", "password": "p-{{user}}" } }""";
    }

    private async Task<(int, string)> RevokeAsync(HttpContext context)
    {
        using JsonDocument asked = await JsonDocument.ParseAsync(context.Request.Body);
        string lease = asked.RootElement.GetProperty("lease_id").GetString()!;
        return _living.TryRemove(lease, out _) ? (204, "") : (400, "{}");
    }

    private async Task<(int, string)> CallAsync(HttpContext context, string path)
    {
        string field = context.Request.Headers.Authorization.ToString();
        string pair = field.StartsWith("Basic ", StringComparison.Ordinal)
            ? Encoding.UTF8.GetString(Convert.FromBase64String(field[6..]))
            : "";
        string? user = _living.Values.FirstOrDefault(one => pair == $"{one}:p-{one}");
        if (user is null) return (401, "{}");
        if (path.EndsWith("/held", StringComparison.Ordinal))
        {
            _held.TrySetResult();
            await _over.Task;
        }

        return (200, $$"""{"user":"{{user}}"}""");
    }

    /// <summary>Leaves signals to the tests' own process.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
