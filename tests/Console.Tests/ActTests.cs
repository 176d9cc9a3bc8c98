using System.Text.Json.Nodes;
using Microsoft.Playwright;

namespace Countersign.Console.Tests;

/// <summary>What besides deciding is done at the console.</summary>
public sealed class ActTests(ConsoleWorld world)
{
    private const string Email = "jo.doe@example.test";

    [Fact]
    public async Task An_approver_withdraws_while_others_are_waited_for()
    {
        // Proves that one of two approvals can be taken back, that the place is free again, and that whoever did not
        // approve is offered no such thing.
        string id = await world.AskAsync("alice", "/billing/121/pair");
        await world.DecideAsync("carol", id);
        IPage other = await world.SignedInAsync("bob");
        await other.GotoAsync(world.Console + "/approvals/" + id);
        await Assertions.Expect(other.Locator("#approve")).ToBeVisibleAsync();
        await Assertions.Expect(other.Locator("text=Withdraw your approval")).ToHaveCountAsync(0);

        IPage page = await world.SignedInAsync("carol");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        await page.ClickAsync("text=Withdraw your approval");
        await Assertions.Expect(page.Locator(".notice.good")).ToHaveTextAsync("You withdrew your approval.");
        await Assertions.Expect(page.Locator("#approve")).ToBeVisibleAsync();
        JsonObject approval = await world.ShowAsync("carol", id);
        Assert.Equal("pending", approval["state"]!.ToString());
        Assert.Empty(approval["stages"]![0]!["decisions"]!.AsArray());
    }

