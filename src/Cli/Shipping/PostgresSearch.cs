using System.Runtime.CompilerServices;
using System.Text;
using Countersign.Audit;
using Npgsql;

namespace Countersign.Cli.Shipping;

/// <summary>An entry of some log of the fleet.</summary>
/// <param name="Origin">Its log's origin.</param>
/// <param name="Entry">The entry; its file and offset are not known here.</param>
internal readonly record struct FleetEntry(string Origin, AuditEntry Entry);

/// <summary>
/// Searches what every gateway shipped. The database narrows by its indices, and whatever it finds is then held to the
/// same query as a search in a folder, so that both give the same answer.
/// </summary>
internal sealed class PostgresSearch(NpgsqlDataSource source)
{
    private const int Page = 500;

    /// <summary>What is asked for, the newest first.</summary>
    internal async IAsyncEnumerable<FleetEntry> FindAsync(
        AuditQuery query, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        (DateTime At, int Log, long Index)? before = null;
        while (true)
        {
            List<FleetEntry> found = [];
            int rows = 0;
            await using (NpgsqlCommand command = Ask(query, before))
            await using (NpgsqlDataReader row = await command.ExecuteReaderAsync(cancellation))
            {
                while (await row.ReadAsync(cancellation))
                {
                    rows++;
                    before = (row.GetDateTime(0), row.GetInt32(1), row.GetInt64(2));
                    byte[] record = Encoding.UTF8.GetBytes(row.GetString(4));
                    if (query.Matches(record))
                        found.Add(new(row.GetString(3), new AuditEntry(row.GetInt64(2), "", -1, record)));
                }
            }

            foreach (FleetEntry entry in found) yield return entry;
            if (rows < Page) yield break;
        }
    }

    private NpgsqlCommand Ask(AuditQuery query, (DateTime At, int Log, long Index)? before)
    {
        NpgsqlCommand command = source.CreateCommand();
        StringBuilder where = new();
        void Also(string condition, params object[] values)
        {
            foreach (object value in values)
            {
                command.Parameters.Add(new() { Value = value });
                condition = condition.Replace("?", "$" + command.Parameters.Count, StringComparison.Ordinal);
            }

            where.Append(where.Length == 0 ? " WHERE " : " AND ").Append(condition);
        }

        if (!query.WantsEvents) Also("type <> 'event'");
        if (!query.WantsCalls) Also("type = 'event'");
        if (query.Call is { } call) Also("call = ?", call);
        if (query.Caller is { } caller) Also("(subject = ? OR who = ?)", RecordFields.Storable(caller));
        if (query.Person is { } person) Also("people @> ?", (object)new[] { RecordFields.Folded(person) });
        if (query.Function is { } function)
        {
            bool isPrefix = function.EndsWith('*');
            string name = RecordFields.Storable(isPrefix ? function[..^1] : function);
            if (isPrefix) Also("function LIKE ?", Like(name) + "%");
            else Also("function = ?", name);
        }

        if (query.Decision is { } decision) Also("decision = ?", decision);
        if (query.Verdict is { } verdict) Also("verdict = ?", RecordFields.Storable(verdict));
        if (query.Event is { } act) Also("event = ?", RecordFields.Storable(act));
        if (query.Approval is { } approval) Also("approval = ?", RecordFields.Storable(approval));
        if (query.From is { } from) Also("at >= ?", from.UtcDateTime);
        if (query.To is { } to) Also("at < ?", to.UtcDateTime);
        if (query.Text is { } text) Also("words LIKE ?", "%" + Like(RecordFields.Folded(text)) + "%");
        if (before is { } last)
        {
            int first = command.Parameters.Count + 1;
            command.Parameters.Add(new() { Value = last.At });
            command.Parameters.Add(new() { Value = last.Log });
            command.Parameters.Add(new() { Value = last.Index });
            Also($"(at, log, index) < (${first}, ${first + 1}, ${first + 2})");
        }

        command.CommandText =
            "SELECT at, log, index, origin, record FROM countersign.entries JOIN countersign.logs USING (log)"
            + where + " ORDER BY at DESC, log DESC, index DESC LIMIT " + Page;
        return command;
    }

    // For LIKE, whose escape is a backslash.
    private static string Like(string text) => text
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("%", "\\%", StringComparison.Ordinal)
        .Replace("_", "\\_", StringComparison.Ordinal);
}
