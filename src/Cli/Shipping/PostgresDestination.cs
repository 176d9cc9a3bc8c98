using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace Countersign.Cli.Shipping;

/// <summary>
/// A table that a fleet is searched in (<see cref="PostgresSchema"/>). A batch is one transaction; an entry is known by
/// its log and number, so that a repeat adds nothing, and is held to what is there by its hash.
/// </summary>
internal sealed class PostgresDestination(NpgsqlDataSource source) : IAuditDestination
{
    private const string Make = """
        CREATE TEMP TABLE IF NOT EXISTS countersign_batch (LIKE countersign.entries) ON COMMIT DELETE ROWS
        """;

    private const string Copy = """
        COPY countersign_batch (log, index, leaf, at, type, call, gateway, issuer, subject, who, people, function,
          decision, verdict, approval, event, words, record) FROM STDIN (FORMAT BINARY)
        """;

    private const string Insert = """
        INSERT INTO countersign.entries (log, index, leaf, at, type, call, gateway, issuer, subject, who, people,
          function, decision, verdict, approval, event, words, record)
        SELECT log, index, leaf, at, type, call, gateway, issuer, subject, who, people, function,
          decision, verdict, approval, event, words, record
        FROM countersign_batch ORDER BY index ON CONFLICT (log, index) DO NOTHING
        """;

    private const string Differing = """
        SELECT min(batch.index) FROM countersign_batch batch
        JOIN countersign.entries held ON held.log = batch.log AND held.index = batch.index
        WHERE held.leaf <> batch.leaf
        """;

    private NpgsqlConnection? _connection;
    private int _log;

    public bool Remembers => true;

    public async ValueTask<ShipOpening> OpenAsync(LogIdentity log, CancellationToken cancellation)
    {
        try
        {
            await CloseAsync();
            _connection = await source.OpenConnectionAsync(cancellation);
            string fault = await PostgresSchema.MigrateAsync(_connection, cancellation);
            if (fault.Length > 0) return new(ShipStatus.Refused, fault);
            await using (NpgsqlCommand make = new("SET synchronous_commit = on; " + Make, _connection))
                await make.ExecuteNonQueryAsync(cancellation);
            _log = await LogAsync(log, cancellation);
            return await PositionAsync(cancellation);
        }
        catch (Exception fault) when (PostgresConnection.IsFailure(fault))
        {
            cancellation.ThrowIfCancellationRequested();
            return new(StatusOf(fault), PostgresConnection.Words(fault));
        }
    }

