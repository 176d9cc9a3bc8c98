using System.Text.Json;
using Microsoft.Playwright;

namespace Countersign.Console.Tests;

public sealed class LooksTests(ConsoleWorld world)
{
    // Every text in sight, with the ratio of its colour to what is painted behind it (WCAG 2.2, 1.4.3).
    private const string Contrast = """
        () => {
          const parse = (text) => {
            const found = text.match(/[\d.]+/g).map(Number);
            return { r: found[0], g: found[1], b: found[2], a: found.length > 3 ? found[3] : 1 };
          };
          const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
          const light = (c) => 0.2126 * channel(c.r) + 0.7152 * channel(c.g) + 0.0722 * channel(c.b);
          const behind = (element) => {
            for (let at = element; at; at = at.parentElement) {
              const colour = parse(getComputedStyle(at).backgroundColor);
              if (colour.a === 1) return colour;
            }
            return { r: 255, g: 255, b: 255, a: 1 };
          };
          const poor = [];
          const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          for (let node = walk.nextNode(); node; node = walk.nextNode()) {
            const element = node.parentElement;
            if (!node.textContent.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
            if (element.matches('.skip')) continue;
            const style = getComputedStyle(element);
            const pair = [light(parse(style.color)), light(behind(element))].sort((a, b) => b - a);
            const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
            if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${element.className}: ${node.textContent.trim()}`);
          }
          return poor;
        }
        """;

    // What a person who cannot see or point needs (WCAG 2.2, 1.1.1, 1.3.1, 2.4.2, 3.1.1, 3.3.2, 4.1.2).
    private const string Faults = """
        () => {
          const faults = [];
          if (document.documentElement.lang !== 'en') faults.push('no language');
          if (!document.title) faults.push('no title');
          if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
          if (document.querySelectorAll('main').length !== 1) faults.push('not one main');
          const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
          if (new Set(ids).size !== ids.length) faults.push('an id twice: ' + ids);
          for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
            if (!field.labels?.length && !field.ariaLabel) faults.push('a field without a label: ' + field.name);
          for (const one of document.querySelectorAll('button, a'))
            if (!one.textContent.trim() && !one.ariaLabel) faults.push('nothing to press: ' + one.outerHTML);
          for (const image of document.querySelectorAll('img')) if (!image.hasAttribute('alt')) faults.push('no alt');
          for (const one of document.querySelectorAll('[aria-labelledby]'))
            if (!document.getElementById(one.getAttribute('aria-labelledby'))) faults.push('labelled by nothing');
          if (document.querySelector('p ul, p div, p details, p dl, span ul')) faults.push('a block inside a line');
          return faults;
        }
        """;

