using System.Text.Json.Nodes;
using Microsoft.Playwright;

namespace Countersign.Console.Tests;

public sealed class DecisionTests(ConsoleWorld world)
{
    [Fact]
    public async Task An_approver_sees_a_call_arrive_and_approves_it()
    {
        // Proves the whole way with the mouse: the inbox is open, a call arrives by itself, is read, approved with a
        // reason after one more question, and the store says so.
        IPage page = await world.SignedInAsync("carol");
        string id = await world.AskAsync("alice", "/billing/81/refunds", """{"amount":12500.00}""", "ticket 4711");
        ILocator row = page.Locator($"[data-id='{id}']");
        await Assertions.Expect(row).ToBeVisibleAsync();
        await Assertions.Expect(row.Locator(".number")).ToHaveTextAsync("12500.00");
        Assert.Matches(@"^\(\d+\) Inbox", await page.TitleAsync());

        await row.Locator(".function").ClickAsync();
        string digest = (await world.ShowAsync("carol", id))["digest"]!.ToString();
        await Assertions.Expect(page.Locator("code.digest")).ToHaveTextAsync(digest);
        await Assertions.Expect(page.Locator("input[name=digest]")).ToHaveValueAsync(digest);
        await page.FillAsync("#reason", "checked against the ledger");
        await page.ClickAsync("#approve");
        await Assertions.Expect(page.Locator("#confirm")).ToBeVisibleAsync();
        Assert.Equal("pending", (await world.ShowAsync("carol", id))["state"]!.ToString());
        await page.ClickAsync("#confirm-yes");
        await Assertions.Expect(page.Locator(".notice.good")).ToHaveTextAsync("You approved it.");

        JsonObject approval = await world.ShowAsync("carol", id);
        Assert.Equal("approved", approval["state"]!.ToString());
        JsonNode said = approval["stages"]![0]!["decisions"]![0]!;
        Assert.Equal("carol", said["approver"]!.ToString());
        Assert.Equal("checked against the ledger", said["reason"]!.ToString());
    }

