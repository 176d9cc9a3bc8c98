using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>How a server process talks: logs on standard error, results on standard output.</summary>
internal static class LogOptions
{
    /// <summary>JSON that keeps <c>+</c>, quotes and letters readable; what is printed is no HTML.</summary>
    internal static readonly JsonSerializerOptions PlainJson =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The option for how much is logged.</summary>
    internal static Option<LogLevel> Level() => new("--log-level")
    {
        Description = "Trace, Debug, Information, Warning, Error, Critical or None",
        DefaultValueFactory = _ => LogLevel.Warning,
        CustomParser = argument =>
        {
            string text = argument.Tokens[0].Value;
            if (Enum.GetNames<LogLevel>().Contains(text, StringComparer.OrdinalIgnoreCase))
                return Enum.Parse<LogLevel>(text, ignoreCase: true);
            argument.AddError(
                $"--log-level: '{SafeText.Show(text)}' is none of {string.Join(", ", Enum.GetNames<LogLevel>())}");
            return default;
        },
    };

    /// <summary>Logs single lines to standard error, so that standard output stays what was asked for.</summary>
    internal static ILoggerFactory ToStandardError(LogLevel level) => LoggerFactory.Create(builder => builder
        .SetMinimumLevel(level)
        .AddFilter("Microsoft", level < LogLevel.Information ? level : LogLevel.Warning)
        .AddFilter("Garnet", LogLevel.Error)
        .AddSimpleConsole(options => options.SingleLine = true)
        .AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace));
}
