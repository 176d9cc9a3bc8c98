using System.Text;
using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.Cli.Audit;
using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Audit;

/// <summary>Gateways that witness each other's logs, over the store and over HTTP, and what comes of a forged past.
/// </summary>
public sealed class WitnessedFleetTests : IAsyncLifetime
{
    private readonly AttackWorld _world = new();

    public ValueTask InitializeAsync() => _world.InitializeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_fleet_cosigns_its_logs_and_finds_one_that_was_rolled_back()
    {
        // Proves first that the others cosign what a gateway signs, verifiably and how far, from its folder alone. Then
        // an old copy of the folder is put back under a stopped gateway: it verifies alone, but the next start is
        // alarmed, not ready, refuses high-risk calls before anybody is asked, goes on with others, and the others say
        // so too.
        _world.Upstream.Release();
        (CountersignProcess process, GatewayClient client) = await _world.StartAsync("doomed", _world.Redis);
        string folder = process.Ready["audit"]!.ToString();
        JsonNode chain = await WitnessedAsync(client);
        string witness = chain["witnesses"]![0]!["key"]!.ToString();
        Assert.Equal("fleet", (string?)chain["witnesses"]![0]!["through"]);
        await process.StopAsync();
        string old = folder + ".old";
        Copy(folder, old);
        CommandRun verified = await RunAsync("verify", folder, "--witness", witness, "--json");
        JsonNode told = JsonNode.Parse(verified.Output)!;
        Assert.True((bool)told["ok"]!, verified.Output);
        Assert.InRange((long)told["witnesses"]![0]!["size"]!, 1, (long)chain["signed"]! + 1);
        CommandRun said = await RunAsync("verify", folder, "--witness", witness);
        Assert.Contains(" cosigned the first ", said.Output, StringComparison.Ordinal);

        (process, client) = await _world.StartAsync("doomed", _world.Redis);
        long size = (long)(await ChainAsync(client))["signed"]!;
        for (int call = 0; call < 5; call++) await client.CallAsync("alice", "GET", "/people/1");
        await WitnessedAsync(client, size + 5);
        await process.StopAsync();
        Directory.Delete(folder, recursive: true);
        Copy(old, folder);
        Assert.True(AuditVerifier.Verify(folder).IsOk);

        (_, client) = await _world.StartAsync("doomed", _world.Redis);
        await Until.TrueAsync(
            async () => (await client.GetAsync(client.Control + "/health/ready"))["audit"] == "doubted");
        Answer refused = await client.CallAsync("alice", "POST", "/attack/1");
        Assert.Equal((503, "audit-unavailable"), (refused.Status, refused.Problem));
        Assert.Equal(200, (await client.CallAsync("alice", "GET", "/people/1")).Status);
        Assert.Contains("countersign_audit_doubted 1",
            (await client.GetAsync(client.Control + "/metrics")).Text, StringComparison.Ordinal);
        await Until.TrueAsync(async () =>
        {
            JsonArray nodes = (await _world.A.ControlAsync("olga", "GET", "/api/v1/nodes")).Body["items"]!.AsArray();
            return nodes.Any(node => Alarms(node!).Contains("audit-rolled-back"))
                && nodes.Any(node => (string?)node!["name"] != "doomed" && Alarms(node!).Contains("audit-conflict"));
        });
    }

    [Fact]
    public async Task A_fleet_and_an_http_witness_follow_a_new_key()
    {
        // Proves that a gateway whose key was changed is cosigned on by those who knew the old key, without a word of
        // configuration, and that nobody is alarmed.
        using CheckpointWitness witness = CheckpointWitness.Open(
            Directory.CreateTempSubdirectory("countersign-witness-").FullName, "witness.example/w1", _ => null,
            TimeProvider.System);
        await using WitnessServer server = await WitnessServer.StartAsync(witness);
        (string, string)[] settings =
        [
            ("AUDIT__WITNESSES__0__KEY", witness.Key.ToString()), ("AUDIT__WITNESSES__0__URL", server.Address),
        ];
        _world.Upstream.Release();
        (CountersignProcess process, GatewayClient client) = await _world.StartAsync("turned", _world.Redis, settings);
        string folder = process.Ready["audit"]!.ToString(), file = Path.Combine(folder, "log.vkey");
        string old = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        Assert.True(AuditKey.TryParse(old, out AuditKey? first));
        server.Log = first;
        await WitnessedAsync(client, 1, all: true);
        await process.StopAsync();
        JsonNode turned = JsonNode.Parse((await RunAsync("rotate-key", folder, "--json")).Output)!;
        Assert.True((bool)turned["done"]!, turned.ToString());

        (_, client) = await _world.StartAsync("turned", _world.Redis, settings);
        JsonNode chain = await WitnessedAsync(client, (long)turned["size"]! + 2, all: true);
        Assert.Equal((string?)turned["new"], (string?)chain["key"]);
        Assert.Equal(old.Trim(), (string?)Assert.Single(chain["handovers"]!.AsArray())!["from"]);
        Assert.Null(chain["doubt"]);
        Assert.DoesNotContain((await NodesAsync()).SelectMany(node => Alarms(node!)), alarm => alarm.StartsWith(
            "audit", StringComparison.Ordinal));
        Assert.True(AuditVerifier.TryReadWitnessed(folder, witness.Key, out AuditCheckpoint? cosigned));
        Assert.True(cosigned!.Size > (long)turned["size"]!);
    }