    public async ValueTask<ShipResult> WriteAsync(ShipBatch batch, CancellationToken cancellation)
    {
        try
        {
            using CancellationTokenSource within = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            within.CancelAfter(ShipLimits.WrittenWithin);
            return await WriteBatchAsync(batch, within.Token);
        }
        catch (Exception fault) when (PostgresConnection.IsFailure(fault))
        {
            cancellation.ThrowIfCancellationRequested();
            return new(StatusOf(fault), PostgresConnection.Words(fault));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await source.DisposeAsync();
    }

    private async Task<ShipResult> WriteBatchAsync(ShipBatch batch, CancellationToken cancellation)
    {
        await using NpgsqlTransaction change = await _connection!.BeginTransactionAsync(cancellation);
        await using (NpgsqlBinaryImporter rows = await _connection.BeginBinaryImportAsync(Copy, cancellation))
        {
            foreach (ShippedEntry entry in batch.Entries) await WriteRowAsync(rows, entry, cancellation);
            await rows.CompleteAsync(cancellation);
        }

        await using NpgsqlCommand insert = new(Insert, _connection, change);
        int added = await insert.ExecuteNonQueryAsync(cancellation);
        if (added < batch.Entries.Count)
        {
            await using NpgsqlCommand compare = new(Differing, _connection, change);
            if (await compare.ExecuteScalarAsync(cancellation) is long differing)
                return new(ShipStatus.Contradicted, $"its entry {differing} is not that of the log");
        }

        await change.CommitAsync(cancellation);
        return ShipResult.Taken;
    }

    private async Task WriteRowAsync(
        NpgsqlBinaryImporter rows, ShippedEntry entry, CancellationToken cancellation)
    {
        RecordFields fields = RecordFields.Read(entry.Record);
        await rows.StartRowAsync(cancellation);
        await rows.WriteAsync(_log, NpgsqlDbType.Integer, cancellation);
        await rows.WriteAsync(entry.Index, NpgsqlDbType.Bigint, cancellation);
        await rows.WriteAsync(entry.Leaf, NpgsqlDbType.Bytea, cancellation);
        await rows.WriteAsync(fields.At.UtcDateTime, NpgsqlDbType.TimestampTz, cancellation);
        await rows.WriteAsync(fields.Type, NpgsqlDbType.Text, cancellation);
        if (fields.Call is { } call) await rows.WriteAsync(call, NpgsqlDbType.Uuid, cancellation);
        else await rows.WriteNullAsync(cancellation);
        await TextAsync(rows, fields.Gateway, cancellation);
        await TextAsync(rows, fields.Issuer, cancellation);
        await TextAsync(rows, fields.Subject, cancellation);
        await TextAsync(rows, fields.Who, cancellation);
        await rows.WriteAsync(fields.People.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text, cancellation);
        await TextAsync(rows, fields.Function, cancellation);
        await TextAsync(rows, fields.Decision, cancellation);
        await TextAsync(rows, fields.Verdict, cancellation);
        await TextAsync(rows, fields.Approval, cancellation);
        await TextAsync(rows, fields.Event, cancellation);
        await TextAsync(rows, fields.Words, cancellation);
        await TextAsync(rows, RecordFields.Storable(Encoding.UTF8.GetString(entry.Record.Span)), cancellation);
    }

    private static Task TextAsync(NpgsqlBinaryImporter rows, string? text, CancellationToken cancellation) =>
        text is null ? rows.WriteNullAsync(cancellation) : rows.WriteAsync(text, NpgsqlDbType.Text, cancellation);

    private async Task<int> LogAsync(LogIdentity log, CancellationToken cancellation)
    {
        const string Find = "SELECT log FROM countersign.logs WHERE origin = $1 AND first = $2";
        const string Add = "INSERT INTO countersign.logs (origin, first) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        foreach (string text in new[] { Find, Add, Find })
        {
            await using NpgsqlCommand command = new(text, _connection);
            command.Parameters.Add(new() { Value = log.Origin });
            command.Parameters.Add(new() { Value = log.First });
            if (await command.ExecuteScalarAsync(cancellation) is int number) return number;
        }

        throw new InvalidOperationException("the log that was just added is not there");
    }

    private async Task<ShipOpening> PositionAsync(CancellationToken cancellation)
    {
        await using NpgsqlCommand newest = new(
            "SELECT index, leaf FROM countersign.entries WHERE log = $1 ORDER BY index DESC LIMIT 1", _connection);
        newest.Parameters.Add(new() { Value = _log });
        await using NpgsqlDataReader row = await newest.ExecuteReaderAsync(cancellation);
        return await row.ReadAsync(cancellation)
            ? new(ShipStatus.Taken, Next: row.GetInt64(0) + 1, Leaf: (byte[])row[1])
            : new(ShipStatus.Taken, Next: 0);
    }

    private async ValueTask CloseAsync()
    {
        if (_connection is not null) await _connection.DisposeAsync();
        _connection = null;
    }

    // Classes 08, 53, 57: no connection, no resources, the server is going down or starting; and 40, try again.
    private static ShipStatus StatusOf(Exception fault) =>
        fault is PostgresException { SqlState: { } state } && state[..2] is not ("08" or "53" or "57" or "40" or "55")
            ? ShipStatus.Refused
            : ShipStatus.Away;
}
