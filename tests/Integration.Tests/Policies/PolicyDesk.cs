using System.Text;
using Countersign.Cli;
using Countersign.Cli.Policies;
using Xunit;

namespace Countersign.Integration.Tests.Policies;

/// <summary>A folder of policy files, and the command that works on them.</summary>
internal sealed class PolicyDesk : IDisposable
{
    internal string Folder { get; } = Directory.CreateTempSubdirectory("countersign-policy-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Writes a file and gives its path.</summary>
    internal string Write(string name, string text)
    {
        string file = Path.Combine(Folder, name);
        File.WriteAllText(file, text);
        return file;
    }

    /// <summary>Runs <c>countersign policy</c> with these words.</summary>
    internal Task<CommandResult> RunAsync(params string[] words) => RunWithAsync("", words);

    /// <summary>The same, with this on standard input.</summary>
    internal static async Task<CommandResult> RunWithAsync(string input, params string[] words)
    {
        using StringWriter output = new();
        using StringWriter errors = new();
        CommandEnvironment environment = new(
            new Dictionary<string, string>(), "test", output, errors, IsInteractive: false, new StringReader(input),
            TimeProvider.System)
        {
            InBytes = new MemoryStream(Encoding.UTF8.GetBytes(input)),
        };
        int exitCode = await CommandStart.RunAsync(
            words, environment, PolicyCommand.Create, TestContext.Current.CancellationToken);
        return new CommandResult(exitCode, output.ToString(), errors.ToString());
    }
}

/// <summary>How a command ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Errors);
