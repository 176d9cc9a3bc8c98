using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Integration.Tests.Identity;
using Microsoft.Playwright;

namespace Countersign.Console.Tests;

/// <summary>
/// A served gateway whose people sign in at an independent, certified OpenID provider, and whose policy takes two
/// people to change. It can be stopped and started again where it was.
/// </summary>
internal sealed class ServedConsole : IAsyncDisposable
{
    private const string Policy = """
        apiVersion: countersign/v1
        upstreams:
          billing: { endpoints: ["http://127.0.0.1:9"] }
        functions:
          billing.refund:
            upstream: billing
            method: POST
            path: "/billing/{account}/refunds"
            risk: high
            headers: [If-Match, X-Api-Key]
        rules:
          - id: big-money
            subjects: { groups: [support] }
            functions: [billing.refund]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], decideWithin: 15m, useWithin: 5m }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-console-").FullName;
    private readonly int _port = DemoProcess.FreePort();
    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
    });

    private readonly Dictionary<string, object> _audit = new() { ["folder"] = "state/audit" };
    private OidcProvider _provider = null!;
    private DemoProcess? _gateway;

    private ServedConsole()
    {
    }

    public string Control => $"http://127.0.0.1:{_port}";

    public string Console => Control + "/console";

    /// <summary>The audit log's folder.</summary>
    public string AuditFolder => Path.Combine(_folder, "state", "audit");

    /// <param name="audit">More settings of the audit.</param>
    public static async Task<ServedConsole> StartAsync(params (string Name, object Value)[] audit)
    {
        ServedConsole served = new();
        foreach ((string name, object value) in audit) served._audit[name] = value;
        served._provider = await OidcProvider.StartAsync(
            TestContext.Current.CancellationToken, served.Console + "/signin/callback");
        await served.ConfigureAsync();
        await served.StartGatewayAsync();
        return served;
    }

    /// <summary>Stops the gateway, and starts it again on what it left.</summary>
    public Task RestartAsync() => RestartAsync(() => Task.CompletedTask);

    /// <summary>The same, and does something to what it left in between.</summary>
    public async Task RestartAsync(Func<Task> between)
    {
        await _gateway!.DisposeAsync();
        _gateway = null;
        await between();
        await StartGatewayAsync();
    }

    /// <summary>Goes to the console and signs in at the provider, by its own pages.</summary>
    public async Task<IPage> SignInAsync(
        ConsoleWorld world, string user, bool isDark = false, bool isPhone = false)
    {
        IPage page = await world.NewPageAsync(isPhone, isDark);
        await page.GotoAsync(Console);
        await AtProviderAsync(page, user);
        await page.WaitForSelectorAsync("#inbox, .entrance");
        return page;
    }

    /// <summary>From the console's sign-in page through the provider's.</summary>
    public static async Task AtProviderAsync(IPage page, string user)
    {
        await page.ClickAsync("a.button.primary");
        await page.FillAsync("input[name=login]", user);
        await page.FillAsync("input[name=password]", "any");
        await page.ClickAsync("button[type=submit]");

        // The provider asks for consent the first time.
        await page.ClickAsync("form:has(input[value=consent]) button[type=submit]");
    }

    /// <summary>The policy with one more word.</summary>
    public static string Looser { get; } =
        Policy.Replace("groups: [support]", "groups: [support, agents]", StringComparison.Ordinal);

    /// <summary>Publishes a policy as olga; the answer.</summary>
    public Task<JsonObject> PublishAsync(string policy) =>
        SendAsync("olga", HttpMethod.Post, Control + "/api/v1/policies", policy, "application/yaml");

    /// <summary>Makes a call that pauses, as alice; the approval's id.</summary>
    public async Task<string> AskAsync(string target, params (string Name, string Value)[] fields) =>
        (await SendAsync(
            "alice", HttpMethod.Post, _gateway!.Ready["data"] + target, """{"amount":250}""", "application/json",
            fields))["approval"]!.ToString();

    /// <summary>Shows a token of that client at the control listener.</summary>
    public Task<JsonObject> SeeAsync(string client) =>
        SendAsync(client, HttpMethod.Get, Control + "/api/v1/approvals", null, "");

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null) await _gateway.DisposeAsync();
        if (_provider is not null) await _provider.DisposeAsync();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ConfigureAsync()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await File.WriteAllTextAsync(Path.Combine(_folder, "policy.yaml"), Policy, cancel);
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "console.secret"), "console-secret-of-32-characters-", cancel);
        // What this provider issues has no nbf.
        var vouching = new { issuer = _provider.Issuer, audiences = (string[])["gateway"], requireNotBefore = false };
        var configuration = new
        {
            gateway = new { name = "served" },
            data = new { listen = (string[])["127.0.0.1:0"] },
            control = new { listen = (string[])[$"127.0.0.1:{_port}"], publicUrl = Control },
            store = new { embedded = "state/store" },
            identity = new { issuers = new[] { vouching } },
            console = new
            {
                clients = new[]
                {
                    new { issuer = _provider.Issuer, clientId = "console", clientSecret = "file:console.secret" },
                },
            },
            audit = _audit,
            secrets = new { sealingKey = "file:state/sealing.key" },
            policy = new { bootstrap = "policy.yaml", approvers = (string[])["policy-approvers"] },
        };
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "countersign.json"), JsonSerializer.Serialize(configuration), cancel);
    }

    private async Task StartGatewayAsync() => _gateway = await DemoProcess.StartAsync(
        "serve", "--config", Path.Combine(_folder, "countersign.json"));

    private async Task<JsonObject> SendAsync(
        string client, HttpMethod method, string address, string? body, string type,
        params (string Name, string Value)[] fields)
    {
        byte[] token = await _provider.TokenAsync(client, TestContext.Current.CancellationToken);
        using HttpRequestMessage request = new(method, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Encoding.ASCII.GetString(token));
        foreach ((string name, string value) in fields) request.Headers.TryAddWithoutValidation(name, value);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, type);
        using HttpResponseMessage answer = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        string text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True((int)answer.StatusCode is 200 or 202 or 428, $"{(int)answer.StatusCode} {text}");
        return JsonNode.Parse(text)!.AsObject();
    }
}
