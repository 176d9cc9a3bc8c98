using Countersign.Audit;
using Countersign.Cli.Audit;
using Countersign.Cli.Configuration;
using Countersign.Cli.Shipping;
using Countersign.Integration.Tests.EndToEnd;
using Npgsql;
using Xunit;

namespace Countersign.Integration.Tests.Shipping;

/// <summary>Shipping to a real PostgreSQL.</summary>
public sealed class PostgresShipTests(PostgresServer server) : IClassFixture<PostgresServer>, IAsyncLifetime
{
    private const string Variable = "AUDIT_DATABASE";
    private const string Leaves = "SELECT encode(leaf, 'base64') FROM countersign.entries ORDER BY log, index";

    private readonly ShippedLog _log = new();
    private string _database = "";

    public async ValueTask InitializeAsync() => _database = await server.DatabaseAsync();

    public ValueTask DisposeAsync() => _log.DisposeAsync();

    [Fact]
    public async Task A_table_holds_each_entry_once_over_outages_and_lost_cursors()
    {
        // Proves that a lost cursor repeats nothing, that a server that is ended in the middle of shipping and comes
        // back gets the rest by itself, and that one that was restored from before gets what it lost.
        await _log.CallAsync(700);
        await using (AuditShipper shipper = Shipper()) await ShippedLog.DrainAsync(shipper);
        File.Delete(Path.Combine(ShipCursor.FolderOf(_log.Folder), "there.json"));
        await _log.CallAsync(100);
        await using (AuditShipper shipper = Shipper())
        {
            await ShippedLog.DrainAsync(shipper);
            Assert.Equal(200, shipper.Progress.Shipped);
            using CancellationTokenSource stop = new();
            Task running = shipper.RunAsync(false, stop.Token);
            await server.StopAsync();
            await _log.CallAsync(1_500);
            await Until.TrueAsync(() => Task.FromResult(shipper.Progress.Status == ShipStatus.Away));
            await server.StartAsync();
            await Until.TrueAsync(() => Task.FromResult(shipper.Lag == 0));
            await stop.CancelAsync();
            await running;
        }

        Assert.Equal(_log.Truth(), await PostgresServer.ColumnAsync<string>(_database, Leaves));
        await PostgresServer.RunAsync(_database, "DELETE FROM countersign.entries WHERE index >= 1000");
        await using (AuditShipper shipper = Shipper()) await ShippedLog.DrainAsync(shipper);
        Assert.Equal(_log.Truth(), await PostgresServer.ColumnAsync<string>(_database, Leaves));
    }

    [Fact]
    public async Task A_batch_that_was_written_before_adds_nothing_and_another_under_its_numbers_is_refused()
    {
        // Proves on the destination itself, without its memory of where it is, that a repeat is taken and that an entry
        // with another hash is a contradiction that changes nothing.
        await _log.CallAsync(10);
        await using PostgresDestination destination = new(PostgresConnection.TryMake(_database)!);
        using ShipSource source = new(_log.Folder, false, () => 20);
        ShipBatch batch = new(_log.Identity(), 0, source.Read(0));
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Assert.Equal(ShipStatus.Taken, (await destination.OpenAsync(_log.Identity(), cancellation)).Status);
        for (int times = 0; times < 3; times++)
            Assert.Equal(ShipStatus.Taken, (await destination.WriteAsync(batch, cancellation)).Status);
        Assert.Equal(_log.Truth(), await PostgresServer.ColumnAsync<string>(_database, Leaves));
        ShippedEntry[] forged = [.. batch.Entries];
        forged[7] = forged[7] with { Leaf = new byte[32] };
        ShipResult refused = await destination.WriteAsync(batch with { Entries = forged }, cancellation);
        Assert.Equal((ShipStatus.Contradicted, true), (refused.Status, refused.Message.Contains('7')));
        Assert.Equal(_log.Truth(), await PostgresServer.ColumnAsync<string>(_database, Leaves));
    }