    // Every word of the page's own and every short one of a caller's that is broken over lines.
    private const string Broken = """
        () => {
          const broken = [];
          const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
          for (let node = walk.nextNode(); node; node = walk.nextNode()) {
            if (!node.parentElement.checkVisibility({ visibilityProperty: true })) continue;
            for (const word of node.textContent.matchAll(/(?<![^\s])[\p{L}\d.]{2,12}(?![^\s])/gu)) {
              const range = document.createRange();
              range.setStart(node, word.index);
              range.setEnd(node, word.index + word[0].length);
              const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
              if (lines.size > 1) broken.push(`${word[0]} in ${node.parentElement.outerHTML.slice(0, 120)}`);
            }
          }
          return broken;
        }
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_word_is_broken(bool isPhone)
    {
        // Proves on a phone and on a desk that no page is so narrow anywhere that words break in it, by calls with more
        // numbers than a row picks out, named like amounts and not, and by the tables.
        string named = await world.AskAsync(
            "alice", "/billing/107/refunds", JsonSerializer.Serialize(new { price = Enumerable.Range(0, 41) }));
        string other = await world.AskAsync(
            "alice", "/billing/108/refunds",
            JsonSerializer.Serialize(new { amount = 1, xs = Enumerable.Range(0, 41) }));
        await world.AskAsync("ci-deploy", "/billing/109/reset", "{}");
        string agents = await world.AskAsync("agent-7", "/billing/110/refunds");
        IPage carol = await world.SignedInAsync("carol", isPhone);
        await Assertions.Expect(carol.Locator($"[data-id='{named}'] .more")).ToContainTextAsync("17 more numbers");
        await Assertions.Expect(carol.Locator($"[data-id='{other}'] .more")).ToContainTextAsync("more numbers");
        string[] asked = ["/approvals/" + named, "/approvals/" + other, "/approvals/" + agents];
        await WholeAsync(carol, ["", .. asked, "/history", "/reviews"]);
        IPage olga = await world.SignedInAsync("olga", isPhone);
        await WholeAsync(olga, ["/policies", "/policies/2", "/fleet", "/audit?type=all", "/audit/chain"]);
    }

    private async Task WholeAsync(IPage page, string[] paths)
    {
        foreach (string path in paths)
        {
            await page.GotoAsync(world.Console + path);
            string broken = string.Join('\n', await page.EvaluateAsync<string[]>(Broken));
            Assert.True(broken.Length == 0, path + ": " + broken);
            Assert.True(
                await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= window.innerWidth"),
                path + " scrolls sideways");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_page_can_be_read(bool isDark)
    {
        // Proves by measuring every text on every page, light and dark, that its contrast is 4.5 to 1 or more, and that
        // fields, buttons, headings and pictures say what they are.
        string id = await RichAsync("/billing/101/refunds");
        string denied = await world.AskAsync("alice", "/billing/102/refunds");
        await world.DecideAsync("carol", denied, "deny", "no ticket");
        string own = await world.AskAsync("agent-7", "/billing/103/refunds");
        IPage page = await world.SignedInAsync("bob", isDark: isDark);
        IPage admin = await world.SignedInAsync("olga", isDark: isDark);
        await GoodAsync(page);
        string[] theirs = ["/approvals/" + id, "/approvals/" + own, "/approvals/" + denied, "/history", "/keys"];
        foreach (string path in theirs)
        {
            await page.GotoAsync(world.Console + path);
            await GoodAsync(page);
        }

        await page.GotoAsync(world.Console + "/approvals/" + id);
        await page.ClickAsync(".account > summary");
        await GoodAsync(page);
        await page.ClickAsync("#approve");
        await page.WaitForSelectorAsync("#confirm");
        await GoodAsync(page);
        string[] hers = ["/policies", "/policies/2", "/policies/2?against=1", "/fleet",
            "/audit?type=all", "/audit/chain", "/nothing", "/signin"];
        foreach (string path in hers)
        {
            await admin.GotoAsync(world.Console + path);
            await GoodAsync(admin);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_rare_can_be_read_too(bool isDark)
    {
        // Proves the same of what a broken glass, its review and a revealed argument put on a page, and that a phone
        // shows them without scrolling sideways.
        string account = isDark ? "105" : "106";
        string broken = await world.AskAsync("alice", $"/billing/{account}/pair");
        await world.BreakGlassAsync("sam", broken, "the site is down");
        string waits = await world.AskAsync(
            "alice", $"/billing/{account}/pair?again=yes", """{"amount":5,"email":"a@example.test"}""");
        IPage page = await world.SignedInAsync("carol", isPhone: isDark, isDark: isDark);
        foreach (string path in new[] { "", "/reviews", "/history", "/approvals/" + broken, "/approvals/" + waits })
        {
            await page.GotoAsync(world.Console + path);
            await GoodAsync(page);
            Assert.True(
                await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= window.innerWidth"),
                path + " scrolls sideways");
        }

        await page.ClickAsync("#reveal > summary");
        await page.ClickAsync("#emergency > summary");
        await GoodAsync(page);
        await page.FillAsync("#glass-reason", "it burns");
        await page.ClickAsync("#break-glass");
        await page.WaitForSelectorAsync("#confirm-glass");
        await GoodAsync(page);
        await page.ClickAsync("#confirm-no");
        await page.ClickAsync("#reveal > summary");
        await page.FillAsync("#pointer", "/email");
        await page.FillAsync("#reveal-reason", "ticket 4711");
        await page.ClickAsync("#reveal button");
        await page.WaitForSelectorAsync("#revealed");
        await GoodAsync(page);
    }

    [Fact]
    public async Task A_phone_is_wide_enough()
    {
        // Proves at 360 px that no page scrolls sideways, that what is pressed is at least 24 px in both directions
        // (WCAG 2.2, 2.5.8), and that a call can be decided there.
        string id = await RichAsync("/billing/104/refunds");
        IPage page = await world.SignedInAsync("carol", isPhone: true);
        foreach (string path in new[] { "", "/approvals/" + id, "/history", "/keys", "/signin" })
        {
            await page.GotoAsync(world.Console + path);
            Assert.True(
                await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= window.innerWidth"),
                path + " scrolls sideways");
            string small = await page.EvaluateAsync<string>(
                """
                [...document.querySelectorAll('button, .button, nav a, select, input:not([type=hidden])')]
                  .filter((one) => one.checkVisibility())
                  .filter((one) => one.getBoundingClientRect().height < 24 || one.getBoundingClientRect().width < 24)
                  .map((one) => one.outerHTML).join()
                """);
            Assert.Equal("", small);
        }

        await page.GotoAsync(world.Console + "/approvals/" + id);
        await page.ClickAsync("#approve");
        await page.ClickAsync("#confirm-yes");
        await Assertions.Expect(page.Locator(".notice.good")).ToHaveTextAsync("You approved it.");
    }

    [Fact]
    public async Task A_phone_shows_all_of_an_administrators_navigation()
    {
        // Proves at 360 px that every link of whoever has the most of them is inside the window.
        IPage page = await world.SignedInAsync("olga", isPhone: true);
        Assert.True(await page.Locator(".top nav a").CountAsync() >= 5);
        Assert.True(await page.EvaluateAsync<bool>(
            """
            [...document.querySelectorAll('.top nav a')].map((one) => one.getBoundingClientRect())
              .every((box) => box.left >= 0 && box.right <= window.innerWidth)
            """));
    }

    private Task<string> RichAsync(string target) => world.AskAsync(
        "alice", target,
        JsonSerializer.Serialize(new
        {
            amount = 12500.00m,
            note = "\u0440\u0430ypal\u202E x",
            memo = new string('y', 900),
            ok = true,
            lines = new[] { new { sku = "A-1", price = 6000.5m } },
        }),
        "Customer was charged twice, ticket 4711 \u200B");

    /// <summary>Every text on the page can be read, and what is there says what it is.</summary>
    internal static async Task GoodAsync(IPage page)
    {
        Assert.Equal("", string.Join('\n', await page.EvaluateAsync<string[]>(Contrast)));
        Assert.Equal("", string.Join('\n', await page.EvaluateAsync<string[]>(Faults)));
    }
}
