using System.Text;
using Countersign.Audit;
using Countersign.Cli.Audit;
using Countersign.Integration.Tests.EndToEnd;
using Countersign.Integration.Tests.Policies;
using Xunit;

namespace Countersign.Integration.Tests.Audit;

/// <summary>The published schema of the log's records, and the records that a gateway writes.</summary>
public sealed class AuditSchemaTests : IDisposable
{
    private const string SchemaFile = "audit-record.schema.json";

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-records-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_command_prints_the_published_schema()
    {
        // Proves that the command and the repository say the same.
        using CommandRun run = await CommandRun.RunAsync(
            AuditCommand.Create, new Dictionary<string, string>(), "schema");
        Assert.Equal(await File.ReadAllTextAsync(
            JsonSchemaCheck.PathOf(SchemaFile), TestContext.Current.CancellationToken), run.Output);
    }

    [Fact]
    public async Task Records_keep_to_the_schema_and_others_do_not()
    {
        // Proves with every field set, with none, with a closed call and with an event that what is written keeps to
        // the schema, and that what it does not know, leaves out or misspells is refused.
        List<string> files = [];
        foreach (string text in await RecordsAsync()) files.Add(Write(files.Count, text));
        string sound = await File.ReadAllTextAsync(files[0], TestContext.Current.CancellationToken);
        int good = files.Count;
        (string Part, string Other)[] bad =
        [
            ("\"v\":1", "\"v\":2"), ("\"type\":\"outcome\"", "\"type\":\"outcomes\""), ("\"call\"", "\"callid\""),
            ("\"decision\":\"approve\"", "\"decision\":\"maybe\""), ("sha256:", "sha1:"), ("\"masked\":2", "\"x\":2"),
            ("\"kind\":\"agent\"", "\"kind\":\"robot\""), (".054Z", "Z"),
        ];
        foreach ((string part, string other) in bad)
        {
            string text = sound.Replace(part, other, StringComparison.Ordinal);
            Assert.NotEqual(sound, text);
            files.Add(Write(files.Count, text));
        }

        string[] said = await JsonSchemaCheck.RunAsync(SchemaFile, files);
        Assert.All(said[..good], line => Assert.Equal("valid", line));
        Assert.All(said[good..], line => Assert.NotEqual("valid", line));
    }

    [Fact]
    public async Task A_gateway_writes_what_the_schema_says()
    {
        // Proves the same of a gateway's own log: its start and configuration, calls of every decision, an approval,
        // its stop.
        await using AttackWorld world = new();
        await world.InitializeAsync();
        (CountersignProcess process, GatewayClient client) = await world.StartAsync("told", world.Redis);
        Answer asked = await client.AskApprovedAsync("alice", "/billing/acme/refunds", "{\"a\":1}", "carol");
        await client.CallAsync(
            "alice", "POST", "/billing/acme/refunds", "{\"a\":1}", ("Countersign-Approval", asked["approval"]));
        await client.CallAsync("alice", "GET", "/nowhere");
        await client.CallAsync("", "GET", "/nowhere");
        string folder = process.Ready["audit"]!.ToString();
        await process.StopAsync();
        List<string> files = [], texts = [];
        using (AuditReader reader = new(folder))
        {
            while (reader.Read(out AuditEntry entry) == AuditReadStatus.Entry)
            {
                texts.Add(Encoding.UTF8.GetString(entry.Payload.Span));
                files.Add(Write(files.Count, texts[^1]));
            }
        }

        Assert.All(await JsonSchemaCheck.RunAsync(SchemaFile, files), line => Assert.Equal("valid", line));
        string[] told = ["configuration", "started", "approval-decision", "approval-decided", "stopping"];
        Assert.All(told, name => Assert.Contains(texts, text =>
            text.Contains("\"event\":\"" + name + "\"", StringComparison.Ordinal)));
        Assert.Contains(texts, text => text.Contains("\"request_copy\":\"{\\\"a\\\":1}\"", StringComparison.Ordinal));
    }

    private string Write(int number, string text)
    {
        string file = Path.Combine(_folder, $"{number}.json");
        File.WriteAllText(file, text);
        return file;
    }

    private async Task<List<string>> RecordsAsync()
    {
        AuditLogOptions options = new() { Folder = Path.Combine(_folder, "log"), Origin = "countersign/test" };
        await using (AuditLog log = AuditLog.Open(options, TimeProvider.System).Log!)
        {
            await AppendAsync(log, record => Whole(CallRecordType.Outcome).WriteTo(record));
            await AppendAsync(log, record => Whole(CallRecordType.Intent).WriteTo(record));
            await AppendAsync(log, record => new CallRecord(CallRecordType.Outcome)
            {
                Call = Guid.CreateVersion7(), At = DateTimeOffset.UnixEpoch,
            }.WriteTo(record));
            await AppendAsync(log, record => new EventRecord
            {
                At = DateTimeOffset.UnixEpoch, Gateway = "gw", Event = "policy-published", ActorIssuer = "https://i",
                ActorSubject = "eve", ActorKind = "human", Subject = "policy 7", Detail = new string('x', 9_000),
            }.WriteTo(record));
        }

        AuditLogOpening opening = AuditLog.Open(options, TimeProvider.System);
        await using (AuditLog log = opening.Log!)
        {
            Assert.Equal(1, await InterruptedCalls.CloseAsync(log, opening.Interrupted, "gw", TimeProvider.System));
        }

        return [.. AuditReader.Between(options.Folder, 0, 100).Select(
            entry => Encoding.UTF8.GetString(entry.Payload.Span))];
    }

    private static CallRecord Whole(CallRecordType type) => new(type)
    {
        Call = Guid.CreateVersion7(), At = new DateTimeOffset(2026, 3, 9, 8, 7, 6, 54, TimeSpan.Zero),
        Gateway = "gw-1", Issuer = "https://issuer.test", Subject = "bot", Kind = "agent", Groups = ["agents"],
        Chain = ["ada"], Function = "billing.refund", Method = "POST"u8, Target = "/billing/7"u8, Risk = "high",
        Decision = "approve", Rule = "big-money", Enforced = "allow", PolicyVersion = 12, Digest = new byte[32],
        Approval = "apr_1", Approvers = ["eve"], RequestBytes = 3, Verdict = "ok", Status = 200, UpstreamStatus = 200,
        ResponseBytes = 5, ResponseDigest = new byte[32], Masked = 2, Credential = "c", DurationMicroseconds = 5,
        Detail = "d", RequestDigest = new byte[32], RequestCopy = "{}"u8, ResponseCopy = "{}"u8,
        IsRequestCopyCut = true, RequestCopyWithheld = "why", ResponseCopyWithheld = "why",
    };

    private static async Task AppendAsync(AuditLog log, Action<AuditRecord> write)
    {
        Assert.True(log.TryReserve(out AuditReservation slot));
        write(slot.Outcome);
        Assert.True(await log.CommitAsync(slot.Outcome));
        log.Return(slot);
    }
}
