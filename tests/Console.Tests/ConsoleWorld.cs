using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Integration.Tests.EndToEnd;
using Microsoft.Playwright;

namespace Countersign.Console.Tests;

/// <summary>One demo and one browser for all tests. Each test has its own browser context: its own cookies.</summary>
public sealed class ConsoleWorld : IAsyncLifetime
{
    /// <summary>How long a test waits for what must happen before it fails.</summary>
    public const float PatienceMilliseconds = 20_000;

    private const string Policy = """
        apiVersion: countersign/v1
        upstreams:
          billing: { endpoints: ["UPSTREAM"] }
        functions:
          billing.refund: { upstream: billing, method: POST, path: "/billing/{account}/refunds", risk: high }
          billing.reset:  { upstream: billing, method: POST, path: "/billing/{account}/reset", risk: critical }
          billing.pair:   { upstream: billing, method: POST, path: "/billing/{account}/pair", risk: high }
          billing.hurry:  { upstream: billing, method: POST, path: "/billing/{account}/hurry", risk: high }
        rules:
          - id: big-money
            subjects: { groups: [support, ci, agents] }
            functions: [billing.refund, billing.reset]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], decideWithin: 15m, useWithin: 5m }
          - id: two-of-them
            subjects: { groups: [support] }
            functions: [billing.pair]
            effect: approve
            approval:
              stages: [{ groups: [finance-leads], count: 2 }]
              breakGlass: { groups: [sre] }
          - id: in-a-hurry
            subjects: { groups: [support] }
            functions: [billing.hurry]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], decideWithin: 4s, useWithin: 5m }
        masks:
          - { id: pii, functions: ["*"], fields: [ssn, email], except: { groups: [pii-cleared] } }
        """;

    // The one without windows takes half of the other's processor time.
    private static readonly string[] Chromiums = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

