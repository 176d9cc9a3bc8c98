using System.CommandLine;
using System.Net;
using System.Text.Json.Nodes;
using Countersign.Cli.Configuration;
using Countersign.Cli.Serve;
using Countersign.DataPlane;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.SignIn;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Demo;

/// <summary>Where the parts of the demo listen, and where it keeps its state.</summary>
internal sealed record DemoSettings(string Data, string Control, string Issuer, string Upstream, string? Folder);

/// <summary><c>countersign demo</c>: everything in one process on loopback, with no configuration.</summary>
internal static class DemoCommand
{
    private const string Audience = "countersign-demo";
    private const string ConsoleClientId = "countersign-console";
    private const string PolicyEndpoint = "http://127.0.0.1:9001";

    /// <summary>The command.</summary>
    internal static Command Create(CommandEnvironment environment)
    {
        Option<string> data = Listen("--data", "Data listener", "127.0.0.1:8080");
        Option<string> control = Listen("--control", "Control listener", "127.0.0.1:8081");
        Option<string> issuer = Listen("--issuer", "Demo identity provider", "127.0.0.1:8082");
        Option<string> upstream = Listen("--upstream", "Demo functions", "127.0.0.1:8083");
        Option<string?> folder =
            new("--dir") { Description = "Keep state in this folder [default: a temporary one, removed at the end]" };
        Option<LogLevel> level = LogOptions.Level();
        Option<bool> json = new("--json") { Description = "Print one JSON line when ready" };
        Command command = new("demo", "Run the gateway with everything it needs, on this machine only")
        {
            data, control, issuer, upstream, folder, level, json,
        };
        command.SetAction((parsed, cancellation) => RunAsync(
            environment,
            new DemoSettings(
                parsed.GetValue(data)!, parsed.GetValue(control)!, parsed.GetValue(issuer)!, parsed.GetValue(upstream)!,
                parsed.GetValue(folder)),
            parsed.GetValue(level),
            parsed.GetValue(json),
            cancellation));
        return command;
    }

    private static Option<string> Listen(string name, string what, string address) => new(name)
    {
        Description = what + ", host:port on loopback; port 0 picks one",
        DefaultValueFactory = _ => address,
    };

    private static async Task<int> RunAsync(
        CommandEnvironment environment, DemoSettings settings, LogLevel level, bool json,
        CancellationToken cancellation)
    {
        List<string> errors = [];
        IPEndPoint? data = Loopback("--data", settings.Data, errors);
        IPEndPoint? control = Loopback("--control", settings.Control, errors);
        IPEndPoint? issuer = Loopback("--issuer", settings.Issuer, errors);
        IPEndPoint? upstream = Loopback("--upstream", settings.Upstream, errors);
        foreach (string error in errors) environment.Fail(error);
        if (errors.Count > 0) return ExitCodes.Usage;
        DirectoryInfo? temporary = settings.Folder is null
            ? Directory.CreateTempSubdirectory("countersign-demo-")
            : null;
        using ILoggerFactory logs = LogOptions.ToStandardError(level);
        using ShutdownSignal shutdown = new(cancellation);
        try
        {
            await using DemoIssuer.DemoIssuer identity = await DemoIssuer.DemoIssuer.StartAsync(
                issuer!.ToString(), Audience, environment.Clock);
            await using DemoFunctions.DemoFunctions functions = await DemoFunctions.DemoFunctions.StartAsync(
                upstream!.ToString(), environment.Clock);
            string folder = temporary?.FullName ?? Path.GetFullPath(settings.Folder!);
            GatewayOptions options = Options(data!, control!, identity.Address, functions.Address, folder);
            await using GatewayProcess gateway = await GatewayProcess.StartAsync(
                options, Roles.Data | Roles.Control, environment.Variables, environment.Clock, logs, cancellation);
            if (json) PrintJson(environment, gateway, identity, functions);
            else DemoTour.Print(environment.Out, gateway, identity, functions);
            await environment.Out.FlushAsync(cancellation);
            await shutdown.Asked;
        }
        catch (Exception fault) when (fault is StartRefusedException or IOException)
        {
            return environment.Fail(fault.Message);
        }
        finally
        {
            temporary?.Delete(recursive: true);
        }

        return ExitCodes.Ok;
    }

    private static IPEndPoint? Loopback(string option, string text, List<string> errors)
    {
        if (!ConfigurationSection.TryParseEndpoint(text, out IPEndPoint? endpoint))
            errors.Add($"{option}: '{text}' is not an address and port such as 127.0.0.1:8080");
        else if (!IPAddress.IsLoopback(endpoint!.Address))
        {
            errors.Add(
                $"{option}: the demo hands out tokens to anybody who asks, "
                + $"so it listens on loopback only, not on {text}");
        }

        return endpoint;
    }

    private static GatewayOptions Options(
        IPEndPoint data, IPEndPoint control, string issuer, string functions, string folder)
    {
        Directory.CreateDirectory(folder);
        string policy = Path.Combine(folder, "policy.yaml");
        File.WriteAllText(policy, DemoPolicy().Replace(PolicyEndpoint, functions, StringComparison.Ordinal));
        IssuerOptions vouching = new() { Issuer = issuer, Audiences = [Audience] };
        SignInClient client = new() { Issuer = vouching, ClientId = ConsoleClientId, Name = "the demo's people" };
        return new GatewayOptions
        {
            Name = "demo",
            DataListen = [data],
            ControlListen = [control],
            Embedded = Path.Combine(folder, "store"),
            Issuers = [vouching],
            ConsoleClients = [new ConsoleClient(client, null)],
            AuditFolder = Path.Combine(folder, "audit"),
            SealingKey = new SecretReference(Path.Combine(folder, "sealing.key"), null),
            Limits = new Limits(),
            PolicyBootstrap = policy,
            BootstrapFollows = true,
            PolicyAdmins = ["policy-admins"],
            Auditors = ["policy-admins"],
            Revealers = ["sre"],
        };
    }

    private static string DemoPolicy()
    {
        using Stream stream = typeof(DemoCommand).Assembly.GetManifestResourceStream("demo.yaml")!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    private static void PrintJson(
        CommandEnvironment environment, GatewayProcess gateway, DemoIssuer.DemoIssuer identity,
        DemoFunctions.DemoFunctions functions)
    {
        JsonObject tokens = [];
        foreach (string user in DemoIssuer.DemoIssuer.Users) tokens[user] = identity.Mint(user);
        JsonObject line = new()
        {
            ["data"] = gateway.DataAddress,
            ["control"] = gateway.ControlAddress,
            ["console"] = gateway.ControlAddress + "/console",
            ["issuer"] = identity.Address,
            ["upstream"] = functions.Address,
            ["audit"] = gateway.AuditFolder,
            ["tokens"] = tokens,
        };
        environment.Out.WriteLine(line.ToJsonString(LogOptions.PlainJson));
    }
}
