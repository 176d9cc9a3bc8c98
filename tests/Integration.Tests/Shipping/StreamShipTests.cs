using Countersign.Cli.Audit;
using Countersign.Cli.Configuration;
using Countersign.Cli.Shipping;
using Countersign.Integration.Tests.EndToEnd;
using Countersign.Integration.Tests.Store;
using Countersign.Policy.Redis;
using Xunit;

namespace Countersign.Integration.Tests.Shipping;

/// <summary>From streams on to PostgreSQL, by <c>audit ship --from-stream</c>.</summary>
public sealed class StreamShipTests(PostgresServer server) : IClassFixture<PostgresServer>, IAsyncLifetime
{
    private const string Leaves = """
        SELECT encode(leaf, 'base64') FROM countersign.entries JOIN countersign.logs USING (log) ORDER BY origin, index
        """;

    private readonly RedisServer _redis = new();

    public ValueTask InitializeAsync() => _redis.InitializeAsync();

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Entries_of_two_logs_go_through_bounded_streams_once()
    {
        // Proves that two logs, each larger than its stream may be, arrive whole, each entry once in order, while they
        // are shipped into the streams; that entries which a consumer took and never acknowledged are carried too; that
        // a second run has nothing to do; and that everything in the streams is acknowledged in the end.
        await using ShippedLog one = new("countersign/a"), other = new("countersign/b");
        string database = await server.DatabaseAsync();
        await one.CallAsync(1_300);
        await other.CallAsync(900);
        await using AuditShipper first = ToStream(one), second = ToStream(other);
        for (int step = 0; step < 3; step++)
        {
            await first.StepAsync(TestContext.Current.CancellationToken);
            await second.StepAsync(TestContext.Current.CancellationToken);
        }

        Assert.True(first.Lag > 0);
        string key = RedisAuditStream.KeyOf(one.Identity().Name);
        await _redis.CommandAsync("XGROUP", "CREATE", key, "postgres", "0");
        await _redis.CommandAsync("XREADGROUP", "GROUP", "postgres", "test", "COUNT", 70, "STREAMS", key, ">");
        using CancellationTokenSource stop = new();
        Task shipping = Task.WhenAll(first.RunAsync(false, stop.Token), second.RunAsync(false, stop.Token));
        await Until.TrueAsync(async () =>
        {
            Assert.Equal(0, await (await CarryAsync(database)).End);
            return first.Lag == 0 && second.Lag == 0;
        });
        await CarryAsync(database);
        await stop.CancelAsync();
        await shipping;
        Assert.Equal([.. one.Truth(), .. other.Truth()], await PostgresServer.ColumnAsync<string>(database, Leaves));
        CommandRun idle = await CarryAsync(database);
        Assert.StartsWith("0 entries shipped, 0 missing", idle.Output, StringComparison.Ordinal);
        Assert.Equal(0, (int)(await _redis.CommandAsync("XPENDING", key, "postgres"))[0]);
    }

    [Fact]
    public async Task Where_and_what_is_said_by_reference()
    {
        // Proves that a connection string on the command line is refused without being repeated, and every other kind
        // of destination too.
        foreach (string[] arguments in new[]
        {
            new[] { "--from-stream", "tell-nobody@1", "--to", "postgres", "--connection", "env:DATABASE" },
            ["--from-stream", "env:REDIS", "--to", "postgres", "--connection", "Password=tell-nobody"],
            ["--from-stream", "env:REDIS", "--to", "files", "--output", "x"],
            ["--from-stream", "env:ABSENT", "--to", "postgres", "--connection", "env:DATABASE"],
        })
        {
            CommandRun run = await CommandRun.RunAsync(
                AuditCommand.Create, new Dictionary<string, string> { ["REDIS"] = _redis.Connection },
                ["ship", .. arguments]);
            Assert.Equal(2, await run.End);
            Assert.DoesNotContain("tell-nobody", run.Errors, StringComparison.Ordinal);
        }
    }

    private AuditShipper ToStream(ShippedLog log) => log.Shipper(
        new ShipSetting
        {
            Place = "test", Name = "stream", Kind = ShipKind.Redis, Connection = new SecretReference(null, "REDIS"),
            LengthMax = 1_000,
        },
        ("REDIS", _redis.Connection));

    private Task<CommandRun> CarryAsync(string database) => CommandRun.RunAsync(
        AuditCommand.Create,
        new Dictionary<string, string> { ["REDIS"] = _redis.Connection, ["DATABASE"] = database },
        "ship", "--from-stream", "env:REDIS", "--to", "postgres", "--connection", "env:DATABASE", "--once");
}
