using System.CommandLine;
using System.Text;
using Countersign.Cli.Configuration;
using Countersign.Cli.Serve;
using Countersign.Identity.Inbound;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Cli.Tokens;

/// <summary><c>countersign token inspect</c>: how a token maps under a configuration, and why it would be
/// refused.</summary>
internal static class InspectVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        Argument<string?> file = new("file")
        {
            Description = "File that holds the token; - reads standard input [default: COUNTERSIGN_TOKEN]",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> config = new("--config", "-c")
        {
            Description = "The gateway's configuration [default: countersign.json]",
        };
        Option<bool> offline = new("--offline") { Description = "Ask no issuer: look at everything but the signature" };
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Command command = new(
            "inspect", "Show how a token maps to a caller, and why it would be refused; the token is never printed")
        {
            file, config, offline, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string path = parsed.GetValue(config) ?? "countersign.json";
            ConfigurationReading reading = ConfigurationReader.Read(
                path, environment.Variables, new ConfigurationFlags(), environment.MachineName);
            if (reading.Options is not { } options)
            {
                foreach (string error in reading.Errors) environment.Error.WriteLine("countersign: " + error);
                return ExitCodes.Usage;
            }

            if (TokenCommand.Read(environment, parsed.GetValue(file), "COUNTERSIGN_TOKEN") is not { } token)
                return ExitCodes.Usage;
            try
            {
                TokenInspection inspection = await InspectAsync(
                    environment, options, token, parsed.GetValue(offline), cancellation);
                string shown = parsed.GetValue(json)
                    ? InspectionText.ToJson(inspection)
                    : InspectionText.ToText(inspection, environment.Clock);
                environment.Out.WriteLine(shown);
                return inspection.Findings.Any(finding => finding.Holds == false) ? ExitCodes.Failed : ExitCodes.Ok;
            }
            catch (Exception fault) when (fault is ArgumentException or StartRefusedException)
            {
                return environment.Fail(fault.Message, ExitCodes.Usage);
            }
        });
        return command;
    }

    private static async Task<TokenInspection> InspectAsync(
        CommandEnvironment environment, GatewayOptions options, string token, bool isOffline,
        CancellationToken cancellation)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(token);
        using SocketsHttpHandler handler = new() { AllowAutoRedirect = false };
        using HttpMessageInvoker http = new(handler);
        IssuerOptions[] issuers =
        [
            .. options.Issuers.Select(one => IdentityParts.WithSecret(one, options, environment.Variables)),
        ];
        // A public URL of plain http elsewhere cannot be asked; what its tokens say can be looked at all the same.
        IssuerOptions own = IssuerOptions.OfGateway(OwnUrl(options));
        bool canAsk = IssuerOptions.Check([own]).Count == 0 && !issuers.Any(one => one.Issuer == own.Issuer);
        IssuerOptions[] asked = canAsk ? [.. issuers, own] : issuers;
        await using CallerVerifier verifier = new(asked, null, http, environment.Clock, NullLogger.Instance);
        verifier.KnowResources(() => options.DataUrl
            ?? (options.DataTls is null ? "http://" : "https://") + options.DataListen[0]);
        return await TokenInspector.InspectAsync(
            bytes, [.. issuers, own], isOffline ? null : verifier, environment.Clock, cancellation);
    }

    // As the control listener calls itself.
    private static string OwnUrl(GatewayOptions options) => options.ControlUrl?.TrimEnd('/')
        ?? (options.ControlTls is null ? "http://" : "https://") + options.ControlListen[0];
}
