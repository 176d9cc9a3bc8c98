using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Countersign.Cli;

/// <summary>
/// One command line, read and run. Whatever <c>--json</c> was asked of and has failed without a result says why in
/// JSON on standard output too, so that scripts read one thing alone; and nothing in that JSON can deceive whoever
/// reads it on a terminal.
/// </summary>
internal static class CommandStart
{
    // An argument that begins with @ is what it is: System.CommandLine would put a file's words in its place.
    private static readonly ParserConfiguration Words = new() { ResponseFileTokenReplacer = null };

    /// <summary>Runs it; the exit code.</summary>
    internal static async Task<int> RunAsync(
        IReadOnlyList<string> words, CommandEnvironment environment, Func<CommandEnvironment, Command> compose,
        CancellationToken cancellation = default)
    {
        Failure failure = new();
        using SafeJson output = new(environment.Out);
        CommandEnvironment watched = environment with
        {
            Out = failure.WatchOutput(output),
            Error = failure.WatchError(environment.Error),
            Failure = failure,
        };
        ParseResult parsed = compose(watched).Parse(words, Words);
        bool speaksJson = SpeaksJson(parsed);
        output.IsOn = speaksJson;
        if (parsed.Action is ParseErrorAction wrong) wrong.ShowHelp = LacksVerb(parsed);
        int exitCode = await parsed.InvokeAsync(
            new InvocationConfiguration
            {
                ProcessTerminationTimeout = null,
                Output = parsed.Errors.Count > 0 && !LacksVerb(parsed) ? watched.Error : watched.Out,
                Error = watched.Error,
            }, cancellation);
        if (parsed.Errors.Count > 0)
        {
            if (!LacksVerb(parsed)) watched.Error.WriteLine($"See '{PathOf(parsed.CommandResult)} --help'");
            exitCode = ExitCodes.Usage;
        }

        bool hasFailed = exitCode is not (ExitCodes.Ok or ExitCodes.Waiting);
        if (speaksJson && hasFailed && !failure.HasResult) watched.Out.WriteLine(failure.ToJson(exitCode));
        return exitCode;
    }

    // What mask writes is a body; its --json is about what it says on standard error.
    private static bool SpeaksJson(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        Option? json = command.Options.FirstOrDefault(option => option.Name == "--json");
        return json is not null && command.Name != "mask" && parsed.GetResult(json) is { Implicit: false } given
            && given.Tokens.All(token => token.Value == "true");
    }

    // Whoever names a group of commands alone asks what there is.
    private static bool LacksVerb(ParseResult parsed) =>
        parsed.UnmatchedTokens.Count == 0 && parsed.CommandResult.Command.Subcommands.Count > 0;

    private static string PathOf(SymbolResult result)
    {
        string name = result is CommandResult { Command: { } command }
            ? command is RootCommand ? "countersign" : command.Name : "";
        return result.Parent is { } parent ? PathOf(parent) + " " + name : name;
    }
}
