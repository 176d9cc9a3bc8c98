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

    /// <summary>Prints an error and gives the exit code.</summary>
    internal int Fail(string message, int exitCode = ExitCodes.Failed)
    {
        Error.WriteLine("countersign: " + message);
        return exitCode;
    }

    /// <summary>An environment variable, or null.</summary>
    internal string? Variable(string name) =>
        Variables.TryGetValue(name, out string? value) && value.Length > 0 ? value : null;
}
