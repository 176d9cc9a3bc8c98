using Microsoft.Playwright;

namespace Countersign.Console.Tests;

/// <summary>The audit in a browser.</summary>
public sealed class AuditPageTests(ConsoleWorld world)
{
    [Fact]
    public async Task An_auditor_finds_a_call_and_reads_its_story()
    {
        // Proves the way from the search over a text that a caller wrote, shown as text alone, to the story and the
        // proof; and that the reads are in the log by then.
        string text = "/billing/audited%3Cimg%20src%3Dx%3E/refunds";
        await world.AskAsync("alice", text);
        IPage page = await world.SignedInAsync("olga");
        await page.GotoAsync(world.Console + "/audit");
        await page.GetByLabel("Text", new() { Exact = true }).FillAsync("audited");
        await page.GetByRole(AriaRole.Button, new() { Name = "Search" }).ClickAsync();
        ILocator row = page.Locator("tbody tr").First;
        await Assertions.Expect(row).ToContainTextAsync("billing.refund");
        await Assertions.Expect(row).ToContainTextAsync(text);
        await row.GetByRole(AriaRole.Link).ClickAsync();
        await Assertions.Expect(page.Locator(".steps")).ToContainTextAsync("alice");
        await Assertions.Expect(page.Locator(".steps")).ToContainTextAsync("approve by rule big-money");
        await Assertions.Expect(page.Locator(".steps img")).ToHaveCountAsync(0);
        Task<IDownload> downloading = page.WaitForDownloadAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Proof" }).ClickAsync();
        IDownload proof = await downloading;
        string proven = await File.ReadAllTextAsync(
            await proof.PathAsync(), TestContext.Current.CancellationToken);
        Assert.StartsWith("c2sp.org/tlog-proof@v1\n", proven, StringComparison.Ordinal);
        await page.GotoAsync(world.Console + "/audit?type=event&event=audit-read");
        await Assertions.Expect(page.Locator("tbody tr").First).ToContainTextAsync("audit-read");
        await Assertions.Expect(page.Locator("tbody")).ToContainTextAsync("proof");
    }

    [Fact]
    public async Task What_was_searched_is_exported_as_records()
    {
        // Proves that the export holds the records of the search and no others, one JSON object a line.
        await world.AskAsync("alice", "/billing/exported/refunds");
        IPage page = await world.SignedInAsync("olga");
        await page.GotoAsync(world.Console + "/audit?text=exported");
        Task<IDownload> downloading = page.WaitForDownloadAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Export" }).ClickAsync();
        IDownload export = await downloading;
        string[] lines = await File.ReadAllLinesAsync(
            await export.PathAsync(), TestContext.Current.CancellationToken);
        Assert.NotEmpty(lines);
        Assert.All(lines, line =>
        {
            Assert.StartsWith("{\"index\":", line, StringComparison.Ordinal);
            Assert.Contains("/billing/exported/refunds", line, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Acts_are_found_and_exported_as_cef_and_nothing_runs_out_of_the_page(bool isPhone)
    {
        // Proves the field for acts, the export in the other format, that a search that was not made says nothing of
        // what fits, and that neither the search nor a story with digests makes a phone's page scroll sideways.
        string id = await world.AskAsync("ci-deploy", "/billing/72/reset", "");
        IPage page = await world.SignedInAsync("olga");
        if (isPhone) await page.SetViewportSizeAsync(390, 800);
        await page.GotoAsync(world.Console + "/audit?from=nonsense");
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("from must be a time");
        await Assertions.Expect(page.Locator(".empty")).ToHaveCountAsync(0);
        await page.GotoAsync(world.Console + "/audit");
        await page.GetByLabel("Act", new() { Exact = true }).FillAsync("policy-published");
        await page.GetByRole(AriaRole.Button, new() { Name = "Search" }).ClickAsync();
        await Assertions.Expect(page.Locator("tbody tr").First).ToContainTextAsync("policy-published");
        Task<IDownload> downloading = page.WaitForDownloadAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "CEF" }).ClickAsync();
        string[] lines = await File.ReadAllLinesAsync(
            await (await downloading).PathAsync(), TestContext.Current.CancellationToken);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Matches(@"^CEF:0\|Countersign\|gateway\|.*\|policy-published\|5\|rt=", line));
        foreach (string path in (string[])["/audit?type=all", "/audit?approval=" + id])
        {
            await page.GotoAsync(world.Console + path);
            await AssertFitsAsync(page);
        }

        await page.Locator("tbody a").First.ClickAsync();
        await Assertions.Expect(page.Locator(".steps")).ToContainTextAsync("asked");
        await AssertFitsAsync(page);
    }

    private static async Task AssertFitsAsync(IPage page) => Assert.True(await page.EvaluateAsync<bool>(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.Url);

    [Fact]
    public async Task The_chain_of_trust_says_what_is_verified_and_who_watches()
    {
        // Proves that the newest entries are verified when the page is asked for, and that a gateway without witnesses
        // says so.
        IPage page = await world.SignedInAsync("olga");
        await page.GotoAsync(world.Console + "/audit/chain");
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Chain of trust");
        await Assertions.Expect(page.Locator(".page-head .state")).ToHaveTextAsync("verified just now");
        await Assertions.Expect(page.Locator("main")).ToContainTextAsync("Nobody witnesses this log");
        await Assertions.Expect(page.Locator("main")).ToContainTextAsync("countersign/demo");
    }

    [Fact]
    public async Task Others_read_nothing()
    {
        // Proves that an approver sees neither the link nor the pages.
        IPage page = await world.SignedInAsync("carol");
        await Assertions.Expect(
            page.GetByRole(AriaRole.Link, new() { Name = "Audit" })).ToHaveCountAsync(0);
        foreach (string path in (string[])["/audit", "/audit/chain", "/audit/export", "/audit/calls/x"])
        {
            IResponse? answer = await page.GotoAsync(world.Console + path);
            Assert.Equal(403, answer!.Status);
        }
    }
}
