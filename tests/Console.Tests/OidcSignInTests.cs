using Countersign.Integration.Tests.EndToEnd;
using Microsoft.Playwright;

namespace Countersign.Console.Tests;

/// <summary>The console of a served gateway, signed in to by a provider that we did not write.</summary>
public sealed class OidcSignInTests(ConsoleWorld world) : IAsyncLifetime
{
    private ServedConsole _served = null!;

    public async ValueTask InitializeAsync() => _served = await ServedConsole.StartAsync();

    public ValueTask DisposeAsync() => _served.DisposeAsync();

    [Fact]
    public async Task A_provider_signs_people_in_and_a_change_of_policy_is_read_and_approved()
    {
        // Proves the code flow with PKCE and a client secret against oidc-provider; then that what a proposal means is
        // on its page, beside the versions it compares, and that approving it there puts it in force.
        string id = (await _served.PublishAsync(ServedConsole.Looser))["approval"]!.ToString();
        IPage admin = await _served.SignInAsync(world, "olga");
        await admin.GotoAsync(_served.Console + "/policies");
        ILocator proposal = admin.Locator($"a[href='/console/approvals/{id}']");
        await Assertions.Expect(proposal).ToHaveTextAsync("pending");
        await proposal.ClickAsync();
        await Assertions.Expect(admin.Locator("#refusal.refusal")).ToBeVisibleAsync();
        await admin.ClickAsync("text=Read both, line by line");
        await Assertions.Expect(admin.Locator(".meaning-of .weight.loosens").First).ToBeVisibleAsync();
        await Assertions.Expect(admin.Locator(".source.diff .added")).ToHaveCountAsync(1);
        await LooksGoodAsync(admin);
        await admin.GotoAsync(_served.Console + "/policies");
        await LooksGoodAsync(admin);

        IPage page = await _served.SignInAsync(world, "carol");
        await page.GotoAsync(_served.Console + "/approvals/" + id);
        ILocator access = page.Locator(".changes li.loosens").First;
        await Assertions.Expect(access).ToContainTextAsync("agents");
        await Assertions.Expect(access).ToContainTextAsync("billing.refund");
        await Assertions.Expect(page.Locator(".changes li")).Not.ToHaveCountAsync(0);
        await LooksGoodAsync(page);
        await page.ClickAsync("#approve");
        await page.ClickAsync("#confirm-yes");
        await Assertions.Expect(page.Locator(".notice.good")).ToHaveTextAsync("You approved it.");
        await admin.GotoAsync(_served.Console + "/policies/2");
        await Assertions.Expect(admin.Locator(".page-head .state-executed")).ToHaveTextAsync("in force");
        await Assertions.Expect(admin.Locator("dl.facts .state")).ToHaveTextAsync("executed");
    }

    [Fact]
    public async Task A_session_outlives_a_restart_and_one_that_ended_does_not_come_back()
    {
        // Proves what CONFIGURATION.md says of sessions: a restarted gateway knows who is signed in, and who has signed
        // out, even by the cookie of before.
        IPage page = await _served.SignInAsync(world, "carol");
        IReadOnlyList<BrowserContextCookiesResult> cookies = await page.Context.CookiesAsync([_served.Control]);
        BrowserContextCookiesResult session = Assert.Single(cookies, one => one.Name == "countersign-session");
        await _served.RestartAsync();
        await page.GotoAsync(_served.Console);
        await Assertions.Expect(page.Locator("#inbox")).ToBeVisibleAsync();
        await page.ClickAsync(".account > summary");
        await page.ClickAsync(".account button >> nth=0");
        await Assertions.Expect(page.Locator(".notice.good")).ToHaveTextAsync("You are signed out.");
        await _served.RestartAsync();
        await page.Context.AddCookiesAsync(
            [new Cookie { Name = session.Name, Value = session.Value, Url = _served.Control }]);
        await page.GotoAsync(_served.Console);
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Sign in");
    }

    [Fact]
    public async Task A_group_lost_since_signing_in_is_lost_at_the_decision()
    {
        // Proves that a session's groups are those of now: a newer token without the group, shown by another client of
        // the same person, takes the form away and refuses the one that was open.
        string id = (await _served.PublishAsync(ServedConsole.Looser))["approval"]!.ToString();
        IPage page = await _served.SignInAsync(world, "carol");
        await page.GotoAsync(_served.Console + "/approvals/" + id);
        await Assertions.Expect(page.Locator("#approve")).ToBeVisibleAsync();
        await Until.TrueAsync(async () =>
        {
            // Tokens tell whole seconds: one of the same second is no newer.
            await _served.SeeAsync("carol");
            IAPIResponse shown = await page.Context.APIRequest.GetAsync(_served.Console + "/approvals/" + id);
            return shown.Status == 404;
        });
        await page.ClickAsync("#approve");
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("There is no such thing here");
    }

    [Fact]
    public async Task Headers_that_bind_are_on_the_page_and_on_the_question_with_what_deceives_marked()
    {
        // Proves that an approver sees what the digest covers; by a value with characters that hide, and a credential.
        string id = await _served.AskAsync(
            "/billing/1/refunds", ("If-Match", "v7\u202Elanif"), ("X-Api-Key", "k3y-of-alice"));
        IPage page = await _served.SignInAsync(world, "carol");
        await page.GotoAsync(_served.Console + "/approvals/" + id);
        await LooksRightAsync();
        await page.ClickAsync("#approve");
        await page.WaitForSelectorAsync("#confirm");
        await LooksRightAsync();

        async Task LooksRightAsync()
        {
            ILocator headers = page.Locator("dl.headers");
            await Assertions.Expect(headers.Locator("dt")).ToHaveTextAsync(["if-match", "x-api-key"]);
            await Assertions.Expect(headers.Locator("dd").First.Locator("mark.code")).ToHaveCountAsync(1);
            await Assertions.Expect(headers.Locator("dd").Last).ToHaveTextAsync("a credential, which is never shown");
            Assert.DoesNotContain("k3y-of-alice", await page.ContentAsync(), StringComparison.Ordinal);
            await LooksGoodAsync(page);
        }
    }

    [Fact]
    public async Task Somebody_whom_the_provider_calls_an_agent_cannot_decide()
    {
        // Proves that the kind in the ID token counts.
        string id = await _served.AskAsync("/billing/2/refunds");
        IPage page = await _served.SignInAsync(world, "robo");
        IResponse? shown = await page.GotoAsync(_served.Console + "/approvals/" + id);
        Assert.Equal(404, shown!.Status);
    }

    // Light and dark, and on a phone without scrolling sideways.
    private static async Task LooksGoodAsync(IPage page)
    {
        foreach (ColorScheme scheme in (ColorScheme[])[ColorScheme.Dark, ColorScheme.Light])
        {
            await page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = scheme });
            await LooksTests.GoodAsync(page);
        }

        await page.SetViewportSizeAsync(360, 740);
        Assert.True(
            await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= window.innerWidth"),
            page.Url + " scrolls sideways");
        await page.SetViewportSizeAsync(1280, 900);
    }
}