    [Fact]
    public async Task Everything_can_be_done_by_keyboard()
    {
        // Proves that j, Enter, r, Esc, d and Enter lead from the inbox to a denial, and that one key alone does not.
        string id = await world.AskAsync("alice", "/billing/82/refunds");
        IPage page = await world.SignedInAsync("carol");
        ILocator row = page.Locator($"[data-id='{id}'] .function");
        await row.FocusAsync();
        await page.Keyboard.PressAsync("k");
        await page.Keyboard.PressAsync("j");
        await row.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page).ToHaveURLAsync(world.Console + "/approvals/" + id);
        await page.WaitForLoadStateAsync();
        await page.Keyboard.PressAsync("r");
        await Assertions.Expect(page.Locator("#reason")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("a d u");
        await page.Keyboard.PressAsync("Escape");
        await page.Keyboard.PressAsync("d");
        await Assertions.Expect(page.Locator("#confirm-yes")).ToBeFocusedAsync();
        Assert.Equal("pending", (await world.ShowAsync("carol", id))["state"]!.ToString());
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator(".notice.good")).ToHaveTextAsync("You denied it.");
        JsonObject denied = await world.ShowAsync("carol", id);
        Assert.Equal("denied", denied["state"]!.ToString());
        Assert.Equal("a d u", denied["stages"]![0]!["decisions"]![0]!["reason"]!.ToString());
    }

    [Fact]
    public async Task Escape_goes_back_without_a_word()
    {
        // Proves that the question can be left by keyboard, and that nothing was decided.
        string id = await world.AskAsync("alice", "/billing/83/refunds");
        IPage page = await world.SignedInAsync("carol");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        await page.Keyboard.PressAsync("a");
        await page.WaitForSelectorAsync("#confirm");
        await page.Keyboard.PressAsync("Escape");
        await page.WaitForSelectorAsync("#approval");
        Assert.Equal("pending", (await world.ShowAsync("carol", id))["state"]!.ToString());
    }

    [Fact]
    public async Task Whoever_stands_behind_a_call_is_told_that_they_cannot_decide()
    {
        // Proves that the person an agent acts for finds no buttons and the reason why, and that a form forged past the
        // page is refused with 403 and changes nothing.
        string id = await world.AskAsync("agent-7", "/billing/84/refunds");
        IPage page = await world.SignedInAsync("bob");
        ILocator why = page.Locator($"[data-id='{id}'] .why");
        await Assertions.Expect(why).ToContainTextAsync("You stand behind this call");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        await Assertions.Expect(page.Locator("#refusal")).ToContainTextAsync("You stand behind this call");
        await Assertions.Expect(page.Locator("#approve")).ToHaveCountAsync(0);

        string digest = (await world.ShowAsync("bob", id))["digest"]!.ToString();
        string token = (await page.Locator(".account input[name=token]").InputValueAsync())!;
        IAPIResponse forged = await page.Context.APIRequest.PostAsync(
            $"{world.Console}/approvals/{id}/decide", new()
            {
                Form = Form(page, ("token", token), ("digest", digest), ("decision", "approve"), ("confirmed", "yes")),
                Headers = new Dictionary<string, string> { ["Origin"] = world.Control },
            });
        Assert.Equal(403, forged.Status);
        Assert.Contains("Separation of duties", await forged.TextAsync(), StringComparison.Ordinal);
        Assert.Equal("pending", (await world.ShowAsync("bob", id))["state"]!.ToString());
    }

    [Fact]
    public async Task Another_digest_is_refused()
    {
        // Proves that a page which shows one call cannot decide another: the digest that is posted must be the call's.
        string id = await world.AskAsync("alice", "/billing/85/refunds");
        IPage page = await world.SignedInAsync("carol");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        await page.EvaluateAsync(
            "document.querySelector('#decision input[name=digest]').value = 'sha256:' + '0'.repeat(64)");
        IResponse answer = await page.RunAndWaitForResponseAsync(
            () => page.ClickAsync("#approve"), response => response.Request.Method == "POST");
        Assert.Equal(409, answer.Status);
        await Assertions.Expect(page.Locator(".notice.bad >> visible=true")).ToContainTextAsync("look at it again");
        Assert.Equal("pending", (await world.ShowAsync("carol", id))["state"]!.ToString());
    }

    [Fact]
    public async Task A_call_that_lapses_leaves_the_inbox_and_cannot_be_approved()
    {
        // Proves with a window of four seconds that the page which is open says so, and that approving late is refused.
        IPage page = await world.SignedInAsync("carol");
        string id = "";
        for (int attempt = 0; attempt == 0 || await page.Locator("#decision").CountAsync() == 0; attempt++)
        {
            // A loaded machine may need longer for the page than the call has.
            Assert.True(attempt < 5, "the page was never there before the time was over");
            id = await world.AskAsync("alice", $"/billing/86/hurry?attempt={attempt}");
            await page.GotoAsync(world.Console + "/approvals/" + id);
        }

        string digest = await page.Locator("input[name=digest]").InputValueAsync();
        string token = await page.Locator("#decision input[name=token]").InputValueAsync();
        await Assertions.Expect(page.Locator("#stale")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator(".summary .state")).ToHaveTextAsync("expired");
        await Assertions.Expect(page.Locator("#approve")).ToBeDisabledAsync();
        await Assertions.Expect(page.Locator("#deny")).ToBeDisabledAsync();
        await Assertions.Expect(page.Locator("#decision .closed")).ToBeVisibleAsync();
        IAPIResponse late = await page.Context.APIRequest.PostAsync(
            $"{world.Console}/approvals/{id}/decide", new()
            {
                Form = Form(page, ("token", token), ("digest", digest), ("decision", "approve"), ("confirmed", "yes")),
                Headers = new Dictionary<string, string> { ["Origin"] = world.Control },
            });
        Assert.Equal(410, late.Status);
        await page.ClickAsync("#stale a");
        await Assertions.Expect(page.Locator(".state").First).ToHaveTextAsync("expired");
        await Assertions.Expect(page.Locator("#approve")).ToHaveCountAsync(0);
        await page.GotoAsync(world.Console);
        await Assertions.Expect(page.Locator($"[data-id='{id}']")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_page_that_is_open_learns_that_the_call_was_decided()
    {
        // Proves on the approval's page and on its question that the badge says the new state and that nothing can be
        // pressed any more, once somebody else decided.
        string id = await world.AskAsync("alice", "/billing/89/refunds");
        IPage page = await world.SignedInAsync("carol"), asked = await world.SignedInAsync("carol");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        await asked.GotoAsync(world.Console + "/approvals/" + id);
        await asked.ClickAsync("#approve");
        await asked.WaitForSelectorAsync("#confirm");
        await world.DecideAsync("bob", id, "deny", "no ticket");
        foreach (IPage one in new[] { page, asked })
        {
            await Assertions.Expect(one.Locator("#stale")).ToContainTextAsync("it is denied now");
            await Assertions.Expect(one.Locator(".summary-line .state")).ToHaveTextAsync("denied");
            await Assertions.Expect(one.Locator(".closed >> visible=true")).ToHaveCountAsync(1);
        }

        await Assertions.Expect(page.Locator("#approve")).ToBeDisabledAsync();
        await Assertions.Expect(asked.Locator("#confirm-yes")).ToBeDisabledAsync();
    }

    [Fact]
    public async Task It_works_without_scripts()
    {
        // Proves that reading, approving with the last question, and taking it back need no script.
        string id = await world.AskAsync("alice", "/billing/87/refunds");
        IPage page = await world.SignedInAsync("carol", hasScripts: false);
        await page.ClickAsync($"[data-id='{id}'] .function");
        await page.ClickAsync("#approve");
        await page.ClickAsync("#confirm-yes");
        await Assertions.Expect(page.Locator(".notice.good")).ToHaveTextAsync("You approved it.");
        await page.ClickAsync("text=Take your approval back");
        await Assertions.Expect(page.Locator(".notice.good")).ToHaveTextAsync("You took your approval back.");
        Assert.Equal("revoked", (await world.ShowAsync("carol", id))["state"]!.ToString());
    }

    private static IFormData Form(IPage page, params (string Name, string Value)[] fields)
    {
        IFormData form = page.Context.APIRequest.CreateFormData();
        foreach ((string name, string value) in fields) form.Append(name, value);
        return form;
    }
}
