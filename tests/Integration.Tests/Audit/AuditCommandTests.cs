using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.Cli;
using Countersign.Cli.Audit;
using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Audit;

/// <summary><c>countersign audit</c> over a log's folder, without any gateway.</summary>
public sealed class AuditCommandTests : IAsyncLifetime
{
    private const int Damaged = 4;

    private static readonly DateTimeOffset Noon = new(2026, 3, 9, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid Paid = Guid.CreateVersion7(Noon);
    private static readonly Guid Refused = Guid.CreateVersion7(Noon.AddHours(1));

    private readonly string _root = Directory.CreateTempSubdirectory("countersign-audit-cli-").FullName;

    private string Folder => Path.Combine(_root, "log");

    public async ValueTask InitializeAsync()
    {
        AuditLogOptions options = new() { Folder = Folder, Origin = "countersign/test" };
        await using AuditLog log = AuditLog.Open(options, TimeProvider.System).Log!;
        await WriteAsync(log, record => Call(CallRecordType.Intent, Paid).WriteTo(record));
        await WriteAsync(log, record => Call(CallRecordType.Outcome, Paid).WriteTo(record));
        await WriteAsync(log, record => new CallRecord(CallRecordType.Outcome)
        {
            Call = Refused, At = Noon.AddHours(1), Method = "GET"u8, Target = "/a|b=c\\d"u8, Verdict = "denied",
            Status = 403, Issuer = "https://i", Subject = "mallory\u202e", Kind = "human", Function = "people.get",
            Decision = "deny", Detail = "No rule\nallows it.",
        }.WriteTo(record));
        await WriteAsync(log, record => new EventRecord
        {
            At = Noon.AddHours(2), Gateway = "gw", Event = "glass-broken", ActorSubject = "eve", ActorKind = "human",
            Subject = "apr_1", Detail = "fire",
        }.WriteTo(record));
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("", "0 1 2 3")]
    [InlineData("--limit 1", "3")]
    [InlineData("--limit 0", "0 1 2 3")]
    [InlineData("--caller bot", "0 1")]
    [InlineData("--person ADA", "0 1")]
    [InlineData("--person eve", "0 1 3")]
    [InlineData("--function people.*", "2")]
    [InlineData("--decision deny", "2")]
    [InlineData("--verdict ok", "1")]
    [InlineData("--approval apr_1", "0 1 3")]
    [InlineData("--event glass-broken", "3")]
    [InlineData("--text fire", "3")]
    [InlineData("--from 2026-03-09T12:30:00Z --to 2026-03-09T13:30:00Z", "2")]
    [InlineData("--text nothing-like-this", "")]
    public async Task Search_finds_what_is_asked_for(string options, string indexes)
    {
        // Proves each filter on a folder, by the indexes of the records that are printed.
        CommandRun run = await RunAsync(["search", Folder, "--json", .. Words(options)]);
        string[] found = [.. Lines(run.Output).Select(line => JsonNode.Parse(line)!["index"]!.ToString())];
        Assert.Equal(Words(indexes), found);
        Assert.Equal(0, await run.End);
    }

    [Fact]
    public async Task A_proof_verifies_with_the_key_alone()
    {
        // Proves that what prove prints is accepted elsewhere by the key, with the record in it, that it is refused
        // under another key or after any change, and that without a key nothing is said.
        CommandRun proved = await RunAsync("prove", Paid.ToString(), "--folder", Folder);
        Assert.Equal(0, await proved.End);
        string file = Path.Combine(_root, "paid.tlog-proof");
        await File.WriteAllTextAsync(file, proved.Output, TestContext.Current.CancellationToken);
        string key = Path.Combine(Folder, "log.vkey");
        CommandRun verified = await RunAsync("verify", "--proof", file, "--key", key, "--json");
        JsonNode told = JsonNode.Parse(verified.Output)!;
        Assert.Equal((true, "outcome", Paid.ToString()),
            ((bool)told["ok"]!, (string)told["record"]!["type"]!, (string)told["record"]!["call"]!));
        CommandRun text = await RunAsync("verify", "--proof", file, "--key", await File.ReadAllTextAsync(
            key, TestContext.Current.CancellationToken));
        Assert.StartsWith("ok: entry 1 of 4 in countersign/test", text.Output, StringComparison.Ordinal);
        Assert.Equal(2, await (await RunAsync("verify", "--proof", file)).End);
        string[] lines = proved.Output.Split('\n');
        lines[2] = "index 0";
        await File.WriteAllTextAsync(file, string.Join('\n', lines), TestContext.Current.CancellationToken);
        CommandRun changed = await RunAsync("verify", "--proof", file, "--key", key);
        Assert.Equal(Damaged, await changed.End);
        Assert.StartsWith("NOT PROVEN", changed.Output, StringComparison.Ordinal);
        Assert.Equal(1, await (await RunAsync("prove", Refused.ToString(), "--intent", "--folder", Folder)).End);
        Assert.Equal(1, await (await RunAsync("prove", Guid.NewGuid().ToString(), "--folder", Folder)).End);
    }

    [Fact]
    public async Task A_receipt_is_verified_offline_and_held_to_the_log()
    {
        // Proves the three answers: the log gave it, it holds the record (by proof and by folder), it broke its word;
        // by receipts for the intent that is there, for another of the same call, and of another log.
        AuditLogOptions options = new() { Folder = Folder, Origin = "countersign/test" };
        string kept, broken;
        await using (AuditLog log = AuditLog.Open(options, TimeProvider.System).Log!)
        {
            kept = Receipt(log, Call(CallRecordType.Intent, Paid));
            broken = Receipt(log, new CallRecord(CallRecordType.Intent) { Call = Paid, At = Noon });
        }

        string key = Path.Combine(Folder, "log.vkey"), proof = Path.Combine(_root, "intent.tlog-proof");
        CommandRun proved = await RunAsync("prove", Paid.ToString(), "--intent", "--folder", Folder);
        await File.WriteAllTextAsync(proof, proved.Output, TestContext.Current.CancellationToken);
        (string[] More, string Receipt, int Exit, string Says)[] cases =
        [
            (["--key", key], kept, 0, "took the call on"),
            (["--key", key, "--proof", proof], kept, 0, "entry 0 of the log"),
            (["--folder", Folder], kept, 0, "entry 0 of the log"),
            (["--key", key, "--proof", proof], broken, Damaged, "another record"),
            (["--folder", Folder], broken, Damaged, "rewritten"),
            (["--key", key], kept.Replace("at=1", "at=2", StringComparison.Ordinal), Damaged, "did not give"),
            (["--key", key], "log=nonsense", Damaged, ""),
            ([], kept, 2, ""),
            (["--key", key], Path.Combine(_root, "not-there.txt"), 2, ""),
        ];
        foreach ((string[] more, string receipt, int exit, string says) in cases)
        {
            CommandRun run = await RunAsync(["receipt", "verify", receipt, .. more]);
            Assert.Equal(exit, await run.End);
            Assert.Contains(says, run.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_proof_as_json_is_the_same_proof()
    {
        // Proves that the parts are those of the proof, whose text, taken out again, verifies offline.
        CommandRun run = await RunAsync("prove", Paid.ToString(), "--folder", Folder, "--json");
        JsonNode told = JsonNode.Parse(run.Output)!;
        string file = Path.Combine(_root, "json.tlog-proof"), key = Path.Combine(Folder, "log.vkey");
        await File.WriteAllTextAsync(file, (string)told["proof"]!, TestContext.Current.CancellationToken);
        Assert.Equal(0, await (await RunAsync("verify", "--proof", file, "--key", key)).End);
        Assert.Equal((1, "outcome"), ((int)told["index"]!, (string)told["record"]!));
        Assert.Equal(Paid.ToString(), (string?)told["entry"]!["call"]);
        Assert.Equal(
            await File.ReadAllTextAsync(Path.Combine(Folder, "checkpoint"), TestContext.Current.CancellationToken),
            (string)told["checkpoint"]!);
        Assert.Equal(2, told["path"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_log_gets_a_new_key_by_command()
    {
        // Proves that the key is changed at once where nobody writes, and waits where somebody does; that who trusts
        // the old key verifies on; and that a receipt of the old key's time is still held to the log.
        string old = await File.ReadAllTextAsync(
            Path.Combine(Folder, "log.vkey"), TestContext.Current.CancellationToken);
        string receipt = "";
        Guid call = Guid.CreateVersion7(Noon.AddHours(2));
        AuditLogOptions options = new() { Folder = Folder, Origin = "countersign/test" };
        await using (AuditLog log = AuditLog.Open(options, TimeProvider.System).Log!)
        {
            Assert.True(log.TryReserve(out AuditReservation slot));
            Call(CallRecordType.Intent, call).WriteTo(slot.Intent);
            System.Buffers.ArrayBufferWriter<byte> field = new();
            log.WriteReceipt(slot.Intent, call, Noon, field);
            receipt = System.Text.Encoding.UTF8.GetString(field.WrittenSpan);
            Assert.True(await log.CommitAsync(slot.Intent));
            log.Return(slot);
            JsonNode waits = JsonNode.Parse((await RunAsync("rotate-key", Folder, "--json")).Output)!;
            Assert.Equal((false, old.Trim()), ((bool)waits["done"]!, (string)waits["old"]!));
        }

        JsonNode done = JsonNode.Parse((await RunAsync("rotate-key", Folder, "--json")).Output)!;
        Assert.Equal((true, 5), ((bool)done["done"]!, (int)done["size"]!));
        Assert.Equal(
            (string?)done["new"] + "\n",
            await File.ReadAllTextAsync(Path.Combine(Folder, "log.vkey"), TestContext.Current.CancellationToken));
        Assert.Equal(0, await (await RunAsync("verify", Folder, "--key", old.Trim())).End);
        Assert.Equal(0, await (await RunAsync("verify", Folder, "--key", (string)done["new"]!)).End);
        CommandRun kept = await RunAsync("receipt", "verify", receipt, "--folder", Folder);
        Assert.True(await kept.End == 0, kept.Output + kept.Errors);
        CommandRun found = await RunAsync("search", Folder, "--event", "audit-key-rotated", "--json");
        Assert.Contains((string)done["new"]!, found.Output, StringComparison.Ordinal);
        CommandRun text = await RunAsync("rotate-key", Folder);
        Assert.StartsWith("ok: the log signs with a new key", text.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_tells_its_rate_and_takes_a_range()
    {
        // Proves the whole, a range, progress where it is asked for, and that bounds which name no entries are refused.
        JsonNode whole = JsonNode.Parse((await RunAsync("verify", Folder, "--json")).Output)!;
        Assert.Equal((true, 4, 4), ((bool)whole["ok"]!, (int)whole["entries"]!, (int)whole["proven"]!));
        Assert.True((long)whole["entries_per_second"]! > 0);
        CommandRun shown = await RunAsync("verify", Folder, "--progress");
        Assert.Contains("entries a second", shown.Output, StringComparison.Ordinal);
        Assert.Contains("entries", shown.Errors, StringComparison.Ordinal);
        CommandRun some = await RunAsync("verify", Folder, "--from", "1", "--to", "3", "--json");
        JsonNode range = JsonNode.Parse(some.Output)!;
        Assert.Equal((true, 2), ((bool)range["ok"]!, (int)range["proven"]!));
        foreach (string[] bounds in (string[][])[["1", "9"], ["3", "2"], ["4", "4"], ["-1", "2"]])
        {
            CommandRun none = await RunAsync("verify", Folder, "--from", bounds[0], "--to", bounds[1]);
            Assert.Equal((ExitCodes.Usage, ""), (await none.End, none.Output));
        }

        Assert.Equal(ExitCodes.Usage, await (await RunAsync("verify", Folder, "--from", "4")).End);
    }

    [Fact]
    public async Task Tiles_are_exported_whole_and_added_to()
    {
        // Proves the command over the library: a directory that says how much it holds, nothing without one, and no
        // filters; and that a part of a log is not published as the whole of it.
        string output = Path.Combine(Folder, "..", Path.GetFileName(Folder) + ".tiles");
        CommandRun done = await RunAsync("export", Folder, "--format", "tiles", "--output", output);
        Assert.True(await done.End == 0, done.Output + done.Errors);
        Assert.StartsWith("4 entries of ", done.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(output, "tile", "entries", "000.p", "4")));
        Assert.True(File.Exists(Path.Combine(output, "tile", "0", "000.p", "4")));
        Assert.Equal(
            await File.ReadAllBytesAsync(Path.Combine(Folder, "checkpoint"), TestContext.Current.CancellationToken),
            await File.ReadAllBytesAsync(Path.Combine(output, "checkpoint"), TestContext.Current.CancellationToken));
        Directory.Delete(output, recursive: true);
        Assert.Equal(ExitCodes.Usage, await (await RunAsync("export", Folder, "--format", "tiles")).End);
        CommandRun some = await RunAsync(
            "export", Folder, "--format", "tiles", "--output", output, "--event", "started");
        Assert.Equal(ExitCodes.Usage, await some.End);
        Assert.False(Directory.Exists(output));
    }

    [Fact]
    public async Task Show_tells_a_call_as_a_story()
    {
        // Proves the story and the copies for people, where nothing that callers wrote can turn the line, and as JSON,
        // by time: the glass was broken two hours later.
        CommandRun shown = await RunAsync("show", Paid.ToString(), "--folder", Folder);
        string[] words =
        [
            "call " + Paid, "agent bot for ada asked for billing.refund (POST /billing/7)", "approved by eve",
            "answered", "request: {\"amount\":7}", "(entry 1)",
        ];
        Assert.All(words, word => Assert.Contains(word, shown.Output, StringComparison.Ordinal));
        CommandRun hostile = await RunAsync("show", Refused.ToString(), "--folder", Folder);
        Assert.Contains("mallory\\u{202e}", hostile.Output, StringComparison.Ordinal);
        JsonNode story = JsonNode.Parse((await RunAsync(
            "show", Paid.ToString(), "--folder", Folder, "--json")).Output)!;
        Assert.Equal(
            ["asked", "decided", "sent", "answered", "masked", "approval"],
            story["steps"]!.AsArray().Select(step => (string)step!["step"]!));
        Assert.Equal(1, await (await RunAsync("show", Guid.NewGuid().ToString(), "--folder", Folder)).End);
        Assert.Equal(2, await (await RunAsync("show", "x", "--folder", Folder)).End);
    }

    [Fact]
    public async Task Export_writes_what_other_tools_read()
    {
        // Proves NDJSON with indexes, and CEF whose header and extension are escaped as its specification says.
        CommandRun json = await RunAsync("export", Folder);
        Assert.Equal(["0", "1", "2", "3"], Lines(json.Output).Select(
            line => JsonNode.Parse(line)!["index"]!.ToString()));
        string file = Path.Combine(_root, "out.cef");
        Assert.Equal(0, await (await RunAsync("export", Folder, "--format", "cef", "--output", file)).End);
        string[] lines = await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken);
        Assert.Equal(4, lines.Length);
        Assert.All(lines, line => Assert.Matches(@"^CEF:0\|Countersign\|gateway\|[^|]+\|[^|]+\|[^|]+\|\d+\|rt=", line));
        Assert.Contains(@"|outcome|people.get denied|5|", lines[2], StringComparison.Ordinal);
        Assert.Contains(@"request=/a|b\=c\\d", lines[2], StringComparison.Ordinal);
        Assert.Contains(@"msg=No rule\nallows it.", lines[2], StringComparison.Ordinal);
        Assert.Contains("|glass-broken|glass-broken|8|", lines[3], StringComparison.Ordinal);
        Assert.Equal(2, await (await RunAsync("export", Folder, "--format", "xml")).End);
    }

    [Fact]
    public async Task Stats_count_each_call_once()
    {
        // Proves that intents are records but no calls of their own.
        JsonNode told = JsonNode.Parse((await RunAsync("stats", Folder, "--json")).Output)!;
        JsonNode verdicts = told["verdict"]!;
        Assert.Equal((4, 1, 1), ((int)told["records"]!, (int)verdicts["ok"]!, (int)verdicts["denied"]!));
        Assert.Equal(1, (int)told["function"]!["billing.refund"]!);
        Assert.Equal(2, (int)told["masked"]!);
        Assert.Contains("billing.refund", (await RunAsync("stats", Folder)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tail_follows_what_is_asked_for()
    {
        // Proves the last entries, and one that comes while it follows, and that others pass by.
        CommandRun last = await RunAsync("tail", Folder, "-n", "1", "--json");
        Assert.Contains("glass-broken", Assert.Single(Lines(last.Output)), StringComparison.Ordinal);
        using CommandRun follow = CommandRun.Start(
            AuditCommand.Create, new Dictionary<string, string>(), null,
            "tail", Folder, "-f", "-n", "0", "--verdict", "ok", "--json");
        AuditLogOptions options = new() { Folder = Folder, Origin = "countersign/test" };
        await using (AuditLog log = AuditLog.Open(options, TimeProvider.System).Log!)
        {
            await WriteAsync(log, record => new EventRecord { At = Noon, Event = "started" }.WriteTo(record));
            await WriteAsync(log, record => Call(CallRecordType.Outcome, Paid).WriteTo(record));
        }

        Assert.Contains(Paid.ToString(), await follow.NextAsync(), StringComparison.Ordinal);
        Assert.Equal(0, await follow.StopAsync());
    }

    [Fact]
    public async Task Tail_of_a_long_log_begins_where_it_ends()
    {
        // Proves that what comes is told from the start however long the log is, that the last that are asked for are
        // found far behind its end, and that a count below none is refused.
        AuditLogOptions options = new() { Folder = Folder, Origin = "countersign/test" };
        await using AuditLog log = AuditLog.Open(options, TimeProvider.System).Log!;
        for (int entry = 0; entry < 12_000; entry++)
            await WriteAsync(log, record => new EventRecord { At = Noon, Event = "started" }.WriteTo(record));
        Assert.Equal(2, await (await RunAsync("tail", Folder, "-n", "-5")).End);
        CommandRun far = await RunAsync("tail", Folder, "-n", "2", "--caller", "bot", "--json");
        Assert.Equal(
            ["intent", "outcome"], Lines(far.Output).Select(line => (string)JsonNode.Parse(line)!["type"]!));
        using CommandRun follow = CommandRun.Start(
            AuditCommand.Create, new Dictionary<string, string>(), null, "tail", Folder, "-f", "-n", "0", "--json");
        Task<string> first = follow.NextAsync();
        await Until.TrueAsync(async () =>
        {
            await WriteAsync(log, record => new EventRecord { At = Noon, Event = "stopping" }.WriteTo(record));
            return first.IsCompleted;
        });
        Assert.Contains("stopping", await first, StringComparison.Ordinal);
        Assert.Equal(0, await follow.StopAsync());
    }

    [Fact]
    public async Task A_witness_tells_its_key_and_a_file_may_hold_it()
    {
        // Proves that the key printed is the one that cosigns, and that verify takes it from a file as it does the
        // text; that a record's line names its call; and that what breaks glass is grave in CEF.
        Assert.Equal(1, await (await RunAsync("witness-key", Folder)).End);
        using CheckpointWitness witness = CheckpointWitness.Open(
            Folder + ".witness", "countersign-witness/test", _ => null, TimeProvider.System);
        string key = (await RunAsync("witness-key", Folder)).Output.Trim();
        Assert.Equal(witness.Key.ToString(), key);
        string file = Path.Combine(_root, "witness.key");
        await File.WriteAllTextAsync(file, key + "\n", TestContext.Current.CancellationToken);
        CommandRun unwitnessed = await RunAsync("verify", Folder, "--witness", file);
        Assert.Equal(Damaged, await unwitnessed.End);
        Assert.Contains("countersign-witness/test has not cosigned", unwitnessed.Output, StringComparison.Ordinal);
        Assert.Equal(2, await (await RunAsync("verify", Folder, "--witness", file + ".not")).End);
        Assert.Contains("call=" + Paid, (await RunAsync("search", Folder)).Output, StringComparison.Ordinal);
        Assert.Contains("|glass-broken|8|", (await RunAsync("export", Folder, "--format", "cef")).Output,
            StringComparison.Ordinal);
    }

    private static CallRecord Call(CallRecordType type, Guid call) => new(type)
    {
        Call = call, At = Noon, Gateway = "gw", Issuer = "https://i", Subject = "bot", Kind = "agent", Chain = ["ada"],
        Function = "billing.refund", Method = "POST"u8, Target = "/billing/7"u8, Risk = "high", Decision = "approve",
        Rule = "big-money", PolicyVersion = 3, Approval = "apr_1", Approvers = ["eve"], Verdict = "ok", Status = 200,
        Masked = 2, DurationMicroseconds = 1_000, RequestCopy = "{\"amount\":7}"u8,
    };

    private static string Receipt(AuditLog log, in CallRecord intent)
    {
        Assert.True(log.TryReserve(out AuditReservation slot));
        intent.WriteTo(slot.Intent);
        System.Buffers.ArrayBufferWriter<byte> text = new();
        log.WriteReceipt(slot.Intent, Paid, Noon, text);
        log.Return(slot);
        return System.Text.Encoding.ASCII.GetString(text.WrittenSpan);
    }

    private static Task<CommandRun> RunAsync(params string[] arguments) =>
        CommandRun.RunAsync(AuditCommand.Create, new Dictionary<string, string>(), arguments);

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static async Task WriteAsync(AuditLog log, Action<AuditRecord> write)
    {
        Assert.True(log.TryReserve(out AuditReservation slot));
        write(slot.Outcome);
        Assert.True(await log.CommitAsync(slot.Outcome));
        log.Return(slot);
    }
}
