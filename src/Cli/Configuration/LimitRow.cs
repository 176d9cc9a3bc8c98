using System.Globalization;
using Countersign.DataPlane;

namespace Countersign.Cli.Configuration;

/// <summary>
/// One limit as it is configured: its name, its range, and where it is kept. docs/CONFIGURATION.md shows the same.
/// </summary>
/// <param name="Name">The name in the configuration: that of the property of <see cref="Limits"/> in camel
/// case.</param>
/// <param name="Default">What applies where nothing is configured, as it would be written.</param>
/// <param name="Range">The values it takes, for people.</param>
/// <param name="Read">Takes it from the configuration.</param>
internal sealed record LimitRow(
    string Name, string Default, string Range, Func<ConfigurationSection, Limits, Limits> Read)
{
    private static readonly Limits Absent = new();

    /// <summary>A whole number, both bounds included.</summary>
    internal static LimitRow Number(
        string name, long min, long max, Func<Limits, long> get, Func<Limits, long, Limits> set) => new(
        name, Text(get(Absent)), $"{Text(min)} to {Text(max)}",
        (section, limits) => set(limits, section.Number(name, get(Absent), min, max)));

    /// <summary>A duration, both bounds included.</summary>
    internal static LimitRow Duration(
        string name, TimeSpan min, TimeSpan max, Func<Limits, TimeSpan> get, Func<Limits, TimeSpan, Limits> set) =>
        new(
            name, Text(get(Absent)), $"{Text(min)} to {Text(max)}",
            (section, limits) => set(limits, section.Duration(name, get(Absent), min, max)));

    /// <summary>True or false.</summary>
    internal static LimitRow Switch(string name, Func<Limits, bool> get, Func<Limits, bool, Limits> set) => new(
        name, get(Absent) ? "true" : "false", "true or false",
        (section, limits) => set(limits, section.Switch(name, get(Absent))));

    /// <summary>A duration as the configuration spells it, in the largest unit that divides it.</summary>
    internal static string Text(TimeSpan span)
    {
        long milliseconds = (long)span.TotalMilliseconds;
        (long Size, string Unit)[] units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        foreach ((long size, string unit) in units)
        {
            if (milliseconds > 0 && milliseconds % size == 0) return Text(milliseconds / size) + unit;
        }

        return milliseconds == 0 ? "0s" : Text(milliseconds) + "ms";
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
