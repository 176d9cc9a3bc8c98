using Microsoft.Extensions.Logging;

namespace Countersign.Kit;

/// <summary>A log that a test can read.</summary>
internal sealed class NotedLog : ILogger
{
    /// <summary>What was logged, in order.</summary>
    internal List<(LogLevel Level, string Text)> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter) => Lines.Add((logLevel, formatter(state, exception)));
}
