namespace Countersign.Cli;

/// <summary>
/// What a command may know of the process around it. Only Program reads the environment and owns the console.
/// </summary>
/// <param name="Variables">The environment variables.</param>
/// <param name="MachineName">This machine's name.</param>
/// <param name="Out">Where results go.</param>
/// <param name="Error">Where errors and progress go.</param>
/// <param name="IsInteractive">Somebody can answer a question.</param>
/// <param name="In">What was typed.</param>
/// <param name="Clock">The time.</param>
internal sealed record CommandEnvironment(
    IReadOnlyDictionary<string, string> Variables,
    string MachineName,
    TextWriter Out,
    TextWriter Error,
    bool IsInteractive,
    TextReader In,
    TimeProvider Clock)
{
    /// <summary>Standard input as bytes.</summary>
    internal Stream InBytes { get; init; } = Stream.Null;

    /// <summary>Standard output as bytes.</summary>
    internal Stream OutBytes { get; init; } = Stream.Null;

    /// <summary>How a line of what went wrong begins.</summary>
    internal const string Prefix = "countersign: ";

    /// <summary>What has been said so far, should the command fail.</summary>
    internal Failure Failure { get; init; } = new();

    /// <summary>Prints an error and gives the exit code.</summary>
    internal int Fail(string message, int exitCode = ExitCodes.Failed)
    {
        Error.WriteLine(Prefix + message);
        return exitCode;
    }

    /// <summary>Prints why the control API refused, and gives the exit code.</summary>
    internal int Fail(ControlAnswer answer)
    {
        Failure.Answer = answer.Body;
        return Fail(answer.Problem());
    }

    /// <summary>An environment variable, or null.</summary>
    internal string? Variable(string name) =>
        Variables.TryGetValue(name, out string? value) && value.Length > 0 ? value : null;
}
