using Countersign.Cli.Shipping;
using Countersign.Integration.Tests.EndToEnd;
using Countersign.Integration.Tests.Store;
using Xunit;

namespace Countersign.Integration.Tests.Shipping;

/// <summary>A shipping process that is killed, wherever it may be.</summary>
public sealed class KilledShipTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    [Fact]
    public async Task Three_destinations_hold_each_entry_once_whenever_the_process_was_killed()
    {
        // Proves with a real process, killed by SIGKILL after random times, for files, a stream and a table at once:
        // whatever lies between a write and its cursor, each ends with the log's entries once, in order.
        await using ShippedLog log = new();
        await using RedisStart redis = await RedisStart.StartAsync();
        string database = await server.DatabaseAsync(), archive = log.PathOf("archive");
        Dictionary<string, string> environment = new() { ["DATABASE"] = database, ["REDIS"] = redis.Connection };
        string[][] destinations =
        [
            ["--to", "files", "--output", archive], ["--to", "redis", "--connection", "env:REDIS"],
            ["--to", "postgres", "--connection", "env:DATABASE"],
        ];
        Random dice = new(7);
        for (int life = 0; life < 4; life++)
        {
            await log.CallAsync(2_000);
            foreach (string[] destination in destinations)
            {
                using CancellationTokenSource kill = new(TimeSpan.FromMilliseconds(dice.Next(300, 1_500)));
                await CountersignProcess.KillWhenAsync(
                    environment, kill.Token, ["audit", "ship", log.Folder, .. destination]);
            }
        }

        foreach (string[] destination in destinations)
        {
            CommandEnd end = await CountersignProcess.RunAsync(
                environment, ["audit", "ship", log.Folder, "--once", .. destination]);
            Assert.True(end.ExitCode == 0, end.Errors);
        }

        string[] truth = log.Truth();
        Assert.Equal(truth, await PostgresServer.ColumnAsync<string>(
            database, "SELECT encode(leaf, 'base64') FROM countersign.entries ORDER BY index"));
        Assert.Equal(truth, await redis.LeavesAsync(log.Identity()));
        Assert.Equal(truth, Directory.EnumerateFiles(archive).Order(StringComparer.Ordinal).SelectMany(File.ReadLines)
            .Select(line => System.Text.Json.Nodes.JsonNode.Parse(line)!["leaf"]!.ToString()));
        Assert.Equal(16_000, ShipCursor.Least(log.Folder, log.Identity(), ["files", "redis", "postgres"]));
    }

    private sealed class RedisStart : IAsyncDisposable
    {
        private readonly RedisServer _redis = new();

        internal string Connection => _redis.Connection;

        internal static async Task<RedisStart> StartAsync()
        {
            RedisStart start = new();
            await start._redis.InitializeAsync();
            return start;
        }

        internal async Task<string[]> LeavesAsync(LogIdentity log)
        {
            var found = await _redis.CommandAsync(
                "XRANGE", Policy.Redis.RedisAuditStream.KeyOf(log.Name), "-", "+");
            return [.. ((StackExchange.Redis.RedisResult[])found!).Select(entry => (string)entry[1][1]!)];
        }

        public ValueTask DisposeAsync() => _redis.DisposeAsync();
    }
}
