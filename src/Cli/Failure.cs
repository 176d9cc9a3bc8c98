using System.Text;
using System.Text.Json.Nodes;

namespace Countersign.Cli;

/// <summary>What a command that failed has said, so that machines are told it too.</summary>
internal sealed class Failure
{
    // What a person would not read to its end either.
    private const int DetailCharsMax = 65_536;

    private readonly StringBuilder _said = new();

    /// <summary>True if the command has written a result, which then says what went wrong.</summary>
    internal bool HasResult { get; private set; }

    /// <summary>The control API's own problem, where it refused.</summary>
    internal JsonNode? Answer { get; set; }

    /// <summary>Standard output, watched.</summary>
    internal TextWriter WatchOutput(TextWriter output) => new Watched(output, _ => HasResult = true);

    /// <summary>Standard error, watched.</summary>
    internal TextWriter WatchError(TextWriter error) => new Watched(error, Note);

    /// <summary>As an API would say it: a problem of RFC 9457, with the exit code.</summary>
    internal string ToJson(int exitCode)
    {
        (string type, string title) = NameOf(exitCode);
        JsonObject problem = Answer is JsonObject answer ? answer.DeepClone().AsObject() : new()
        {
            ["type"] = "urn:countersign:" + type,
            ["title"] = title,
            ["detail"] = Detail(),
        };
        problem["exit_code"] = exitCode;
        return problem.ToJsonString(Serve.LogOptions.PlainJson);
    }

    private static (string Type, string Title) NameOf(int exitCode) => exitCode switch
    {
        ExitCodes.Usage => ("usage", "The command line, or what it names, is wrong; nothing was done"),
        ExitCodes.Damaged => ("audit-damaged", "The audit log is damaged"),
        _ => ("failed", "The command was refused or failed"),
    };

    private string Detail() => string.Join('\n', _said.ToString()
        .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.StartsWith(CommandEnvironment.Prefix, StringComparison.Ordinal)
            ? line[CommandEnvironment.Prefix.Length..] : line));

    private void Note(ReadOnlySpan<char> text)
    {
        lock (_said) _said.Append(text[..Math.Min(text.Length, DetailCharsMax - _said.Length)]);
    }

    private delegate void Hearing(ReadOnlySpan<char> text);

    /// <summary>Passes everything on, and tells of it.</summary>
    private sealed class Watched(TextWriter inner, Hearing heard) : TextWriter(inner.FormatProvider)
    {
        public override Encoding Encoding => inner.Encoding;

        public override void Write(char value)
        {
            heard([value]);
            inner.Write(value);
        }

        public override void Write(char[] buffer, int index, int count)
        {
            if (count > 0) heard(buffer.AsSpan(index, count));
            inner.Write(buffer, index, count);
        }

        public override void Write(ReadOnlySpan<char> buffer)
        {
            if (buffer.Length > 0) heard(buffer);
            inner.Write(buffer);
        }

        public override void Write(string? value) => Write(value.AsSpan());

        // One call a line: the console's lines of two tasks do not mix.
        public override void WriteLine(string? value)
        {
            heard(value + inner.NewLine);
            inner.WriteLine(value);
        }

        public override void Flush() => inner.Flush();

        public override Task FlushAsync() => inner.FlushAsync();
    }
}
