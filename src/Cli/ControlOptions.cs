using System.CommandLine;
using Countersign.Cli.Login;

namespace Countersign.Cli;

/// <summary>The options of every command that speaks to the control listener.</summary>
internal sealed class ControlOptions
{
    private const string DefaultControl = "http://127.0.0.1:8081";

    private readonly Option<string?> _control = new("--control")
    {
        Description = "Control listener's URL [environment: COUNTERSIGN_CONTROL; default: " + DefaultControl + "]",
    };

    private readonly Option<string?> _token =
        new("--token") { Description = "Your token; better given by COUNTERSIGN_TOKEN, --token-file or a login" };

    private readonly Option<string?> _tokenFile = new("--token-file") { Description = "File that holds your token" };

    /// <summary>True if the command line itself names a control listener or a token.</summary>
    internal bool IsGiven(ParseResult parsed) =>
        parsed.GetResult(_control) is not null
        || parsed.GetResult(_token) is not null
        || parsed.GetResult(_tokenFile) is not null;

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        AddControlTo(command);
        command.Options.Add(_token);
        command.Options.Add(_tokenFile);
    }

    /// <summary>Adds the listener alone, where there is no token yet.</summary>
    internal void AddControlTo(Command command) => command.Options.Add(_control);

    /// <summary>A client, or null after an error was printed.</summary>
    internal ControlClient? Open(CommandEnvironment environment, ParseResult parsed)
    {
        if (Control(environment, parsed) is not { } url) return null;
        try
        {
            string? token = parsed.GetValue(_token)
                ?? (parsed.GetValue(_tokenFile) is { } file
                    ? File.ReadAllText(file)
                    : environment.Variable("COUNTERSIGN_TOKEN"));
            token = token?.Trim();
            if (!string.IsNullOrEmpty(token) && !token.Any(char.IsWhiteSpace))
                return new ControlClient(url, _ => ValueTask.FromResult<(string?, string)>((token, "")));
            LoginFolder? logins = LoginFolder.Of(environment);
            if (token is null && logins?.Find(url) is not null)
                return new ControlClient(url, new LoginTokens(logins, url, environment.Clock).GetAsync);
            environment.Fail("no token: log in with countersign login, set COUNTERSIGN_TOKEN, or give --token-file");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            environment.Fail((parsed.GetValue(_tokenFile) is null ? "" : "--token-file: ") + fault.Message);
        }

        return null;
    }

    /// <summary>The listener's address, or null after an error was printed.</summary>
    internal Uri? Control(CommandEnvironment environment, ParseResult parsed)
    {
        string control = parsed.GetValue(_control) ?? environment.Variable("COUNTERSIGN_CONTROL") ?? DefaultControl;
        if (Uri.TryCreate(control, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https") return url;
        environment.Fail($"--control: '{control}' is not an http or https URL");
        return null;
    }
}