    // A reason may hold any character, as UTF-8.
    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseCookies = false, RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
    });

    private readonly Dictionary<string, string> _states = [];
    private readonly List<(string Owner, string Test, IBrowserContext Context)> _contexts = [];
    private readonly SemaphoreSlim _signingIn = new(1);
    private DemoProcess _demo = null!;
    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;

    public string Control => _demo.Ready["control"]!.ToString();

    public string Console => _demo.Ready["console"]!.ToString();

    public string Data => _demo.Ready["data"]!.ToString();

    public async ValueTask InitializeAsync()
    {
        // Five seconds by default, which a loaded machine may need for one page.
        Assertions.SetDefaultExpectTimeout(PatienceMilliseconds);
        string? chromium = Chromiums.FirstOrDefault(File.Exists);
        Assert.True(chromium is not null, "apt-get install chromium-headless-shell");
        _demo = await DemoProcess.StartAsync(
            "demo", "--data", "127.0.0.1:0", "--control", "127.0.0.1:0", "--issuer", "127.0.0.1:0", "--upstream",
            "127.0.0.1:0");
        string policy = Policy.Replace("UPSTREAM", _demo.Ready["upstream"]!.ToString(), StringComparison.Ordinal);
        JsonObject published = await SendAsync(
            HttpMethod.Post, Control + "/api/v1/policies", "olga", policy, "application/yaml", HttpStatusCode.Created);
        await Until.TrueAsync(async () =>
        {
            using HttpResponseMessage ready = await _http.GetAsync(Control + "/health/ready");
            JsonNode health = JsonNode.Parse(await ready.Content.ReadAsStringAsync())!;
            return health["policy_version"]?.ToString() == published["version"]!.ToString();
        });
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = chromium,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
            ],
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.CloseAsync();
        _playwright.Dispose();
        await _demo.DisposeAsync();
        _http.Dispose();
        _signingIn.Dispose();
    }

    /// <summary>A browser with nobody signed in, or with the cookies of somebody who was.</summary>
    public async Task<IPage> NewPageAsync(
        bool isPhone = false, bool isDark = false, bool hasScripts = true, string? state = null)
    {
        IBrowserContext context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = isPhone
                ? new ViewportSize { Width = 360, Height = 740 }
                : new ViewportSize { Width = 1280, Height = 900 },
            ColorScheme = isDark ? ColorScheme.Dark : ColorScheme.Light,
            JavaScriptEnabled = hasScripts,
            Locale = "en-GB",
            StorageState = state,
        });
        context.SetDefaultTimeout(PatienceMilliseconds);
        await CloseOlderAsync(context);
        return await context.NewPageAsync();
    }

    // A page that is left open holds a stream of events, of which nobody may have many. The tests of a class run one
    // after the other: what another of them opened is done with.
    private async Task CloseOlderAsync(IBrowserContext opened)
    {
        string owner = TestContext.Current.TestClass?.UniqueID ?? "", test = TestContext.Current.Test?.UniqueID ?? "";
        List<IBrowserContext> older;
        lock (_contexts)
        {
            older = [.. _contexts.Where(one => one.Owner == owner && one.Test != test).Select(one => one.Context)];
            _contexts.RemoveAll(one => older.Contains(one.Context));
            _contexts.Add((owner, test, opened));
        }

        foreach (IBrowserContext context in older) await context.CloseAsync();
    }

    /// <summary>A browser in which that person is signed in and sees the inbox. The session is shared by the tests:
    /// signing in has a pace.</summary>
    public async Task<IPage> SignedInAsync(
        string user, bool isPhone = false, bool isDark = false, bool hasScripts = true)
    {
        await _signingIn.WaitAsync();
        string? state;
        try
        {
            if (!_states.TryGetValue(user, out state))
                _states[user] = state = await (await SignInAsync(user)).Context.StorageStateAsync();
        }
        finally
        {
            _signingIn.Release();
        }

        IPage page = await NewPageAsync(isPhone, isDark, hasScripts, state);
        await page.GotoAsync(Console);
        await page.WaitForSelectorAsync("#inbox");
        return page;
    }

    /// <summary>A browser in which that person has just signed in, with a session of its own.</summary>
    public async Task<IPage> SignInAsync(string user)
    {
        IPage page = await NewPageAsync();
        await page.GotoAsync(Console);
        await page.ClickAsync("a.button.primary");
        await page.ClickAsync("#" + user);
        await page.WaitForSelectorAsync("#inbox");
        return page;
    }

    /// <summary>Makes a call that pauses; the approval's id.</summary>
    public async Task<string> AskAsync(
        string user, string target = "/billing/42/refunds", string body = """{"amount":250,"currency":"EUR"}""",
        string? reason = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, Data + target)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token(user));
        if (reason is not null) request.Headers.TryAddWithoutValidation("Countersign-Reason", reason);

        using HttpResponseMessage answer = await _http.SendAsync(request);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == 428, $"{(int)answer.StatusCode} {text}");
        return JsonNode.Parse(text)!["approval"]!.ToString();
    }

    /// <summary>The approval as the API shows it to that person.</summary>
    public Task<JsonObject> ShowAsync(string user, string id) => SendAsync(
        HttpMethod.Get, Control + "/api/v1/approvals/" + id, user, null, "", HttpStatusCode.OK);

    /// <summary>Decides over the API.</summary>
    public async Task DecideAsync(string user, string id, string decision = "approve", string reason = "")
    {
        string digest = (await ShowAsync(user, id))["digest"]!.ToString();
        string body = JsonSerializer.Serialize(new { decision, digest, reason });
        await SendAsync(
            HttpMethod.Post, Control + "/api/v1/approvals/" + id + "/decisions", user, body, "application/json",
            HttpStatusCode.OK);
    }

    /// <summary>Breaks the glass over the API.</summary>
    public async Task BreakGlassAsync(string user, string id, string reason)
    {
        string digest = (await ShowAsync(user, id))["digest"]!.ToString();
        await SendAsync(
            HttpMethod.Post, Control + "/api/v1/approvals/" + id + "/break-glass", user,
            JsonSerializer.Serialize(new { digest, reason }), "application/json", HttpStatusCode.OK);
    }

    /// <summary>All that the audit says so far.</summary>
    public async Task<string> AuditAsync()
    {
        StringBuilder all = new();
        string folder = _demo.Ready["audit"]!.ToString();
        foreach (string file in Directory.EnumerateFiles(folder, "*.seg", SearchOption.AllDirectories))
        {
            // The gateway goes on writing.
            await using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using StreamReader reader = new(stream);
            all.Append(await reader.ReadToEndAsync());
        }

        return all.ToString();
    }

    /// <summary>A request of no browser.</summary>
    public async Task<(int Status, string Body, HttpResponseMessage Message)> RawAsync(HttpRequestMessage request)
    {
        HttpResponseMessage answer = await _http.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer);
    }

    /// <summary>A token of that demo user.</summary>
    public string Token(string user) => _demo.Ready["tokens"]![user]!.ToString();

    private async Task<JsonObject> SendAsync(
        HttpMethod method, string address, string user, string? body, string type, HttpStatusCode expected)
    {
        using HttpRequestMessage request = new(method, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token(user));
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, type);
        using HttpResponseMessage answer = await _http.SendAsync(request);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == expected, $"{(int)answer.StatusCode} {text}");
        return JsonNode.Parse(text)!.AsObject();
    }
}