    [Fact]
    public async Task Without_its_quorum_a_gateway_makes_no_high_risk_call()
    {
        // Proves that a gateway that requires a witness refuses high-risk calls until that one has cosigned, says so
        // where it is looked for, goes on with others meanwhile, and makes them afterwards.
        using CheckpointWitness witness = CheckpointWitness.Open(
            Directory.CreateTempSubdirectory("countersign-witness-").FullName, "witness.example/w1", _ => null,
            TimeProvider.System);
        await using WitnessServer server = await WitnessServer.StartAsync(witness);
        _world.Upstream.Release();
        (CountersignProcess process, GatewayClient client) = await _world.StartAsync(
            "quorate", _world.Redis, ("AUDIT__FLEETWITNESSES", "false"), ("AUDIT__WITNESSQUORUM", "1"),
            ("AUDIT__WITNESSES__0__KEY", witness.Key.ToString()), ("AUDIT__WITNESSES__0__URL", server.Address));
        Answer refused = await client.CallAsync("alice", "POST", "/attack/1");
        Assert.Equal((503, "audit-unavailable"), (refused.Status, refused.Problem));
        Assert.Equal(200, (await client.CallAsync("alice", "GET", "/people/1")).Status);
        Answer ready = await client.GetAsync(client.Control + "/health/ready");
        Assert.Equal((200, "unwitnessed"), (ready.Status, ready["audit"]));
        await Until.TrueAsync(async () => (await NodesAsync()).Any(
            node => (string?)node!["name"] == "quorate" && Alarms(node!).Contains("audit-unwitnessed")));
        Assert.StartsWith("0 of 1 ", (string?)(await ChainAsync(client))["unwitnessed"], StringComparison.Ordinal);
        Assert.Contains("countersign_audit_quorum_missed 1",
            (await client.GetAsync(client.Control + "/metrics")).Text, StringComparison.Ordinal);

        Assert.True(AuditKey.TryParse(await File.ReadAllTextAsync(
            Path.Combine(process.Ready["audit"]!.ToString(), "log.vkey"), TestContext.Current.CancellationToken),
            out AuditKey? log));
        server.Log = log;
        await Until.TrueAsync(
            async () => (await client.GetAsync(client.Control + "/health/ready"))["audit"] == "ok");
        Answer made = await client.CallAsync("alice", "POST", "/attack/1");
        Assert.NotEqual("audit-unavailable", made.Problem);
        Assert.Null((await ChainAsync(client))["unwitnessed"]);
    }

