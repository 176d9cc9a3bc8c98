using System.Text;
using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.Cli.Configuration;
using Countersign.Cli.Serve;
using Countersign.Cli.Shipping;
using Countersign.Policy.Approvals;
using Npgsql;

namespace Countersign.Cli.Audit;

/// <summary><c>audit search --postgres</c>: the newest records of a whole fleet, in the order of their times.</summary>
internal static class FleetSearch
{
    internal static async Task<int> RunAsync(
        CommandEnvironment environment, string reference, AuditQuery wanted, int limit, bool json,
        CancellationToken cancellation)
    {
        if (SecretReference.Parse(reference, Path.GetFullPath) is not { } where)
        {
            return environment.Fail(
                "--postgres: say where the connection string is, file:PATH or env:NAME; never the string itself",
                ExitCodes.Usage);
        }

        List<FleetEntry> newest = [];
        try
        {
            string text = Encoding.UTF8.GetString(ProcessSecrets.Open(where, "--postgres", environment.Variables));
            await using NpgsqlDataSource source = ShipDestinations.Database(text.Trim(), "--postgres");
            await foreach (FleetEntry found in new PostgresSearch(source).FindAsync(wanted, cancellation))
            {
                newest.Add(found);
                if (newest.Count == limit) break;
            }
        }
        catch (StartRefusedException refused)
        {
            return environment.Fail(refused.Message, ExitCodes.Usage);
        }
        catch (Exception fault) when (PostgresConnection.IsFailure(fault))
        {
            return environment.Fail("the database did not answer: " + PostgresConnection.Words(fault));
        }

        for (int at = newest.Count - 1; at >= 0; at--) Print(environment, newest[at], json);
        return ExitCodes.Ok;
    }

    private static void Print(CommandEnvironment environment, in FleetEntry found, bool json)
    {
        if (!json)
        {
            environment.Out.WriteLine(EntryText.Of(found.Entry) + "  log=" + SafeText.Show(found.Origin));
            return;
        }

        JsonObject told = new() { ["log"] = found.Origin };
        foreach ((string name, JsonNode? value) in SearchVerb.Indexed(found.Entry)) told[name] = value?.DeepClone();
        environment.Out.WriteLine(told.ToJsonString(LogOptions.PlainJson));
    }
}
