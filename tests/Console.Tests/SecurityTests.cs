using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Playwright;

namespace Countersign.Console.Tests;

public sealed class SecurityTests(ConsoleWorld world)
{
    private static readonly string[] Corpus =
    [
        "<script>window.hit=1</script>", "<img src=x onerror=window.hit=1>", "\"><svg onload=window.hit=1>",
        "'-alert(1)-'", "</title><script>window.hit=1</script>", "javascript:window.hit=1", "{{7*7}}",
        "</textarea><script>window.hit=1</script>", "&lt;b&gt;", "<!--", "<base href=//evil.test>",
        "<meta http-equiv=refresh content=0;url=//evil.test>", "<style>*{display:none}</style>",
    ];

    [Fact]
    public async Task Nothing_that_a_caller_writes_becomes_markup()
    {
        // Proves on reason, target, member names and values that the browser runs nothing, makes no element of it, and
        // shows the text as it was written; on the inbox, the page, the question and the history.
        string text = string.Concat(Corpus);
        Dictionary<string, object> body = new() { ["amount"] = 1, [text[..60]] = "name", ["deep"] = new[] { text } };
        string id = await world.AskAsync(
            "alice",
            "/billing/91/refunds?q=%3Cscript%3Ewindow.hit%3D1%3C/script%3E&amount=" + Uri.EscapeDataString("<b>1"),
            JsonSerializer.Serialize(body), text);
        IPage page = await world.SignedInAsync("carol");
        List<string> complaints = [];
        page.Console += (_, message) =>
        {
            if (message.Type == "error") complaints.Add(message.Text);
        };
        page.Dialog += (_, dialog) => complaints.Add(dialog.Message);
        foreach (string path in new[] { "", "/approvals/" + id, "/history?who=" + Uri.EscapeDataString(text[..100]) })
        {
            await page.GotoAsync(world.Console + path);
            await NothingRanAsync(page);
        }

        await page.GotoAsync(world.Console + "/approvals/" + id);
        ILocator reason = page.Locator("blockquote .text").First;
        await Assertions.Expect(reason).ToContainTextAsync("<script>window.hit=1</script>");
        await page.FillAsync("#reason", text[..300]);
        await page.ClickAsync("#deny");
        await page.WaitForSelectorAsync("#confirm");
        await NothingRanAsync(page);
        await page.ClickAsync("#confirm-yes");
        await page.WaitForSelectorAsync("#approval");
        await NothingRanAsync(page);
        Assert.Empty(complaints);
    }

