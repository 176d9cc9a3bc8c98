using Countersign.Integration.Tests.EndToEnd;
using Microsoft.Playwright;

namespace Countersign.Console.Tests;

public sealed class NotificationTests(ConsoleWorld world)
{
    // A browser's notifications, written down: what a page shows there cannot be seen from a test.
    private const string Recorded = """
        (() => {
          window.shown = [];
          window.asked = 0;
          window.Notification = class {
            static permission = 'default';
            static async requestPermission() {
              window.asked++;
              return (window.Notification.permission = 'granted');
            }
            constructor(title, options) { window.shown.push(title + '|' + JSON.stringify(options)); }
          };
          window.isHidden = false;
          Object.defineProperty(document, 'visibilityState', { get: () => window.isHidden ? 'hidden' : 'visible' });
        })();
        """;

    [Fact]
    public async Task A_notification_is_asked_for_by_a_press_and_tells_nothing_of_the_call()
    {
        // Proves that the page asks nobody by itself, that a call is told in the background alone, and that what
        // the notification says is a count: neither function, amount, caller nor reason.
        IPage page = await world.SignedInAsync("carol");
        await page.AddInitScriptAsync(Recorded);
        await page.GotoAsync(world.Console);
        await Assertions.Expect(page.Locator("#notify")).ToBeVisibleAsync();
        Assert.Equal(0, await page.EvaluateAsync<int>("window.asked"));
        await page.ClickAsync("#notify");
        await Assertions.Expect(page.Locator("#notify")).ToBeHiddenAsync();
        Assert.Equal(1, await page.EvaluateAsync<int>("window.asked"));

        string seen = await world.AskAsync("alice", "/billing/91/refunds", reason: "in sight");
        await Assertions.Expect(page.Locator($"[data-id='{seen}']")).ToBeVisibleAsync();
        Assert.Equal(0, await page.EvaluateAsync<int>("window.shown.length"));
        await page.EvaluateAsync("window.isHidden = true");
        string unseen = await world.AskAsync("alice", "/billing/92/refunds", reason: "out of sight");
        await Until.TrueAsync(() => page.EvaluateAsync<bool>("window.shown.length > 0"));
        await Assertions.Expect(page.Locator($"[data-id='{unseen}']")).ToHaveCountAsync(1);
        string shown = await page.EvaluateAsync<string>("window.shown[0]");
        string body = "(A call waits|\\d+ calls wait) for your decision\\.";
        Assert.Matches("^Countersign\\|\\{\"body\":\"" + body + "\",\"tag\":\"countersign-inbox\"\\}$", shown);
    }
}
