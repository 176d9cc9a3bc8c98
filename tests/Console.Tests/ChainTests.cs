using Countersign.Audit;
using Countersign.Integration.Tests.EndToEnd;
using Microsoft.Playwright;

namespace Countersign.Console.Tests;

/// <summary>What an auditor sees of a log whose past was changed, and of one that too few follow.</summary>
public sealed class ChainTests(ConsoleWorld world)
{
    private static readonly (string, object) Auditors = ("auditors", (string[])["finance-leads"]);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_past_that_was_changed_is_red(bool isForked)
    {
        // Proves with an older copy of the folder that is put back under a stopped gateway, and with one that somebody
        // who has the key grew in another way, that the page says so in red, and what is refused. What the store had
        // of the log by then is not told anywhere, so the gateway lives on until it is enough.
        await using ServedConsole served = await ServedConsole.StartAsync(Auditors);
        IPage page = await served.SignInAsync(world, "olga");
        await page.GotoAsync(served.Console + "/audit/chain");
        await Assertions.Expect(page.Locator(".page-head .state")).ToHaveTextAsync("verified just now");
        Assert.False(await IsRedAsync(page.Locator(".page-head .state")));
        string old = served.AuditFolder + ".old";
        await served.RestartAsync(() =>
        {
            Copy(served.AuditFolder, old);
            return Task.CompletedTask;
        });
        for (int life = 1; ; life++)
        {
            for (int read = 0; read < 5; read++) await page.GotoAsync(served.Console + "/audit/chain");
            await Task.Delay(TimeSpan.FromSeconds(2 * life), TestContext.Current.CancellationToken);
            await served.RestartAsync(async () =>
            {
                Directory.Delete(served.AuditFolder, recursive: true);
                Copy(old, served.AuditFolder);
                if (isForked) await GrowAsync(served.AuditFolder);
            });
            if (await IsDoubtedAsync(page, served, life)) break;
            Assert.True(life < 5, "the store never had more of the log");
        }

        await Assertions.Expect(page.Locator(".page-head .state")).ToHaveTextAsync("in doubt");
        ILocator alert = page.GetByRole(AriaRole.Alert);
        await Assertions.Expect(alert).ToContainTextAsync(
            isForked ? "other entries than this log has" : "entries that this log no longer has");
        await Assertions.Expect(alert).ToContainTextAsync("High and critical functions are refused");
        Assert.True(await IsRedAsync(page.Locator(".page-head .state")));
        Assert.True(await IsRedAsync(alert));
        await KeepAsync(page, isForked ? "forked" : "rolled-back");
    }

    [Fact]
    public async Task A_quorum_that_is_missed_is_red()
    {
        // Proves with a witness that nobody answers for that the page says how many follow, and what is refused.
        string folder = Directory.CreateTempSubdirectory("countersign-witness-").FullName;
        using CheckpointWitness witness = CheckpointWitness.Open(
            folder, "witness.example/w1", _ => null, TimeProvider.System);
        await using ServedConsole served = await ServedConsole.StartAsync(
            Auditors, ("witnessQuorum", 1),
            ("witnesses", new[] { new { key = witness.Key.ToString(), url = "http://127.0.0.1:9" } }));
        IPage page = await served.SignInAsync(world, "olga");
        await page.GotoAsync(served.Console + "/audit/chain");
        await Assertions.Expect(page.Locator(".page-head .state")).ToHaveTextAsync("too few witnesses");
        ILocator alert = page.GetByRole(AriaRole.Alert);
        await Assertions.Expect(alert).ToContainTextAsync("0 of 1 ");
        await Assertions.Expect(alert).ToContainTextAsync("High and critical functions are refused");
        Assert.True(await IsRedAsync(alert));
        await Assertions.Expect(page.Locator("tbody")).ToContainTextAsync("witness.example/w1");
        await KeepAsync(page, "quorum");

        // And wherever else somebody looks.
        foreach (string path in (string[])["", "/audit", "/policies"])
        {
            await page.GotoAsync(served.Console + path);
            await Assertions.Expect(alert).ToContainTextAsync("High and critical functions are refused");
            Assert.True(await IsRedAsync(alert));
        }

        await KeepAsync(page, "quorum-elsewhere");
        Directory.Delete(folder, recursive: true);
    }

    // Its first look at what the store has comes some time after the start; it need not have more of the log by then.
    private static Task<bool> IsDoubtedAsync(IPage page, ServedConsole served, int life) => Until.IsTrueAsync(
        async () =>
        {
            await page.GotoAsync(served.Console + "/audit/chain");
            return await page.Locator(".page-head .state").TextContentAsync() == "in doubt";
        },
        within: TimeSpan.FromSeconds(5 * life));

    private static Task<bool> IsRedAsync(ILocator place) => place.EvaluateAsync<bool>(
        """
        (one) => {
          const [r, g, b] = getComputedStyle(one).color.match(/[\d.]+/g).map(Number);
          return r > 1.5 * g && r > 1.5 * b;
        }
        """);

    // COUNTERSIGN_PICTURES names a folder for whoever wants to look.
    private static async Task KeepAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("COUNTERSIGN_PICTURES") is not { Length: > 0 } folder) return;
        string path = Path.Combine(folder, $"chain-{name}.png");
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = path, FullPage = true });
    }

    // By somebody who has the folder and the seed in it.
    private static async Task GrowAsync(string folder)
    {
        AuditLogOptions options = new() { Folder = folder, Origin = "countersign/served" };
        await using AuditLog log = AuditLog.Open(options, TimeProvider.System).Log!;
        while (log.Size < 2_000)
        {
            Assert.True(log.TryReserve(out AuditReservation slot));
            new EventRecord { At = DateTimeOffset.UnixEpoch, Event = "forged" }.WriteTo(slot.Outcome);
            Assert.True(await log.CommitAsync(slot.Outcome));
            log.Return(slot);
        }
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