    [Fact]
    public async Task A_fork_is_seen_by_the_witness_and_ends_high_risk_calls()
    {
        // Proves what a stolen key and the folder allow: one log, grown in two ways. The witness has cosigned the
        // first; the second is longer and verifies alone, is refused, and its gateway is alarmed and makes no
        // high-risk call.
        using CheckpointWitness witness = CheckpointWitness.Open(
            Directory.CreateTempSubdirectory("countersign-witness-").FullName, "witness.example/w1", _ => null,
            TimeProvider.System);
        await using WitnessServer server = await WitnessServer.StartAsync(witness);
        (string, string)[] settings =
        [
            ("AUDIT__FLEETWITNESSES", "false"), ("AUDIT__WITNESSES__0__KEY", witness.Key.ToString()),
            ("AUDIT__WITNESSES__0__URL", server.Address),
        ];
        _world.Upstream.Release();
        (CountersignProcess process, GatewayClient client) = await _world.StartAsync("forked", _world.Redis, settings);
        string folder = process.Ready["audit"]!.ToString();
        await process.StopAsync();
        Copy(folder, folder + ".old");
        Assert.True(AuditKey.TryParse(await File.ReadAllTextAsync(
            Path.Combine(folder, "log.vkey"), TestContext.Current.CancellationToken), out AuditKey? log));
        server.Log = log;
        (process, client) = await _world.StartAsync("forked", _world.Redis, settings);
        for (int call = 0; call < 5; call++) await client.CallAsync("alice", "GET", "/people/1");
        long seen = (long)(await WitnessedAsync(client))["witnesses"]![0]!["size"]!;
        await process.StopAsync();
        byte[] honest = witness.Latest(log!).ToArray();

        Directory.Delete(folder, recursive: true);
        Copy(folder + ".old", folder);
        await GrowAsync(folder, "forked", seen + 50);
        Assert.True(AuditVerifier.Verify(folder, trustedKey: log!.ToString()).IsOk);
        Assert.Equal(AuditDamageKind.ForkedFromKnown, AuditVerifier.Verify(folder, known: honest).Kind);
        (_, client) = await _world.StartAsync("forked", _world.Redis, settings);
        await Until.TrueAsync(
            async () => (await client.GetAsync(client.Control + "/health/ready"))["audit"] == "doubted");
        Answer refused = await client.CallAsync("alice", "POST", "/attack/1");
        Assert.Equal((503, "audit-unavailable"), (refused.Status, refused.Problem));
        await Until.TrueAsync(async () => (await NodesAsync()).Any(
            node => (string?)node!["name"] == "forked" && Alarms(node!).Contains("audit-forked")));
        Assert.StartsWith(
            Encoding.UTF8.GetString(honest).Split("\n\n")[0], Encoding.UTF8.GetString(witness.Latest(log).Span),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_witness_answers_over_http()
    {
        // Proves a gateway as an HTTP witness of a log that is not of its fleet: configured by its key, it cosigns what
        // another gateway, with another store, sends it; and knows no other log.
        string folder = Directory.CreateTempSubdirectory("countersign-foreign-").FullName;
        try
        {
            AuditLogOptions options = new() { Folder = folder, Origin = "countersign/foreign" };
            string log;
            await using (AuditLog made = AuditLog.Open(options, TimeProvider.System).Log!) log = made.Key.ToString();
            (_, GatewayClient client) = await _world.StartAsync(
                "witness", _world.Redis, ("AUDIT__WITNESSFOR__0", log));
            byte[] note = await File.ReadAllBytesAsync(
                Path.Combine(folder, "checkpoint"), TestContext.Current.CancellationToken);
            using HttpClient http = new();
            using HttpResponseMessage answer = await http.PostAsync(
                client.Control + "/witness/add-checkpoint",
                new ByteArrayContent(new WitnessRequest(0, [], note).Write()), TestContext.Current.CancellationToken);
            Assert.Equal(200, (int)answer.StatusCode);
            string line = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.StartsWith("\u2014 countersign-witness/witness ", line, StringComparison.Ordinal);
            string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(
                Encoding.UTF8.GetBytes(options.Origin)));
            Answer kept = await client.GetAsync($"{client.Control}/witness/{hash}/checkpoint");
            Assert.EndsWith(line, kept.Text, StringComparison.Ordinal);
            byte[] other = Encoding.UTF8.GetBytes(
                Encoding.UTF8.GetString(note).Replace("foreign\n", "others\n", StringComparison.Ordinal));
            using HttpResponseMessage unknown = await http.PostAsync(
                client.Control + "/witness/add-checkpoint",
                new ByteArrayContent(new WitnessRequest(0, [], other).Write()), TestContext.Current.CancellationToken);
            Assert.Equal(404, (int)unknown.StatusCode);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_gateway_as_http_witness_is_alarmed_by_a_past_that_was_changed(bool isForked)
    {
        // Proves that the witness itself says so, whatever the other gateway does: in its chain, as alarm and as event;
        // for an older copy that was put back and for a longer log that a stolen key signed.
        _world.Upstream.Release();
        (CountersignProcess process, GatewayClient client) = await _world.StartAsync("seen", _world.Redis);
        string folder = process.Ready["audit"]!.ToString(), old = folder + ".old";
        string log = (await File.ReadAllTextAsync(
            Path.Combine(folder, "log.vkey"), TestContext.Current.CancellationToken)).Trim();
        await process.StopAsync();
        Copy(folder, old);
        (CountersignProcess seeing, GatewayClient witness) = await _world.StartAsync(
            "seeing", _world.Redis, ("AUDIT__FLEETWITNESSES", "false"), ("AUDIT__WITNESSFOR__0", log));
        string key = (await RunAsync("witness-key", seeing.Ready["audit"]!.ToString())).Output.Trim();
        Assert.Equal(key, (string?)(await ChainAsync(witness))["witness_key"]);
        (string, string)[] settings =
        [
            ("AUDIT__FLEETWITNESSES", "false"), ("AUDIT__WITNESSES__0__KEY", key),
            ("AUDIT__WITNESSES__0__URL", witness.Control + "/witness/"),
        ];
        (process, client) = await _world.StartAsync("seen", _world.Redis, settings);
        for (int call = 0; call < 9; call++) await client.CallAsync("alice", "GET", "/people/1");
        long seen = (long)(await WitnessedAsync(client, 20))["witnesses"]![0]!["size"]!;
        await process.StopAsync();
        Assert.Empty((await ChainAsync(witness))["conflicts"]!.AsObject());

        Directory.Delete(folder, recursive: true);
        Copy(old, folder);
        if (isForked) await GrowAsync(folder, "seen", seen + 50);
        await _world.StartAsync("seen", _world.Redis, settings);
        JsonObject conflicts = [];
        await Until.TrueAsync(async () =>
        {
            conflicts = (await ChainAsync(witness))["conflicts"]!.AsObject();
            return conflicts.Count > 0;
        });
        Assert.Contains(
            isForked ? "that do not begin with the" : "were seen before", (string?)conflicts["countersign/seen"],
            StringComparison.Ordinal);
        await Until.TrueAsync(async () => (await NodesAsync()).Any(
            node => (string?)node!["name"] == "seeing" && Alarms(node!).Contains("audit-conflict")));
        JsonNode told = (await witness.ControlAsync("olga", "GET", "/api/v1/audit/calls?event=audit-conflict")).Body;
        Assert.Equal(
            "countersign/seen", (string?)Assert.Single(told["items"]!.AsArray())!["subject"]);
    }

    [Fact]
    public async Task A_gateway_asks_its_http_witness()
    {
        // Proves the other side: a gateway that is configured with a witness's key and address has its head cosigned
        // there, and keeps the cosignature beside its log.
        using CheckpointWitness witness = CheckpointWitness.Open(
            Directory.CreateTempSubdirectory("countersign-witness-").FullName, "witness.example/w1", _ => null,
            TimeProvider.System);
        await using WitnessServer server = await WitnessServer.StartAsync(witness);
        (CountersignProcess process, GatewayClient client) = await _world.StartAsync(
            "watched", _world.Redis, ("AUDIT__FLEETWITNESSES", "false"),
            ("AUDIT__WITNESSES__0__KEY", witness.Key.ToString()), ("AUDIT__WITNESSES__0__URL", server.Address));
        string folder = process.Ready["audit"]!.ToString();
        Assert.True(AuditKey.TryParse(await File.ReadAllTextAsync(
            Path.Combine(folder, "log.vkey"), TestContext.Current.CancellationToken), out AuditKey? log));
        server.Log = log;
        JsonNode chain = await WitnessedAsync(client);
        Assert.Equal(server.Address, (string?)chain["witnesses"]![0]!["through"]);
        Assert.True(AuditVerifier.TryReadWitnessed(folder, witness.Key, out AuditCheckpoint? cosigned));
        Assert.True(cosigned!.Size > 0);
    }

    private static string[] Alarms(JsonNode node) =>
        [.. node["alarms"]!.AsArray().Select(alarm => alarm!.ToString())];

    private async Task<JsonArray> NodesAsync() =>
        (await _world.A.ControlAsync("olga", "GET", "/api/v1/nodes")).Body["items"]!.AsArray();

    // By somebody who has the folder and the seed in it.
    private static async Task GrowAsync(string folder, string name, long until)
    {
        AuditLogOptions options = new() { Folder = folder, Origin = "countersign/" + name };
        await using AuditLog log = AuditLog.Open(options, TimeProvider.System).Log!;
        while (log.Size < until)
        {
            if (!log.TryReserve(out AuditReservation slot)) continue;
            new EventRecord { At = DateTimeOffset.UnixEpoch, Event = "forged" }.WriteTo(slot.Outcome);
            Assert.True(await log.CommitAsync(slot.Outcome));
            log.Return(slot);
        }
    }

    private static async Task<JsonNode> ChainAsync(GatewayClient client) =>
        (await client.ControlAsync("olga", "GET", "/api/v1/audit/chain")).Body;

    private static async Task<JsonNode> WitnessedAsync(
        GatewayClient client, long least = 1, bool all = false)
    {
        JsonNode chain = await ChainAsync(client);
        await Until.TrueAsync(async () =>
        {
            chain = await ChainAsync(client);
            JsonArray told = chain["witnesses"]!.AsArray();
            int count = told.Count(one => (long)one!["size"]! >= least);
            return count > 0 && (!all || (count == told.Count && count > 1));
        });
        return chain;
    }

    private static Task<CommandRun> RunAsync(params string[] arguments) =>
        CommandRun.RunAsync(AuditCommand.Create, new Dictionary<string, string>(), arguments);

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
