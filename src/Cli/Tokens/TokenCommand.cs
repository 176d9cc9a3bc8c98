using System.CommandLine;

namespace Countersign.Cli.Tokens;

/// <summary><c>countersign token</c>: what tokens mean, and their end.</summary>
internal static class TokenCommand
{
    /// <summary>The command.</summary>
    internal static Command Create(CommandEnvironment environment) =>
        new("token", "See what a token means here, and revoke tokens")
        {
            InspectVerb.Create(environment),
            RevokeVerb.Create(environment),
            RevokeVerb.CreateList(environment),
        };

    /// <summary>A token from a file, from standard input (<c>-</c>) or the environment; null after an error was
    /// printed. Never from the command line, which others can see.</summary>
    internal static string? Read(CommandEnvironment environment, string? file, string variable)
    {
        try
        {
            string? text = file switch
            {
                null => environment.Variable(variable),
                "-" => environment.In.ReadToEnd(),
                _ => File.ReadAllText(file),
            };
            text = text?.Trim();
            if (text is not null && text.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)) text = text[7..];
            if (!string.IsNullOrEmpty(text)) return text;
            environment.Fail($"no token: name a file, - for standard input, or set {variable}", ExitCodes.Usage);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            environment.Fail(fault.Message, ExitCodes.Usage);
        }

        return null;
    }
}
