using System.CommandLine;
using System.Text.Json.Nodes;
using Countersign.Cli.Configuration;
using Countersign.DataPlane;
using Countersign.Identity.Inbound;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary><c>countersign serve</c>: the gateway as operators run it.</summary>
internal static class ServeCommand
{
    private const string DefaultFile = "countersign.json";

    /// <summary>The command.</summary>
    internal static Command Create(CommandEnvironment environment)
    {
        Option<string?> config =
            new("--config") { Description = "Configuration file [default: countersign.json, if there is one]" };
        Option<string> roles = new("--roles")
        {
            Description = "Listeners to run: data, control or both",
            DefaultValueFactory = _ => "data,control",
        };
        Option<string?> data = new("--data") { Description = "Data listener, host:port; port 0 picks one" };
        Option<string?> control = new("--control") { Description = "Control listener, host:port; port 0 picks one" };
        Option<string?> store = new("--store") { Description = "'embedded', or a Redis connection string" };
        Option<string?> audit = new("--audit") { Description = "Folder of the audit log" };
        Option<LogLevel> level = LogOptions.Level();
        Option<bool> json = new("--json") { Description = "Print one JSON line when ready" };
        Command command = new("serve", "Run a gateway against Redis or the embedded store")
        {
            config, roles, data, control, store, audit, level, json,
        };
        command.SetAction((parsed, cancellation) => RunAsync(
            environment,
            parsed.GetValue(config) ?? (File.Exists(DefaultFile) ? DefaultFile : null),
            new ConfigurationFlags(
                parsed.GetValue(data), parsed.GetValue(control), parsed.GetValue(store), parsed.GetValue(audit)),
            parsed.GetValue(roles)!,
            parsed.GetValue(level),
            parsed.GetValue(json),
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        CommandEnvironment environment, string? file, ConfigurationFlags flags, string roleNames, LogLevel level,
        bool json, CancellationToken cancellation)
    {
        if (ParseRoles(roleNames) is not { } roles)
            return environment.Fail($"--roles: '{roleNames}' is not data, control or data,control", ExitCodes.Usage);
        ConfigurationReading reading = ConfigurationReader.Read(
            file, environment.Variables, flags, environment.MachineName);
        List<string> errors = [.. reading.Errors];
        if ((reading.Options ?? reading.Faulty) is { } read)
            errors.AddRange(StartErrors(read, roles, environment.Variables));
        foreach (string error in errors) environment.Fail(error);
        if (reading.Options is null || errors.Count > 0) return ExitCodes.Usage;

        using ILoggerFactory logs = LogOptions.ToStandardError(level);
        ILogger log = logs.CreateLogger<GatewayProcess>();
        using ShutdownSignal shutdown = new(cancellation);
        try
        {
            using CancellationTokenSource starting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            Task<GatewayProcess> start = GatewayProcess.StartAsync(
                reading.Options, roles, environment.Variables, environment.Clock, logs, starting.Token);
            if (await Task.WhenAny(start, shutdown.Asked) != start) await starting.CancelAsync();
            await using GatewayProcess gateway = await start;
            PrintReady(environment, gateway, json);
            await shutdown.Asked;
            ProcessLog.Draining(log);
        }
        catch (OperationCanceledException) when (shutdown.Asked.IsCompleted)
        {
            // It was told to end before it served anybody.
        }
        catch (StartRefusedException refused)
        {
            return environment.Fail(refused.Message);
        }

        return ExitCodes.Ok;
    }

    // Only a gateway that starts needs them: a configuration may be read elsewhere, to publish or to verify.
    private static IEnumerable<string> StartErrors(
        GatewayOptions options, Roles roles, IReadOnlyDictionary<string, string> variables)
    {
        foreach (IssuerOptions issuer in options.Issuers)
        {
            if (issuer.KeysFile is { } file && !File.Exists(file))
                yield return $"identity.issuers: there is no keys file {file}";
            else if (issuer.CheckKeysFile() is { } fault)
                yield return "identity.issuers: " + fault;
        }

        if (options.Redis is { } redis && RedisStore.Check(redis) is { } unread)
            yield return "store.redis: " + unread;

        if (options.PolicyBootstrap is { } policy && !File.Exists(policy))
        {
            yield return $"policy.bootstrap: there is no file {policy}";
        }

        if (ProcessSecrets.CheckSealingKey(options.SealingKey, variables) is { } key)
            yield return "secrets.sealingKey: " + key;
        DataTlsOptions? data = roles.HasFlag(Roles.Data) ? options.DataTls : null;
        DataTlsOptions? control = roles.HasFlag(Roles.Control) ? options.ControlTls : null;
        foreach (string error in data?.Check() ?? []) yield return "data.tls: " + error;
        foreach (string error in control?.Check() ?? []) yield return "control.tls: " + error;
    }

    private static Roles? ParseRoles(string names)
    {
        Roles roles = Roles.None;
        foreach (string name in names.Split(',', StringSplitOptions.TrimEntries))
        {
            if (name == "data") roles |= Roles.Data;
            else if (name == "control") roles |= Roles.Control;
            else return null;
        }

        return roles;
    }

    private static void PrintReady(CommandEnvironment environment, GatewayProcess gateway, bool json)
    {
        if (json)
        {
            JsonObject line = [];
            if (gateway.DataAddress is { } data) line["data"] = data;
            if (gateway.ControlAddress is { } control) line["control"] = control;
            line["audit"] = gateway.AuditFolder;
            environment.Out.WriteLine(line.ToJsonString(LogOptions.PlainJson));
        }
        else
        {
            if (gateway.DataAddress is { } data) environment.Out.WriteLine("data     " + data);
            if (gateway.ControlAddress is { } control) environment.Out.WriteLine("control  " + control);
        }

        environment.Out.Flush();
    }
}
