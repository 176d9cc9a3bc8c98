using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Countersign.Console.Tests;

public sealed class SignInTests(ConsoleWorld world)
{
    [Fact]
    public async Task Somebody_signs_in_comes_back_to_where_they_were_and_signs_out()
    {
        // Proves the way there, back to the page that was wanted, and out, by walking it.
        string id = await world.AskAsync("ci-deploy", "/billing/71/reset", "");
        IPage page = await world.NewPageAsync();
        await page.GotoAsync(world.Console + "/approvals/" + id);
        Assert.Contains("/console/signin?return=", page.Url, StringComparison.Ordinal);
        await page.ClickAsync("a.button.primary");
        await page.ClickAsync("#carol");
        await Assertions.Expect(page).ToHaveURLAsync(world.Console + "/approvals/" + id);
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("billing.reset");

        await page.ClickAsync(".account > summary");
        await page.ClickAsync(".account button >> nth=0");
        await Assertions.Expect(page.Locator(".notice.good")).ToHaveTextAsync("You are signed out.");
        await page.GotoAsync(world.Console);
        Assert.Contains("/console/signin", page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_session_is_a_new_id_that_scripts_cannot_read()
    {
        // Proves against session fixation that an id planted before signing in is not the session afterwards, and by
        // the cookie itself that it is for HTTP alone, Lax, and without an end of its own.
        IPage page = await world.NewPageAsync();
        string planted = new('A', 43);
        await page.Context.AddCookiesAsync([new Cookie
        {
            Name = "countersign-session", Value = planted, Url = world.Control,
        }]);
        await page.GotoAsync(world.Console);
        await page.ClickAsync("a.button.primary");
        await page.ClickAsync("#carol");
        await page.WaitForSelectorAsync("#inbox");
        IReadOnlyList<BrowserContextCookiesResult> cookies = await page.Context.CookiesAsync([world.Control]);
        BrowserContextCookiesResult session = Assert.Single(cookies, one => one.Name == "countersign-session");
        Assert.NotEqual(planted, session.Value);
        Assert.Equal(43, session.Value.Length);
        Assert.True(session.HttpOnly);
        Assert.Equal(SameSiteAttribute.Lax, session.SameSite);
        Assert.Equal(-1, session.Expires);
        Assert.Equal("", await page.EvaluateAsync<string>("document.cookie"));
        Assert.DoesNotContain(cookies, one => one.Name == "countersign-signin");
    }

    [Fact]
    public async Task Signing_out_everywhere_ends_the_other_browser_too()
    {
        // Proves that every session of a person ends with one press, and nobody else's.
        IPage here = await world.SignInAsync("sam");
        IPage there = await world.SignInAsync("sam");
        IPage other = await world.SignedInAsync("carol");
        await here.ClickAsync(".account > summary");
        await here.ClickAsync("text=Everywhere");
        await Assertions.Expect(here.Locator(".notice.good")).ToHaveTextAsync("You are signed out.");
        await there.ReloadAsync();
        await Assertions.Expect(there.Locator("h1")).ToHaveTextAsync("Sign in");
        await other.ReloadAsync();
        await Assertions.Expect(other.Locator("h1")).ToHaveTextAsync("Inbox");
    }

    [Fact]
    public async Task A_callback_that_was_not_begun_here_signs_nobody_in()
    {
        // Proves against login forgery that the answer to somebody else's sign-in is refused in this browser.
        IAPIRequestContext attacker = (await world.NewPageAsync()).Context.APIRequest;
        APIRequestContextOptions first = new() { MaxRedirects = 0 };
        IAPIResponse away = await attacker.GetAsync(world.Console + "/signin/start?issuer=0", first);
        IAPIResponse chosen = await attacker.GetAsync(away.Headers["location"] + "&user=bob", first);
        string callback = chosen.Headers["location"];
        Assert.StartsWith(world.Console + "/signin/callback?code=", callback, StringComparison.Ordinal);

        IPage victim = await world.NewPageAsync();
        IResponse? answer = await victim.GotoAsync(callback);
        Assert.Equal(400, answer!.Status);
        await victim.GotoAsync(world.Console);
        await Assertions.Expect(victim.Locator("h1")).ToHaveTextAsync("Sign in");
    }

    [Theory]
    [InlineData("https://evil.test/")]
    [InlineData("//evil.test/")]
    [InlineData("/\\evil.test/")]
    [InlineData("/console/../../evil")]
    public async Task Signing_in_leads_nowhere_else(string wanted)
    {
        // Proves that a link to our sign-in page cannot send the person who follows it to another site afterwards.
        IPage page = await world.NewPageAsync();
        await page.GotoAsync(world.Console + "/signin?return=" + Uri.EscapeDataString(wanted));
        await page.ClickAsync("a.button.primary");
        await page.ClickAsync("#carol");
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("^" + Regex.Escape(world.Control)));
        Assert.StartsWith(world.Control, page.Url, StringComparison.Ordinal);
        Assert.DoesNotContain("evil.test", page.Url, StringComparison.Ordinal);
    }
}
