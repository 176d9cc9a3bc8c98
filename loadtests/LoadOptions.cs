using System.Globalization;

namespace Countersign.LoadTests;

/// <summary>What a run does.</summary>
internal sealed record LoadOptions
{
    /// <summary>The help text.</summary>
    internal const string Usage = """
        loadtests [--rate calls/s] [--seconds s] [--connections n] [--budget-ms ms] [--demo countersign.dll] [--json]

          --rate         calls begun each second, whatever the answers do: 1 to 20000 [500]
          --seconds      how long calls are begun: 1 to 600 [5]
          --connections  kept connections: 1 to 1000 [64]
          --budget-ms    fail if p99 is above this; without it the latency is only printed
          --demo         the built gateway [found in the repository]
          --json         one line of JSON in place of the table
        """;

    // Every call is kept until the audit was held against it.
    private const int CallsMax = 1_000_000;

    /// <summary>Calls begun each second.</summary>
    internal int Rate { get; private init; } = 500;

    /// <summary>How long calls are begun, in seconds.</summary>
    internal int Seconds { get; private init; } = 5;

    /// <summary>The most connections.</summary>
    internal int Connections { get; private init; } = 64;

    /// <summary>The highest p99 that passes, in milliseconds; null holds nobody to one.</summary>
    internal int? BudgetMilliseconds { get; private init; }

    /// <summary>The gateway's assembly, or null to look for it.</summary>
    internal string? Demo { get; private init; }

    /// <summary>True prints JSON.</summary>
    internal bool IsJson { get; private init; }

    /// <summary>Calls in all.</summary>
    internal int CallCount => Rate * Seconds;

    /// <summary>Reads the command line, or says what is wrong with it.</summary>
    internal static LoadOptions? Read(string[] arguments, out string error)
    {
        LoadOptions options = new();
        error = "";
        for (int at = 0; at < arguments.Length && error.Length == 0; at++)
        {
            string name = arguments[at];
            if (name == "--json")
            {
                options = options with { IsJson = true };
                continue;
            }

            string value = at + 1 < arguments.Length ? arguments[++at] : "";
            options = name switch
            {
                "--rate" => options with { Rate = Number(name, value, 20_000, ref error) },
                "--seconds" => options with { Seconds = Number(name, value, 600, ref error) },
                "--connections" => options with { Connections = Number(name, value, 1_000, ref error) },
                "--budget-ms" => options with { BudgetMilliseconds = Number(name, value, 60_000, ref error) },
                "--demo" => options with { Demo = value },
                _ => Unknown(options, name, ref error),
            };
        }

        if (error.Length > 0) return null;
        if (options.CallCount > CallsMax) error = $"rate times seconds is at most {CallsMax} calls";
        return error.Length == 0 ? options : null;
    }

    private static int Number(string name, string text, int most, ref string error)
    {
        bool isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number);
        if (!isNumber || number < 1 || number > most) error = $"{name} is a number from 1 to {most}, not '{text}'";
        return number;
    }

    private static LoadOptions Unknown(LoadOptions options, string name, ref string error)
    {
        error = $"there is no option '{name}'";
        return options;
    }
}
