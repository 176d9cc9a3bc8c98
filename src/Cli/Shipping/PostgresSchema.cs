using Npgsql;

namespace Countersign.Cli.Shipping;

/// <summary>
/// The tables, by numbered steps that are never changed once released. Whoever comes first takes a lock and makes the
/// steps that are missing; a database of a newer version is left alone.
/// </summary>
internal static class PostgresSchema
{
    // Any number that no other program is likely to lock by.
    private const long Lock = 0x636f756e74657273;

    private static readonly string[] Steps =
    [
        """
        CREATE TABLE countersign.logs (
          log integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          origin text NOT NULL,
          first text NOT NULL,
          since timestamptz NOT NULL DEFAULT now(),
          UNIQUE (origin, first));
        CREATE TABLE countersign.entries (
          log integer NOT NULL REFERENCES countersign.logs,
          index bigint NOT NULL,
          leaf bytea NOT NULL,
          at timestamptz NOT NULL,
          type text NOT NULL,
          call uuid,
          gateway text,
          issuer text,
          subject text,
          who text,
          people text[] NOT NULL,
          function text,
          decision text,
          verdict text,
          approval text,
          event text,
          words text NOT NULL,
          record text NOT NULL,
          PRIMARY KEY (log, index));
        CREATE INDEX entries_at ON countersign.entries (at, log, index);
        CREATE INDEX entries_call ON countersign.entries (call) WHERE call IS NOT NULL;
        CREATE INDEX entries_subject ON countersign.entries (subject, at) WHERE subject IS NOT NULL;
        CREATE INDEX entries_who ON countersign.entries (who, at) WHERE who IS NOT NULL;
        CREATE INDEX entries_people ON countersign.entries USING gin (people);
        CREATE INDEX entries_function ON countersign.entries (function text_pattern_ops, at) WHERE function IS NOT NULL;
        CREATE INDEX entries_decision ON countersign.entries (decision, at) WHERE decision <> 'allow';
        CREATE INDEX entries_verdict ON countersign.entries (verdict, at) WHERE verdict <> 'ok';
        CREATE INDEX entries_approval ON countersign.entries (approval) WHERE approval IS NOT NULL;
        CREATE INDEX entries_event ON countersign.entries (event, at) WHERE event IS NOT NULL;
        """,
        """
        DO $$ BEGIN
          CREATE EXTENSION IF NOT EXISTS pg_trgm;
        EXCEPTION WHEN OTHERS THEN
          RAISE NOTICE 'pg_trgm is not to be had: search by text reads every entry of its time';
        END $$;
        DO $$ BEGIN
          IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
            CREATE INDEX entries_words ON countersign.entries USING gin (words gin_trgm_ops);
          END IF;
        EXCEPTION WHEN OTHERS THEN
          RAISE NOTICE 'words are not indexed: search by text reads every entry of its time';
        END $$;
        """,

        // The index of words is most of what an insert costs, and the less the more entries are merged into it at
        // once: with 4 MB, the default, 50,003 entries took 9.4 s, with 32 MB 7.0 s.
        """
        DO $$ BEGIN
          IF to_regclass('countersign.entries_words') IS NOT NULL THEN
            ALTER INDEX countersign.entries_words SET (gin_pending_list_limit = 32768);
          END IF;
        END $$;
        """,
    ];

    /// <summary>The version that this program knows.</summary>
    internal static int Version => Steps.Length;

    /// <summary>Makes what is missing; why it cannot be used, or empty.</summary>
    internal static async Task<string> MigrateAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        int version = await VersionAsync(connection, cancellation);
        if (version < Version)
        {
            // Of the session, and before the transaction: one that waited for it in a transaction would go on to see
            // what it had looked up before.
            await RunAsync(connection, $"SELECT pg_advisory_lock({Lock})", cancellation);
            version = await StepAsync(connection, cancellation);
            await RunAsync(connection, $"SELECT pg_advisory_unlock({Lock})", cancellation);
        }

        return version == Version
            ? ""
            : $"its tables are of version {version}, and this program knows {Version}: use a newer one";
    }

    private static async Task<int> StepAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        int version = await VersionAsync(connection, cancellation);
        if (version >= Version) return version;
        await using NpgsqlTransaction change = await connection.BeginTransactionAsync(cancellation);
        if (version == 0)
        {
            await RunAsync(
                connection,
                "CREATE SCHEMA IF NOT EXISTS countersign; CREATE TABLE IF NOT EXISTS countersign.versions"
                + " (version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
                cancellation);
        }

        for (; version < Version; version++)
        {
            await RunAsync(connection, Steps[version], cancellation);
            await RunAsync(
                connection, $"INSERT INTO countersign.versions (version) VALUES ({version + 1})", cancellation);
        }

        await change.CommitAsync(cancellation);
        return version;
    }

    private static async Task<int> VersionAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using NpgsqlCommand there = new("SELECT to_regclass('countersign.versions') IS NOT NULL", connection);
        if (!(bool)(await there.ExecuteScalarAsync(cancellation))!) return 0;
        await using NpgsqlCommand newest = new(
            "SELECT coalesce(max(version), 0) FROM countersign.versions", connection);
        return (int)(await newest.ExecuteScalarAsync(cancellation))!;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string text, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new(text, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