    [Fact]
    public async Task Text_that_deceives_is_shown_for_what_it_is()
    {
        // Proves in the browser that turned, hidden and look-alike characters are marked and named, that a long value
        // states how much of it is folded away, and that amounts stay in sight at the end of a long page.
        string note = "pay to \u0440\u0430ypal\u202Egpj.exe \u200Bok";
        string[] lines = [.. Enumerable.Range(0, 120).Select(number => "line " + number)];
        string id = await world.AskAsync(
            "alice", "/billing/92/refunds",
            JsonSerializer.Serialize(new { amount = 1e6m, note, memo = new string('x', 900), lines }));
        IPage page = await world.SignedInAsync("carol");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        await Assertions.Expect(page.Locator("mark.code").Nth(0)).ToHaveTextAsync("RLO");
        await Assertions.Expect(page.Locator("mark.code").Nth(1)).ToHaveTextAsync("ZWSP");
        await Assertions.Expect(page.Locator("mark.alike")).ToHaveCountAsync(2);
        await Assertions.Expect(page.Locator(".leaf .warning")).ToContainTextAsync("U+0440 looks like p");
        await Assertions.Expect(page.Locator("text=620 more characters are folded away")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("text=80 more are folded away")).ToBeVisibleAsync();
        await page.EvaluateAsync("window.scrollTo(0, document.body.scrollHeight)");
        await Assertions.Expect(page.Locator(".summary .number")).ToBeInViewportAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_padding_takes_the_amount_out_of_sight(bool isPhone)
    {
        // Proves with numbers before the amount, a name and a number of hundreds of characters, and letters that run
        // from right to left, that the amount is in sight on the inbox, on the page and on its question, that nothing
        // is cut without a word, nothing but the list scrolls, which says so, and that the question shows the
        // arguments.
        string body = "{" + string.Join(',', Enumerable.Range(0, 30).Select(index => $"\"pad{index}\":9{index}9999"))
            + ",\"" + new string('n', 500) + "\":{\"deep\":" + new string('7', 600) + "}"
            + ",\"payee\":\"acc 12 \u05D0\u05D1 34\",\"order\":{\"amount\":\"4812.50\"}}";
        string id = await world.AskAsync("alice", isPhone ? "/billing/97/refunds" : "/billing/98/refunds", body);
        IPage page = await world.SignedInAsync("carol", isPhone);
        ILocator row = page.Locator($"[data-id='{id}']");
        await Assertions.Expect(row.Locator(".number").First).ToHaveTextAsync("4812.50");
        await Assertions.Expect(row.Locator(".more")).ToContainTextAsync("26 more numbers");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        await Assertions.Expect(page.Locator(".leaf .turned")).ToHaveTextAsync("\u05D0\u05D1");
        await Assertions.Expect(page.Locator(".summary .cut").First).ToContainTextAsync("hidden");
        foreach (string press in new[] { "", "#approve" })
        {
            if (press.Length > 0) await page.ClickAsync(press);
            string pins = press.Length > 0 ? "#asked .pins.stuck" : ".summary .pins";
            if (press.Length > 0)
                await Assertions.Expect(page.Locator("#asked .tree.root")).ToContainTextAsync("pad29");
            await page.EvaluateAsync("window.scrollTo(0, document.body.scrollHeight / 2)");
            await Assertions.Expect(page.Locator(pins + " .number").First).ToHaveTextAsync("4812.50");
            await Assertions.Expect(page.Locator(pins + " .number").First).ToBeInViewportAsync();
            Assert.Equal("", await page.EvaluateAsync<string>(
                """
                [...document.querySelectorAll('.pins, .pins *')]
                  .filter((one) => one.scrollHeight > one.clientHeight + 1 && one.clientHeight > 0
                    && !one.querySelector('.more')?.textContent.includes('scroll for all')
                    && getComputedStyle(one).overflowY !== 'visible').map((one) => one.outerHTML).join()
                """));
            Assert.True(
                await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= window.innerWidth"));
        }
    }

    [Fact]
    public async Task More_amounts_than_a_page_picks_out_must_be_opened_and_read()
    {
        // Proves that a call with dozens of amounts says so loudly, and that it is approved only with the word that all
        // of them were read: without it the question is asked again.
        string body = JsonSerializer.Serialize(
            new { lines = Enumerable.Range(0, 60).Select(at => new { amount = at }) });
        string id = await world.AskAsync("alice", "/billing/99/refunds", body);
        IPage page = await world.SignedInAsync("carol");
        await Assertions.Expect(page.Locator($"[data-id='{id}'] .more.warning"))
            .ToContainTextAsync("36 more numbers, 36 of them named like amounts");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        await page.ClickAsync("#approve");
        await page.Locator("#read").WaitForAsync();
        await page.EvaluateAsync("document.querySelector('#read').required = false");
        await page.ClickAsync("#confirm-yes");
        await Assertions.Expect(page.Locator("#read")).ToHaveAttributeAsync("required", "");
        Assert.Equal("pending", (await world.ShowAsync("carol", id))["state"]!.ToString());
        await page.CheckAsync("#read");
        await page.ClickAsync("#confirm-yes");
        await Assertions.Expect(page.Locator(".notice.good")).ToHaveTextAsync("You approved it.");
    }

    [Fact]
    public async Task Every_page_carries_its_protection()
    {
        // Proves on every page that no inline script or style, no frame, no sniffing, no caching and no referrer is
        // allowed, and by a page of another origin that the console does not open in a frame.
        string id = await world.AskAsync("alice", "/billing/93/refunds");
        IPage page = await world.SignedInAsync("carol");
        string[] paths = ["", "/approvals/" + id, "/history", "/keys", "/policies", "/signin", "/nothing-here",
            "/audit", "/audit/chain"];
        foreach (string path in paths)
        {
            IResponse? answer = await page.GotoAsync(world.Console + path);
            Dictionary<string, string> fields = await answer!.AllHeadersAsync();
            string policy = fields["content-security-policy"];
            Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self';", policy);
            Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
            Assert.Contains("base-uri 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", fields["x-content-type-options"]);
            Assert.Equal("DENY", fields["x-frame-options"]);
            Assert.Equal("same-origin", fields["cross-origin-opener-policy"]);
            Assert.Equal("same-origin", fields["referrer-policy"]);
            Assert.Equal("no-store", fields["cache-control"]);
            Assert.False(await page.EvaluateAsync<bool>(
                "!!document.querySelector('script:not([src]), style, [style], [onclick], [onload]')"), path);
        }

        IPage other = await world.NewPageAsync();
        await other.RouteAsync("http://evil.test/", route => route.FulfillAsync(new()
        {
            ContentType = "text/html", Body = $"<iframe id=f src='{world.Console}/signin'></iframe>",
        }));
        await other.GotoAsync("http://evil.test/");
        IElementHandle? frame = await other.QuerySelectorAsync("#f");
        IFrame? inside = await frame!.ContentFrameAsync();
        Assert.Equal(0, await inside!.Locator("h1:has-text('Sign in')").CountAsync());
    }

    [Theory]
    [InlineData("", null, null)]
    [InlineData("wrong", null, null)]
    [InlineData("right", null, null)]
    [InlineData("right", "https://evil.test", null)]
    [InlineData("right", "null", null)]
    [InlineData("right", null, "cross-site")]
    [InlineData("right", null, "same-site")]
    public async Task A_form_from_elsewhere_decides_nothing(string token, string? origin, string? site)
    {
        // Proves against forged requests that the session's cookie alone does nothing: without the form's token, or
        // from another origin, the answer is 403 and the approval is as it was.
        string id = await world.AskAsync("alice", "/billing/94/refunds");
        IPage page = await world.SignedInAsync("carol");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        string right = await page.Locator("#decision input[name=token]").InputValueAsync();
        string digest = await page.Locator("#decision input[name=digest]").InputValueAsync();
        BrowserContextCookiesResult session = Assert.Single(
            await page.Context.CookiesAsync([world.Control]), one => one.Name == "countersign-session");
        string form = $"token={(token == "right" ? right : token)}&digest={Uri.EscapeDataString(digest)}"
            + "&decision=approve&confirmed=yes";
        using HttpRequestMessage request = new(HttpMethod.Post, $"{world.Console}/approvals/{id}/decide")
        {
            Content = new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded"),
        };
        request.Headers.Add("Cookie", "countersign-session=" + session.Value);
        if (origin is not null) request.Headers.TryAddWithoutValidation("Origin", origin);
        if (site is not null) request.Headers.Add("Sec-Fetch-Site", site);
        (int status, _, _) = await world.RawAsync(request);
        Assert.Equal(403, status);
        Assert.Equal("pending", (await world.ShowAsync("carol", id))["state"]!.ToString());
    }

    [Fact]
    public async Task The_api_takes_a_session_to_read_and_asks_for_the_forms_token_to_write()
    {
        // Proves that a cookie alone reads and writes nothing over the API, that with the token and an origin of ours
        // it does, whoever writes the origin, and that a bad bearer token is not made good by a session.
        string id = await world.AskAsync("alice", "/billing/95/refunds");
        IPage page = await world.SignedInAsync("carol");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        string token = await page.Locator("#decision input[name=token]").InputValueAsync();
        string digest = await page.Locator("#decision input[name=digest]").InputValueAsync();
        string cookie = (await page.Context.CookiesAsync([world.Control])).Single().Value;
        string address = $"{world.Control}/api/v1/approvals/{id}";
        string body = JsonSerializer.Serialize(new { decision = "deny", digest, reason = "" });
        Assert.Equal(200, await StatusAsync(HttpMethod.Get, address, cookie, null, null, null));
        Assert.Equal(401, await StatusAsync(HttpMethod.Get, address, cookie, null, null, "nonsense"));
        Assert.Equal(
            401, await StatusAsync(
                HttpMethod.Post, address + "/decisions", cookie, null, body, null, world.Control));
        foreach ((string? origin, string? site) in new (string?, string?)[]
        {
            (null, null), ("http://evil.test", null), ("null", null), (world.Control, "cross-site"),
            ("http://evil.test", "same-origin"),
        })
        {
            Assert.Equal(
                401, await StatusAsync(
                    HttpMethod.Post, address + "/decisions", cookie, token, body, null, origin, site));
        }

        Assert.Equal(
            401, await StatusAsync(HttpMethod.Get, address, cookie, null, null, null, null, "cross-site"));
        Assert.Equal("pending", (await world.ShowAsync("carol", id))["state"]!.ToString());
        Assert.Equal(
            200, await StatusAsync(
                HttpMethod.Post, address + "/decisions", cookie, token, body, null, null, "same-origin"));
        Assert.Equal(
            200, await StatusAsync(
                HttpMethod.Post, address + "/decisions", cookie, token, body, null, world.Control, null));
    }

    private async Task<int> StatusAsync(
        HttpMethod method, string address, string cookie, string? token, string? body, string? bearer,
        string? origin = null, string? site = null)
    {
        using HttpRequestMessage request = new(method, address);
        request.Headers.Add("Cookie", "countersign-session=" + cookie);
        if (token is not null) request.Headers.Add("Countersign-Form", token);
        if (origin is not null) request.Headers.TryAddWithoutValidation("Origin", origin);
        if (site is not null) request.Headers.Add("Sec-Fetch-Site", site);
        if (bearer is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return (await world.RawAsync(request)).Status;
    }

    private static async Task NothingRanAsync(IPage page)
    {
        Assert.False(await page.EvaluateAsync<bool>("'hit' in window"));
        ILocator made = page.Locator("main script, main img, main svg, main base, main meta, main style");
        Assert.Equal(0, await made.CountAsync());
    }
}