    [Fact]
    public async Task A_masked_argument_is_revealed_once_to_whom_it_may_be()
    {
        // Proves that the value is on the answer to the form and on no page before or after, that nothing may keep it,
        // that the audit says who saw it and why, and that an approver without the permission gets 403 and no value.
        string id = await world.AskAsync(
            "alice", "/billing/122/refunds",
            """{"amount":5,"customer":{"email":"EMAIL"}}""".Replace("EMAIL", Email, StringComparison.Ordinal));
        IPage page = await world.SignedInAsync("carol");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        Assert.DoesNotContain(Email, await page.ContentAsync(), StringComparison.Ordinal);
        await page.ClickAsync("#reveal > summary");
        Assert.Equal(
            ["/amount", "/customer/email"],
            await page.EvaluateAsync<string[]>("[...document.querySelectorAll('#pointers option')].map(o => o.value)"));
        await page.FillAsync("#pointer", "/customer/email");
        await page.FillAsync("#reveal-reason", "compared with ticket 4711");
        IResponse answer = await page.RunAndWaitForResponseAsync(
            () => page.ClickAsync("#reveal button"), response => response.Request.Method == "POST");
        Assert.Equal(200, answer.Status);
        Assert.Equal("no-store", (await answer.AllHeadersAsync())["cache-control"]);
        await Assertions.Expect(page.Locator("#revealed .value")).ToHaveTextAsync(Email);
        await page.ClickAsync("#confirm-no");
        await page.WaitForSelectorAsync("#approval");
        Assert.DoesNotContain(Email, await page.ContentAsync(), StringComparison.Ordinal);
        string audit = await world.AuditAsync();
        Assert.Contains("/customer/email: compared with ticket 4711", audit, StringComparison.Ordinal);
        Assert.DoesNotContain(Email, audit, StringComparison.Ordinal);

        IPage other = await world.SignedInAsync("bob");
        await other.GotoAsync(world.Console + "/approvals/" + id);
        await Assertions.Expect(other.Locator("#approve")).ToBeVisibleAsync();
        await Assertions.Expect(other.Locator("#reveal")).ToHaveCountAsync(0);
        IFormData form = other.Context.APIRequest.CreateFormData();
        form.Append("token", await other.Locator("#decision input[name=token]").InputValueAsync());
        form.Append("pointer", "/customer/email");
        form.Append("reason", "curious");
        IAPIResponse forged = await other.Context.APIRequest.PostAsync(
            $"{world.Console}/approvals/{id}/reveal", new()
            {
                Form = form, Headers = new Dictionary<string, string> { ["Origin"] = world.Control },
            });
        Assert.Equal(403, forged.Status);
        Assert.DoesNotContain(Email, await forged.TextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_glass_is_loud_and_somebody_else_reviews_it()
    {
        // Proves the whole way: the glass breaks after a reason and one more question, the page and the history say so,
        // who broke it cannot review it, and an approver who had no part in it finds it counted and closes it.
        string id = await world.AskAsync("alice", "/billing/123/pair");
        IPage breaker = await world.SignedInAsync("sam");
        await breaker.GotoAsync(world.Console + "/approvals/" + id);
        await breaker.ClickAsync("#emergency > summary");
        await breaker.FillAsync("#glass-reason", "the site is down");
        await breaker.ClickAsync("#break-glass");
        await Assertions.Expect(breaker.Locator("#confirm-glass")).ToBeVisibleAsync();
        Assert.Equal("pending", (await world.ShowAsync("sam", id))["state"]!.ToString());
        await breaker.ClickAsync("#confirm-yes");
        await Assertions.Expect(breaker.Locator("#glass")).ToContainTextAsync("the site is down");
        Assert.Equal("approved", (await world.ShowAsync("sam", id))["state"]!.ToString());
        await Assertions.Expect(breaker.Locator("#review")).ToHaveCountAsync(0);
        await breaker.GotoAsync(world.Console + "/reviews");
        await Assertions.Expect(breaker.Locator($"[data-id='{id}'] .why")).ToContainTextAsync("Somebody else");

        IPage page = await world.SignedInAsync("bob");
        await Assertions.Expect(page.Locator("#owed-count")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#owed-notice")).ToContainTextAsync("The glass was broken");
        await page.ClickAsync("text=Owed reviews");
        await page.ClickAsync($"[data-id='{id}'] .function");
        await page.FillAsync("#note", "it was down, and the call was right");
        await page.ClickAsync("#review button");
        await Assertions.Expect(page.Locator(".notice.good")).ToHaveTextAsync("You closed the review.");
        await Assertions.Expect(page.Locator("#glass")).ToContainTextAsync("it was down, and the call was right");
        JsonObject approval = await world.ShowAsync("bob", id);
        Assert.Equal("False", approval["review_owed"]!.ToString(), ignoreCase: true);
        Assert.Equal("bob", approval["review"]!["by"]!.ToString());
        await page.GotoAsync(world.Console + "/reviews");
        await Assertions.Expect(page.Locator($"[data-id='{id}']")).ToHaveCountAsync(0);
        await page.GotoAsync(world.Console + "/history?who=sam");
        await Assertions.Expect(page.Locator("tr", new() { HasText = "/billing/123/pair" }).Locator(".glass-mark"))
            .ToHaveTextAsync("glass broken, reviewed");
    }

    [Fact]
    public async Task Whoever_may_not_break_the_glass_is_refused()
    {
        // Proves that an approver whom the rule does not name is offered nothing, and that a form forged past the page
        // and past its question is refused with 403 and changes nothing.
        string id = await world.AskAsync("alice", "/billing/124/pair");
        IPage page = await world.SignedInAsync("bob");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        await Assertions.Expect(page.Locator("#emergency")).ToHaveCountAsync(0);
        IFormData form = page.Context.APIRequest.CreateFormData();
        form.Append("token", await page.Locator("#decision input[name=token]").InputValueAsync());
        form.Append("digest", await page.Locator("#decision input[name=digest]").InputValueAsync());
        form.Append("reason", "I am in a hurry");
        form.Append("confirmed", "yes");
        IAPIResponse forged = await page.Context.APIRequest.PostAsync(
            $"{world.Console}/approvals/{id}/break-glass", new()
            {
                Form = form, Headers = new Dictionary<string, string> { ["Origin"] = world.Control },
            });
        Assert.Equal(403, forged.Status);
        Assert.Equal("pending", (await world.ShowAsync("bob", id))["state"]!.ToString());
    }
}
