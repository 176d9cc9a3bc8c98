using System.CommandLine;
using Countersign.Cli.Configuration;
using Countersign.Cli.Serve;
using Countersign.Cli.Shipping;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Audit;

/// <summary><c>audit ship</c>: ships a log's entries from its folder, by the configuration or to one destination.
/// </summary>
internal sealed class ShipVerb
{
    private static readonly string[] Kinds = ["files", "redis", "postgres", "otlp"];

    private readonly CommandEnvironment _environment;
    private readonly FolderOptions _folder = new();
    private readonly Option<bool> _status =
        new("--status") { Description = "Say how far each destination is, and end" };
    private readonly Option<bool> _once =
        new("--once") { Description = "End once all that is signed is shipped [default: go on as entries are added]" };
    private readonly Option<string?> _fromStream = new("--from-stream")
    {
        Description = "Take entries out of the streams of a fleet instead: where their Redis is, file:PATH or env:NAME",
    };
    private readonly Option<string> _group = new("--group")
    {
        Description = "--from-stream: the consumer group, made if it is missing", DefaultValueFactory = _ => "postgres",
    };
    private readonly Option<string?> _to =
        new("--to") { Description = "files, redis, postgres or otlp [default: all of audit.ship]" };
    private readonly Option<string?> _name =
        new("--name") { Description = "The destination's name, by which its cursor is kept [default: its kind]" };
    private readonly Option<string?> _connection =
        new("--connection") { Description = "redis, postgres: where the connection string is, file:PATH or env:NAME" };
    private readonly Option<string?> _output = new("--output", "-o") { Description = "files: their folder" };
    private readonly Option<string?> _url =
        new("--url") { Description = "otlp: where the collector takes logs, such as https://host:4318/v1/logs" };
    private readonly Option<long> _lengthMax = NumberOption.Create(
        "--length-max", "redis: the most entries that the stream holds", ShipSetting.DefaultLengthMax,
        ShipSetting.LeastLengthMax, ShipSetting.MostLengthMax);
    private readonly Option<bool> _payloads =
        new("--payloads") { Description = "Ship the masked copies of payloads and answers too" };
    private readonly Option<bool> _json = new("--json") { Description = "Print JSON" };
    private readonly Option<LogLevel> _level = LogOptions.Level();

    private ShipVerb(CommandEnvironment environment) => _environment = environment;

    internal static Command Create(CommandEnvironment environment)
    {
        ShipVerb verb = new(environment);
        verb._to.AcceptOnlyFromAmong(Kinds);
        Command command = new("ship", "Ship a log's entries to where a fleet is searched or watched")
        {
            verb._status, verb._once, verb._to, verb._name, verb._connection, verb._output, verb._url,
            verb._lengthMax, verb._payloads, verb._fromStream, verb._group, verb._json, verb._level,
        };
        verb._folder.AddTo(command);
        command.SetAction(verb.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(_fromStream) is { } stream) return await RunStreamsAsync(parsed, stream, cancellation);
        if (_folder.Find(_environment, parsed) is not { } folder) return ExitCodes.Usage;
        if (parsed.GetValue(_status))
        {
            ShipStatusText.Print(_environment, folder, parsed.GetValue(_json));
            return ExitCodes.Ok;
        }

        if (Read(parsed) is not { } settings) return ExitCodes.Usage;
        using ILoggerFactory logs = LogOptions.ToStandardError(parsed.GetValue(_level));
        try
        {
            ShipDestinations destinations = new(_environment.Variables, _environment.Clock, logs)
            {
                Store = _folder.Options?.Redis,
            };
            await using ShipperSet set = await ShipperSet.MakeAsync(
                folder, settings, destinations, ShipSource.SignedIn(folder), _environment.Clock, logs);
            await set.RunAsync(parsed.GetValue(_once), cancellation);
            ShipStatusText.Print(_environment, folder, parsed.GetValue(_json));
            return ExitCodes.Ok;
        }
        catch (StartRefusedException refused)
        {
            return _environment.Fail(refused.Message, ExitCodes.Usage);
        }
    }

    private async Task<int> RunStreamsAsync(ParseResult parsed, string stream, CancellationToken cancellation)
    {
        if (parsed.GetValue(_to) != "postgres")
            return _environment.Fail("--from-stream goes --to postgres", ExitCodes.Usage);
        if (ReadOne(parsed, "postgres") is not { } setting) return ExitCodes.Usage;
        using ILoggerFactory logs = LogOptions.ToStandardError(parsed.GetValue(_level));
        try
        {
            ShipDestinations destinations = new(_environment.Variables, _environment.Clock, logs);
            string redis = destinations.Secret(SecretReference.Parse(stream, Path.GetFullPath), "--from-stream");
            await using RedisStore store = await RedisStore.ConnectAsync(redis, logs.CreateLogger<RedisStore>());
            RedisAuditStreamReader reader = new(store, parsed.GetValue(_group)!, _environment.MachineName);
            await using StreamShipper shipper = new(
                reader, () => destinations.Make(setting), _environment.Clock, logs.CreateLogger<StreamShipper>());
            await shipper.RunAsync(parsed.GetValue(_once), cancellation);
            _environment.Out.WriteLine(parsed.GetValue(_json)
                ? $"{{\"shipped\":{shipper.Shipped},\"missing\":{shipper.Missing}}}"
                : $"{shipper.Shipped} entries shipped, {shipper.Missing} missing");
            return ExitCodes.Ok;
        }
        catch (ArgumentException)
        {
            return _environment.Fail("--from-stream: is not a connection string of Redis", ExitCodes.Usage);
        }
        catch (StartRefusedException refused)
        {
            return _environment.Fail(refused.Message, ExitCodes.Usage);
        }
    }

    private IReadOnlyList<ShipSetting>? Read(ParseResult parsed)
    {
        if (parsed.GetValue(_to) is { } to) return ReadOne(parsed, to) is { } one ? [one] : null;
        if (_folder.Options is { Audit.Ship.Count: > 0 } options) return options.Audit.Ship;
        _environment.Fail("name a destination with --to, or a configuration with audit.ship by --config");
        return null;
    }

    private ShipSetting? ReadOne(ParseResult parsed, string to)
    {
        string name = parsed.GetValue(_name) ?? to;
        ShipKind kind = ShipReader.KindOf(to);
        SecretReference? connection = parsed.GetValue(_connection) is { } text
            ? SecretReference.Parse(text, Path.GetFullPath)
            : null;
        Uri? url = null;
        string fault = !ShipReader.IsName(name) ? "--name: 1 to 40 letters, digits, '-' and '_'"
            : kind == ShipKind.Files && parsed.GetValue(_output) is null ? "--output: name the folder of the files"
            : kind is ShipKind.Redis or ShipKind.Postgres && connection is null
                ? "--connection: say where the connection string is, file:PATH or env:NAME; never the string itself"
            : kind == ShipKind.Otlp && ShipReader.CheckUrl(parsed.GetValue(_url) ?? "", false, out url) is var bad
                && bad.Length > 0 ? "--url: " + bad
            : "";
        if (fault.Length > 0)
        {
            _environment.Fail(fault);
            return null;
        }

        return new ShipSetting
        {
            Place = "--to " + to,
            Name = name,
            Kind = kind,
            Payloads = parsed.GetValue(_payloads),
            Connection = connection,
            LengthMax = parsed.GetValue(_lengthMax),
            Url = url,
            Files = kind == ShipKind.Files ? ShipReader.FilesIn(parsed.GetValue(_output)!) : null,
        };
    }
}
