using System.Globalization;

namespace Countersign.Policy;

/// <summary>
/// Durations of the language: a whole number and one unit, <c>500ms</c>, <c>30s</c>, <c>15m</c>, <c>2h</c>, <c>30d</c>.
/// </summary>
internal static class Duration
{
    private const int DigitsMax = 9;

    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        int digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (digits is < 1 or > DigitsMax) return false;
        long ticksPerUnit = text.AsSpan(digits) switch
        {
            "ms" => TimeSpan.TicksPerMillisecond,
            "s" => TimeSpan.TicksPerSecond,
            "m" => TimeSpan.TicksPerMinute,
            "h" => TimeSpan.TicksPerHour,
            "d" => TimeSpan.TicksPerDay,
            _ => 0,
        };
        if (ticksPerUnit == 0) return false;

        // Nine digits of days are 8.6e20 ticks, beyond 64 bits.
        long count = long.Parse(text.AsSpan(0, digits), CultureInfo.InvariantCulture);
        if (count > TimeSpan.MaxValue.Ticks / ticksPerUnit) return false;
        duration = TimeSpan.FromTicks(count * ticksPerUnit);
        return true;
    }

    /// <summary>As the language writes it, in the largest unit that fits.</summary>
    public static string Write(TimeSpan duration)
    {
        (long ticksPerUnit, string unit) = duration.Ticks switch
        {
            0 => (TimeSpan.TicksPerSecond, "s"),
            long ticks when ticks % TimeSpan.TicksPerDay == 0 => (TimeSpan.TicksPerDay, "d"),
            long ticks when ticks % TimeSpan.TicksPerHour == 0 => (TimeSpan.TicksPerHour, "h"),
            long ticks when ticks % TimeSpan.TicksPerMinute == 0 => (TimeSpan.TicksPerMinute, "m"),
            long ticks when ticks % TimeSpan.TicksPerSecond == 0 => (TimeSpan.TicksPerSecond, "s"),
            _ => (TimeSpan.TicksPerMillisecond, "ms"),
        };
        return (duration.Ticks / ticksPerUnit).ToString(CultureInfo.InvariantCulture) + unit;
    }
}
