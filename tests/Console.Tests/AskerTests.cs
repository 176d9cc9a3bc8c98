using Microsoft.Playwright;

namespace Countersign.Console.Tests;

public sealed class AskerTests(ConsoleWorld world)
{
    private static readonly LocatorAssertionsToContainTextOptions AsShown = new() { UseInnerText = true };

    [Fact]
    public async Task An_agent_and_whom_it_acts_for_are_told_apart()
    {
        // Proves on the page, on the question, among earlier calls and in the audit that an agent acts, for whom, and
        // that its groups are not the person's: each has their own.
        await world.SignedInAsync("bob");
        await world.AskAsync("agent-7", "/billing/111/refunds");
        string id = await world.AskAsync("agent-7", "/billing/112/refunds");
        IPage page = await world.SignedInAsync("carol");
        await page.GotoAsync(world.Console + "/approvals/" + id);
        await SaysWhoAsync(page);
        ILocator earlier = page.Locator(".earlier li").First;
        await Assertions.Expect(earlier).ToContainTextAsync("by agent agent-7 for bob", AsShown);
        await page.ClickAsync("#approve");
        await page.WaitForSelectorAsync("#confirm");
        await SaysWhoAsync(page);
        IPage audit = await world.SignedInAsync("olga");
        await audit.GotoAsync(world.Console + "/audit?caller=agent-7&function=billing.refund");
        await Assertions.Expect(audit.Locator("td[data-label=Who]").First).ToHaveTextAsync(
            new System.Text.RegularExpressions.Regex(@"^\s*agent-7\s*for\s*bob\s*$"));
    }

    private static async Task SaysWhoAsync(IPage page)
    {
        await Assertions.Expect(page.Locator(".chain .acts")).ToContainTextAsync("agent-7");
        await Assertions.Expect(page.Locator(".chain .acts")).ToContainTextAsync("acts, in groups agents");
        ILocator person = page.Locator(".chain .for");
        await Assertions.Expect(person).ToContainTextAsync("for person bob", AsShown);
        await Assertions.Expect(person).ToContainTextAsync("own groups, as last seen here, are finance-leads");
        await Assertions.Expect(person).Not.ToContainTextAsync("agents");
        Assert.Equal(2, await page.Locator(".chain .link").CountAsync());
    }
}
