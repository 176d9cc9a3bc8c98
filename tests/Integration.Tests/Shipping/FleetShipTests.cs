using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.Cli.Audit;
using Countersign.Cli.Shipping;
using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Shipping;

/// <summary>Gateways that ship by themselves, and a search over all of them.</summary>
public sealed class FleetShipTests(PostgresServer server) : IClassFixture<PostgresServer>, IAsyncLifetime
{
    private readonly AttackWorld _world = new();
    private readonly string _root = Directory.CreateTempSubdirectory("countersign-fleet-ship-").FullName;

    public ValueTask InitializeAsync() => _world.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task Calls_of_two_gateways_are_found_in_one_place()
    {
        // Proves on real processes, a real Redis and a real PostgreSQL that each gateway ships its own log to a table,
        // a stream and files; that one search finds the calls of both; that metrics and status say that nothing waits;
        // and that a gateway that was killed while the database was gone, and started again, has shipped each entry
        // once in the end.
        string database = await server.DatabaseAsync(), secret = Path.Combine(_root, "database");
        await File.WriteAllTextAsync(secret, database + "\n", TestContext.Current.CancellationToken);
        (string Name, string Value)[] ship =
        [
            ("AUDIT__SHIP__0__TO", "postgres"), ("AUDIT__SHIP__0__CONNECTION", "file:" + secret),
            ("AUDIT__SHIP__1__TO", "redis"), ("AUDIT__SHIP__1__LENGTHMAX", "5000"),
            ("AUDIT__SHIP__2__TO", "files"), ("AUDIT__SHIP__2__NAME", "archive"),
            ("AUDIT__SHIP__2__FOLDER", Path.Combine(_root, "archive")),
        ];
        (CountersignProcess one, GatewayClient first) = await _world.StartAsync("one", _world.Redis, ship);
        (CountersignProcess other, GatewayClient second) = await _world.StartAsync("other", _world.Redis, ship);
        Assert.Equal(200, (await first.CallAsync("alice", "GET", "/people/1")).Status);
        Assert.Equal(200, (await second.CallAsync("alice", "GET", "/people/2")).Status);
        await Until.TrueAsync(async () => (await SearchAsync(database, "--verdict", "ok")).Length >= 2);
        JsonNode[] found = await SearchAsync(database, "--function", "people.get", "--verdict", "ok");
        Assert.Equal(["countersign/one", "countersign/other"], found.Select(entry => (string)entry["log"]!).Order());
        Assert.Equal(["/people/1", "/people/2"], found.Select(entry => (string)entry["target"]!).Order());
        await Until.TrueAsync(async () => (await first.GetAsync(first.Control + "/metrics")).Text.Contains(
            "countersign_audit_ship_lag{destination=\"postgres\"} 0", StringComparison.Ordinal));

        await server.StopAsync();
        await first.CallAsync("alice", "GET", "/people/3");
        await one.KillAsync();
        await server.StartAsync();
        (one, first) = await _world.StartAsync("one", _world.Redis, ship);
        await first.CallAsync("alice", "GET", "/people/4");
        await Until.TrueAsync(async () =>
            (await SearchAsync(database, "--text", "/people/4", "--verdict", "ok")).Length == 1);
        await one.StopAsync();
        await other.StopAsync();
        foreach (CountersignProcess process in new[] { one, other })
        {
            string folder = process.Ready["audit"]!.ToString();
            CommandRun rest = await CommandRun.RunAsync(
                AuditCommand.Create, new Dictionary<string, string> { ["DATABASE"] = database }, "ship", folder,
                "--once", "--to", "postgres", "--connection", "env:DATABASE", "--json");
            JsonNode status = JsonNode.Parse(rest.Output)!.AsArray().Single(
                item => (string?)item!["destination"] == "postgres")!;
            Assert.Equal((0, "ok"), ((int)status["lag"]!, (string)status["state"]!));
            LogIdentity log = LogIdentity.Read(folder)!;
            string[] truth = [.. AuditReader.Between(folder, 0, (long)status["signed"]!).Select(
                entry => Convert.ToBase64String(LogIdentity.Leaf(entry.Payload.Span)))];
            Assert.Equal(truth, await PostgresServer.ColumnAsync<string>(
                database,
                "SELECT encode(leaf, 'base64') FROM countersign.entries JOIN countersign.logs USING (log) "
                + $"WHERE origin = '{log.Origin}' ORDER BY index"));
        }
    }

    private static async Task<JsonNode[]> SearchAsync(string database, params string[] options)
    {
        CommandRun run = await CommandRun.RunAsync(
            AuditCommand.Create, new Dictionary<string, string> { ["DATABASE"] = database },
            ["search", "--postgres", "env:DATABASE", "--json", .. options]);
        return [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(
            line => JsonNode.Parse(line)!)];
    }
}
