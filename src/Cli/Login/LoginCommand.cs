using System.CommandLine;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Login;

/// <summary><c>countersign login</c> and <c>logout</c>: who this user is, for one control listener.</summary>
internal static class LoginCommand
{
    private const string DefaultClient = "countersign-cli";

    /// <summary>Logs in.</summary>
    internal static Command CreateLogin(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Option<string> issuer =
            new("--issuer") { Description = "Your identity provider's URL, as its tokens name it", Required = true };
        Option<string> client = new("--client-id")
        {
            Description = "This program's name at the identity provider",
            DefaultValueFactory = _ => DefaultClient,
        };
        Option<string> scope = new("--scope")
        {
            Description = "What to ask for", DefaultValueFactory = _ => "openid offline_access",
        };
        Option<string?> resource =
            new("--resource") { Description = "What the token is for (RFC 8707), where your provider wants it" };
        Option<bool> idToken =
            new("--id-token") { Description = "Use the ID token in place of the access token" };
        Option<bool> json = new("--json") { Description = "Print one JSON object" };
        Command command = new("login", "Log in by a code that you enter in a browser (RFC 8628)")
        {
            issuer, client, scope, resource, idToken, json,
        };
        control.AddControlTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (control.Control(environment, parsed) is not { } url) return ExitCodes.Usage;
            if (LoginFolder.Of(environment) is not { } logins)
            {
                return environment.Fail(
                    "no home folder: set HOME or XDG_CONFIG_HOME, or use COUNTERSIGN_TOKEN", ExitCodes.Usage);
            }

            StoredLogin wanted = new(
                parsed.GetValue(issuer)!, parsed.GetValue(client)!, "", null, null, parsed.GetValue(idToken));
            using TokenEndpoint provider = new();
            string fault = await provider.DiscoverAsync(wanted.Issuer, cancellation);
            if (fault.Length > 0) return environment.Fail("--issuer: " + fault, ExitCodes.Usage);
            ProviderAnswer answer = await new DeviceGrant(environment, provider).RunAsync(
                wanted.ClientId, parsed.GetValue(scope)!, parsed.GetValue(resource), cancellation);
            if (answer.Fault.Length > 0) return environment.Fail(answer.Fault);
            StoredLogin? login = LoginTokens.Read(answer, wanted, environment.Clock.GetUtcNow(), out fault);
            if (login is null) return environment.Fail(fault);
            return await KeepAsync(environment, logins, url, login, parsed.GetValue(json), cancellation);
        });
        return command;
    }

    /// <summary>Logs out.</summary>
    internal static Command CreateLogout(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Command command = new("logout", "Forget the login for a control listener, and end it at the provider");
        control.AddControlTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (control.Control(environment, parsed) is not { } url) return ExitCodes.Usage;
            try
            {
                LoginFolder? logins = LoginFolder.Of(environment);
                if (logins?.Find(url) is not { } login) return environment.Fail($"there is no login for {url}");
                logins.Keep(url, null);
                if (login.RefreshToken is not null) await RevokeAsync(environment, login, cancellation);
                environment.Out.WriteLine("logged out");
                return ExitCodes.Ok;
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return environment.Fail(fault.Message);
            }
        });
        return command;
    }

    // A login that the gateway does not take is no login: it is told now, and nothing is kept.
    private static async Task<int> KeepAsync(
        CommandEnvironment environment, LoginFolder logins, Uri url, StoredLogin login, bool json,
        CancellationToken cancellation)
    {
        using ControlClient trial = new(url, _ => ValueTask.FromResult<(string?, string)>((login.Token, "")));
        ControlAnswer answer = await trial.GetAsync("/api/v1/approvals?limit=1", cancellation);
        if (answer.Status == 401) return environment.Fail("the gateway does not take the token: " + answer.Problem());
        try
        {
            logins.Keep(url, login);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return environment.Fail(fault.Message);
        }

        if (!answer.IsOk) environment.Error.WriteLine("countersign: kept, but not tried: " + answer.Problem());
        JsonObject said = new()
        {
            ["control"] = url.GetLeftPart(UriPartial.Authority),
            ["issuer"] = login.Issuer,
            ["renews"] = login.RefreshToken is not null,
        };
        environment.Out.WriteLine(json ? said.ToJsonString() : $"logged in at {said["control"]}");
        return ExitCodes.Ok;
    }

    // RFC 7009. Best effort: it is forgotten here whatever the provider says.
    private static async Task RevokeAsync(
        CommandEnvironment environment, StoredLogin login, CancellationToken cancellation)
    {
        using TokenEndpoint provider = new();
        string fault = await provider.DiscoverAsync(login.Issuer, cancellation);
        if (fault.Length == 0 && !provider.Has("revocation_endpoint")) return;
        Dictionary<string, string> form = new()
        {
            ["token"] = login.RefreshToken!,
            ["token_type_hint"] = "refresh_token",
            ["client_id"] = login.ClientId,
        };
        if (fault.Length == 0) fault = (await provider.PostAsync("revocation_endpoint", form, cancellation)).Fault;
        if (fault.Length > 0) environment.Error.WriteLine("countersign: not ended at the provider: " + fault);
    }
}
