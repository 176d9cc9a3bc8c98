using System.Text;
using Countersign.Cli.Configuration;
using Countersign.Cli.Serve;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Countersign.Cli.Shipping;

/// <summary>Makes destinations from settings: opens their secrets, and nothing else yet.</summary>
internal sealed class ShipDestinations(
    IReadOnlyDictionary<string, string> environment, TimeProvider clock, ILoggerFactory logs)
{
    /// <summary>The connection string of the gateway's own store; null where it has none with streams.</summary>
    internal string? Store { get; init; }

    /// <summary>One destination.</summary>
    /// <exception cref="StartRefusedException">A secret of it cannot be had.</exception>
    internal IAuditDestination Make(ShipSetting setting) => setting.Kind switch
    {
        ShipKind.Files => new FileDestination(setting.Files!, clock),
        ShipKind.Redis => new RedisDestination(
            RedisOf(setting), setting.LengthMax, logs.CreateLogger<RedisDestination>()),
        ShipKind.Postgres => new PostgresDestination(Database(
            Secret(setting.Connection!, setting.Place + ".connection"), setting.Place + ".connection")),
        ShipKind.Otlp => new OtlpDestination(
            setting.Url!,
            setting.Headers.ToDictionary(
                pair => pair.Key, pair => Secret(pair.Value, setting.Place + ".headers." + pair.Key)),
            clock),
        _ => throw new StartRefusedException($"{setting.Place}.to: is not a destination"),
    };

    /// <summary>Connections to a database.</summary>
    /// <exception cref="StartRefusedException">The connection string cannot be read.</exception>
    internal static NpgsqlDataSource Database(string connection, string place) => PostgresConnection.TryMake(connection)
        ?? throw new StartRefusedException(
            $"{place}: is not a connection string such as Host=db;Database=audit;Username=writer;Password=…");

    private string RedisOf(ShipSetting setting)
    {
        string place = setting.Place + ".connection";
        string text = setting.Connection is null ? Store ?? "" : Secret(setting.Connection, place);
        if (text.Length == 0)
            throw new StartRefusedException($"{place}: name a Redis or Valkey: {RedisAuditStream.NoStreams}");
        return text;
    }

    /// <summary>A secret as text.</summary>
    /// <exception cref="StartRefusedException">It cannot be had.</exception>
    internal string Secret(SecretReference? reference, string place) => reference is null
        ? throw new StartRefusedException($"{place}: say where it is, file:PATH or env:NAME; never the secret itself")
        : Encoding.UTF8.GetString(ProcessSecrets.Open(reference, place, environment)).Trim();
}
