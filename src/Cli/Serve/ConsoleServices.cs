using System.Text;
using Countersign.Cli.Configuration;
using Countersign.Identity.Inbound.SignIn;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>Puts together what people sign in by.</summary>
internal static class ConsoleServices
{
    private const int SecretBytesMax = 4_096;

    /// <summary>The clients with their secrets; null where none is configured.</summary>
    internal static OidcSignIn? SignIn(
        IReadOnlyList<ConsoleClient> clients, IReadOnlyDictionary<string, string> environment, HttpMessageInvoker http,
        TimeProvider clock, ILoggerFactory logs)
    {
        if (clients.Count == 0) return null;
        SignInClient[] ready =
            [.. clients.Select(one => one.Client with { ClientSecret = SecretOf(one, environment) })];
        return new OidcSignIn(ready, http, clock, logs.CreateLogger<OidcSignIn>());
    }

    private static byte[] SecretOf(ConsoleClient client, IReadOnlyDictionary<string, string> environment) => SecretOf(
        client.Secret, environment, $"console.clients, '{client.Client.Issuer.Issuer}': clientSecret: ");

    /// <summary>A client's secret; empty for a client that has none.</summary>
    /// <param name="reference">Where it is; null for none.</param>
    /// <param name="environment">Where <c>env:</c> secrets come from.</param>
    /// <param name="name">The setting, for the message.</param>
    internal static byte[] SecretOf(
        SecretReference? reference, IReadOnlyDictionary<string, string> environment, string name)
    {
        switch (reference)
        {
            case null:
                return [];
            case { Variable: { } variable }:
                return environment.TryGetValue(variable, out string? value)
                    ? Encoding.UTF8.GetBytes(value)
                    : throw new StartRefusedException($"{name}environment variable {variable} is not set.");
            case { File: { } file } when File.Exists(file):
                byte[] content = File.ReadAllBytes(file);
                if (content.Length > SecretBytesMax) throw new StartRefusedException($"{name}{file} is too large.");
                return Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(content).Trim());
            default:
                throw new StartRefusedException($"{name}there is no file {reference.File}.");
        }
    }
}
