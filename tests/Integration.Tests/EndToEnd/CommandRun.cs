using System.CommandLine;
using System.Text;
using System.Threading.Channels;
using Countersign.Cli;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>A command inside the test's own process, with an environment of its own and what it prints as it
/// prints it.</summary>
internal sealed class CommandRun : IDisposable
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(45);

    private readonly LineWriter _output = new();
    private readonly LineWriter _errors = new();
    private readonly CancellationTokenSource _stop = new();

    private CommandRun()
    {
    }

    /// <summary>Completes with the exit code.</summary>
    internal Task<int> End { get; private set; } = null!;

    /// <summary>All that it printed.</summary>
    internal string Output => _output.ToString();

    /// <summary>All that it complained of.</summary>
    internal string Errors => _errors.ToString();

    /// <summary>Starts a command.</summary>
    /// <param name="create">Makes it.</param>
    /// <param name="variables">Its environment.</param>
    /// <param name="typed">What is typed at the terminal; null where there is none.</param>
    /// <param name="arguments">What stands after its name.</param>
    internal static CommandRun Start(
        Func<CommandEnvironment, Command> create, IReadOnlyDictionary<string, string> variables, string? typed,
        params string[] arguments)
    {
        CommandRun run = new();
        CommandEnvironment environment = new(
            variables, "test", run._output, run._errors, typed is not null, new StringReader(typed ?? ""),
            TimeProvider.System);
        run.End = CommandStart.RunAsync(arguments, environment, create, run._stop.Token).WaitAsync(PatienceMax);
        return run;
    }

    /// <summary>Runs one to its end.</summary>
    internal static async Task<CommandRun> RunAsync(
        Func<CommandEnvironment, Command> create, IReadOnlyDictionary<string, string> variables,
        params string[] arguments)
    {
        CommandRun run = Start(create, variables, null, arguments);
        await run.End;
        return run;
    }

    public void Dispose()
    {
        _stop.Dispose();
        _output.Dispose();
        _errors.Dispose();
    }

    /// <summary>Stops it, as an interrupt does; the exit code.</summary>
    internal async Task<int> StopAsync()
    {
        await _stop.CancelAsync();
        return await End;
    }

    /// <summary>The next line of results.</summary>
    internal Task<string> NextAsync() => _output.NextAsync();

    /// <summary>The next line of progress.</summary>
    internal Task<string> NextErrorAsync() => _errors.NextAsync();

    private sealed class LineWriter : StringWriter
    {
        private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

        internal Task<string> NextAsync() => _lines.Reader.ReadAsync().AsTask().WaitAsync(PatienceMax);

        public override Encoding Encoding => Encoding.UTF8;

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            _lines.Writer.TryWrite(value ?? "");
        }
    }
}