    [Fact]
    public async Task Several_come_to_an_empty_database_at_once()
    {
        // Proves that migrations are made once by whoever comes first, and that a database of a newer program is left
        // alone.
        await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            await using NpgsqlConnection connection = new(_database);
            await connection.OpenAsync();
            Assert.Equal("", await PostgresSchema.MigrateAsync(connection, CancellationToken.None));
        }));
        Assert.Equal(
            Enumerable.Range(1, PostgresSchema.Version),
            await PostgresServer.ColumnAsync<int>(
                _database, "SELECT version FROM countersign.versions ORDER BY version"));
        await PostgresServer.RunAsync(_database, "INSERT INTO countersign.versions VALUES (99)");
        await _log.CallAsync(1);
        await using AuditShipper shipper = Shipper();
        await shipper.StepAsync(TestContext.Current.CancellationToken);
        Assert.Equal(ShipStatus.Refused, shipper.Progress.Status);
        Assert.Contains("99", shipper.Progress.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_that_may_only_add_is_enough()
    {
        // Proves the rights that AUDIT.md names: once an owner has made the tables, a role that can select and insert
        // ships, and can neither change nor delete.
        await using (NpgsqlConnection owner = new(_database))
        {
            await owner.OpenAsync(TestContext.Current.CancellationToken);
            await PostgresSchema.MigrateAsync(owner, TestContext.Current.CancellationToken);
        }

        await PostgresServer.RunAsync(
            _database,
            """
            CREATE ROLE shipper LOGIN PASSWORD 'shipper';
            GRANT USAGE ON SCHEMA countersign TO shipper;
            GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA countersign TO shipper
            """);
        string limited = new NpgsqlConnectionStringBuilder(_database)
        {
            Username = "shipper", Password = "shipper",
        }.ConnectionString;
        await _log.CallAsync(5);
        await using (AuditShipper shipper = Shipper(limited)) await ShippedLog.DrainAsync(shipper);
        Assert.Equal(_log.Truth(), await PostgresServer.ColumnAsync<string>(_database, Leaves));
        PostgresException denied = await Assert.ThrowsAsync<PostgresException>(
            () => PostgresServer.RunAsync(limited, "DELETE FROM countersign.entries"));
        Assert.Equal("42501", denied.SqlState);
    }

    [Theory]
    [InlineData("")]
    [InlineData("--limit 3")]
    [InlineData("--caller o'brien%_\\")]
    [InlineData("--caller https://i|bot")]
    [InlineData("--person ADA")]
    [InlineData("--person eve")]
    [InlineData("--function billing.*")]
    [InlineData("--function billing.refund")]
    [InlineData("--decision approve")]
    [InlineData("--verdict denied")]
    [InlineData("--approval apr_1")]
    [InlineData("--event glass-broken")]
    [InlineData("--text STRASSE-ÄRGER")]
    [InlineData("--text 50%_off\\")]
    [InlineData("--text 1000")]
    [InlineData("--from 2026-03-09T12:30:00Z --to 2026-03-09T14:30:00Z")]
    [InlineData("--text nothing-like-this")]
    public async Task A_search_of_the_fleet_finds_what_a_search_of_the_folder_finds(string options)
    {
        // Proves each filter by comparing both on the same records, with text that a pattern, a collation or a NUL
        // could make something else of.
        await _log.CallAsync(4, at: ShippedLog.Noon);
        await _log.WriteAsync(record => new CallRecord(CallRecordType.Outcome)
        {
            Call = Guid.CreateVersion7(), At = ShippedLog.Noon.AddHours(1), Issuer = "https://i",
            Subject = "o'brien%_\\", Verdict = "denied", Decision = "deny", Function = "people.get",
            Detail = "straße-ärger strasse-ärger 50%_OFF\\ \0 \u202e",
        }.WriteTo(record));
        await _log.WriteAsync(record => new EventRecord
        {
            At = ShippedLog.Noon.AddHours(2), Event = "glass-broken", ActorSubject = "eve", Subject = "apr_1",
        }.WriteTo(record));
        await _log.WriteAsync(record => "not a record"u8.CopyTo(Advance(record, 12)));
        await _log.SignedAsync(11);
        await using (AuditShipper shipper = Shipper()) await ShippedLog.DrainAsync(shipper);
        string[] words = options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string[] local = Indexes(await RunAsync(["search", _log.Folder, "--json", .. words]));
        CommandRun fleet = await RunAsync(["search", "--postgres", "env:" + Variable, "--json", .. words]);
        Assert.Equal("", fleet.Errors);
        if (!options.StartsWith("--limit", StringComparison.Ordinal))
            Assert.Equal(local.Order(), Indexes(fleet).Order());
        else Assert.Equal(3, Indexes(fleet).Length);
        Assert.All(Lines(fleet), line => Assert.Equal(
            "countersign/test", (string?)System.Text.Json.Nodes.JsonNode.Parse(line)!["log"]));
        if (options.Contains("nothing", StringComparison.Ordinal)) Assert.Empty(local);
        else Assert.NotEmpty(local);
    }

    [Fact]
    public async Task A_failure_tells_no_secret()
    {
        // Proves that a wrong password and a string that cannot be read are told without either.
        await _log.CallAsync(1);
        string wrong = new NpgsqlConnectionStringBuilder(_database) { Password = "tell-nobody" }.ConnectionString;
        await using (AuditShipper shipper = Shipper(wrong))
        {
            await shipper.StepAsync(TestContext.Current.CancellationToken);
            Assert.Equal(ShipStatus.Refused, shipper.Progress.Status);
            Assert.DoesNotContain("tell-nobody", shipper.Progress.Message, StringComparison.Ordinal);
        }

        foreach (string text in new[] { wrong, "Password=tell-nobody;Nonsense", "tell-nobody" })
        {
            CommandRun run = await CommandRun.RunAsync(
                AuditCommand.Create, new Dictionary<string, string> { [Variable] = text }, "search", "--postgres",
                "env:" + Variable);
            Assert.NotEqual(0, await run.End);
            Assert.DoesNotContain("tell-nobody", run.Errors, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Host=db.example;Password=x", SslMode.VerifyFull)]
    [InlineData("Host=10.0.0.1;Password=x", SslMode.VerifyFull)]
    [InlineData("Host=db.example;Password=x;SSL Mode=Require", SslMode.Require)]
    [InlineData("Host=db.example;sslmode=Disable", SslMode.Disable)]
    [InlineData("Host=127.0.0.1", SslMode.Prefer)]
    [InlineData("Host=/run/postgresql", SslMode.Prefer)]
    [InlineData("Host=localhost,db.example", SslMode.VerifyFull)]
    public void Another_machine_is_reached_by_tls_whose_name_is_checked(string text, SslMode mode)
    {
        // Proves by the string that is connected with, that only an operator's own word weakens it.
        using NpgsqlDataSource source = PostgresConnection.TryMake(text)!;
        Assert.Equal(mode, new NpgsqlConnectionStringBuilder(source.ConnectionString).SslMode);
    }

    private AuditShipper Shipper(string? connection = null) => _log.Shipper(
        new ShipSetting
        {
            Place = "test", Name = "there", Kind = ShipKind.Postgres, Connection = new SecretReference(null, Variable),
        },
        (Variable, connection ?? _database));

    private Task<CommandRun> RunAsync(string[] arguments) => CommandRun.RunAsync(
        AuditCommand.Create, new Dictionary<string, string> { [Variable] = _database }, arguments);

    private static string[] Lines(CommandRun run) => run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string[] Indexes(CommandRun run) =>
        [.. Lines(run).Select(line => System.Text.Json.Nodes.JsonNode.Parse(line)!["index"]!.ToString())];

    private static Span<byte> Advance(AuditRecord record, int count)
    {
        Span<byte> room = record.GetSpan(count);
        record.Advance(count);
        return room;
    }
}
