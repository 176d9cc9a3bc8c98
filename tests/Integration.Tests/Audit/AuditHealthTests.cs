using Countersign.Cli.Serve;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Countersign.Integration.Tests.Audit;

/// <summary>What people are told of a log that takes no records.</summary>
public sealed class AuditHealthTests
{
    [Fact]
    public void A_log_that_is_held_up_is_told_of_once_and_so_is_its_end()
    {
        // Proves one critical line for a full disk however often it is looked at, one when it has room again, with
        // what goes into the log; and a line of its own for a failure that needs a restart.
        NotedLog log = new();
        AuditHealth health = new(log, TimeProvider.System);
        Assert.Null(health.Look(null, needsRestart: false));
        Assert.Empty(log.Lines);
        Assert.Null(health.Look("No space left on device", needsRestart: false));
        Assert.Null(health.Look("No space left on device : 'segments/spare'", needsRestart: false));
        (LogLevel level, string text) = Assert.Single(log.Lines);
        Assert.Equal(LogLevel.Critical, level);
        Assert.Contains("takes no records: No space left on device. Every call is refused", text,
            StringComparison.Ordinal);
        string told = Assert.IsType<string>(health.Look(null, needsRestart: false));
        Assert.StartsWith("took no records since 2", told, StringComparison.Ordinal);
        Assert.Equal((LogLevel.Critical, "The audit log takes records again; it " + told), log.Lines[1]);
        Assert.Null(health.Look(null, needsRestart: false));

        Assert.Null(health.Look("No space left on device", needsRestart: false));
        Assert.Null(health.Look("IOException: Input/output error", needsRestart: true));
        Assert.Null(health.Look("IOException: Input/output error", needsRestart: true));
        Assert.Equal(4, log.Lines.Count);
        Assert.Contains("until a restart", log.Lines[3].Text, StringComparison.Ordinal);
    }

    private sealed class NotedLog : ILogger
    {
        internal List<(LogLevel Level, string Text)> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => Lines.Add((logLevel, formatter(state, exception)));
    }
}
