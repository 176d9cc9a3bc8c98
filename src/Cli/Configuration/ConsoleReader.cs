using Countersign.ControlPlane.Console;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.SignIn;

namespace Countersign.Cli.Configuration;

/// <summary>One client of the console, with its secret not read yet.</summary>
/// <param name="Client">What is known without the secret.</param>
/// <param name="Secret">Where the secret is; null for a public client.</param>
internal sealed record ConsoleClient(SignInClient Client, SecretReference? Secret);

/// <summary>Reads <c>console</c>: how people sign in, and for how long.</summary>
internal static class ConsoleReader
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(7);

    /// <summary>The clients; each names one of the issuers.</summary>
    internal static IReadOnlyList<ConsoleClient> ReadClients(
        ConfigurationSection console, IReadOnlyList<IssuerOptions> issuers, Func<string, string> resolve,
        List<string> errors)
    {
        List<ConsoleClient> clients = [];
        foreach (ConfigurationSection section in console.Sections("clients"))
        {
            if (ReadClient(section, issuers, resolve) is { } client) clients.Add(client);
            section.RefuseOthers();
        }

        errors.AddRange(SignInClient.Check([.. clients.Select(one => one.Client)]));
        return clients;
    }

    /// <summary>How long people stay signed in.</summary>
    internal static ConsoleTerms ReadTerms(ConfigurationSection console)
    {
        ConsoleTerms defaults = new();
        ConsoleTerms terms = new()
        {
            SessionIdle = console.Duration("sessionIdle", defaults.SessionIdle, Shortest, Longest),
            GroupsMax = console.Duration("groupsMax", defaults.GroupsMax, Shortest, Longest),
            SessionMax = console.Duration("sessionMax", defaults.SessionMax, Shortest, Longest),
        };
        console.RefuseOthers();
        return terms;
    }

    private static ConsoleClient? ReadClient(
        ConfigurationSection section, IReadOnlyList<IssuerOptions> issuers, Func<string, string> resolve)
    {
        string? name = section.Text("issuer"), id = section.Text("clientId"), secret = section.Text("clientSecret");
        string? label = section.Text("name");
        string? authorization = section.Text("authorizationEndpoint"), token = section.Text("tokenEndpoint");
        IReadOnlyList<string> scopes = section.Texts("scopes") ?? ["openid"];
        IssuerOptions? issuer = issuers.FirstOrDefault(one => one.Issuer == name);
        if (issuer is null) section.Fault("issuer", "must be one of identity.issuers");
        if (id is null) section.Fault("clientId", "is required");
        SecretReference? reference = secret is null ? null : SecretReference.Parse(secret, resolve);

        // The text itself is not repeated: somebody may have put the secret there.
        if (secret is not null && reference is null)
            section.Fault("clientSecret", "must be a reference, file:<path> or env:<NAME>, never the secret itself");
        if (issuer is null || id is null) return null;
        SignInClient client = new()
        {
            Issuer = issuer,
            ClientId = id,
            Name = label ?? (Uri.TryCreate(issuer.Issuer, UriKind.Absolute, out Uri? uri) ? uri.Host : issuer.Issuer),
            Scope = string.Join(' ', scopes),
            AuthorizationEndpoint = authorization,
            TokenEndpoint = token,
        };
        return new ConsoleClient(client, reference);
    }
}
