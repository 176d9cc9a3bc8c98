namespace Countersign.Policy.Conditions;

/// <summary>The getters of timestamps and durations (cel-spec, Date/Time Functions).</summary>
internal static class TimeParts
{
    /// <summary>A time zone of the tz database, <c>UTC</c>, or an offset such as <c>-02:30</c>; null if it is none.
    /// </summary>
    public static TimeZoneInfo? FindZone(string name)
    {
        if (name is "UTC" or "Z" or "") return TimeZoneInfo.Utc;
        bool isSigned = name[0] is '+' or '-';
        string offset = isSigned ? name[1..] : name;
        if (offset.Length == 5 && offset[2] == ':' && int.TryParse(offset[..2], out int hours)
            && int.TryParse(offset[3..], out int minutes) && hours is >= 0 and <= 14 && minutes is >= 0 and <= 59)
        {
            int total = Math.Min(14 * 60, (hours * 60) + minutes);
            TimeSpan span = TimeSpan.FromMinutes(name[0] == '-' ? -total : total);
            return TimeZoneInfo.CreateCustomTimeZone(name, span, name, name);
        }

        return TimeZoneInfo.TryFindSystemTimeZoneById(name, out TimeZoneInfo? zone) ? zone : null;
    }

    [HotPath]
    public static ConditionValue Get(Operation part, in ConditionValue value, TimeZoneInfo zone)
    {
        if (value.Kind == ValueKind.Duration) return OfDuration(part, value.Ticks);
        if (value.Kind != ValueKind.Timestamp) return ConditionValue.Failed(ConditionFault.NoOverload);
        DateTime utc = DateTime.UnixEpoch.AddTicks(value.Seconds * TimeSpan.TicksPerSecond);
        long offset = ReferenceEquals(zone, TimeZoneInfo.Utc) ? 0 : zone.GetUtcOffset(utc).Ticks;
        long ticks = utc.Ticks + offset;

        // At the ends of time a zone's own clock would leave it.
        if (ticks < DateTime.MinValue.Ticks || ticks > DateTime.MaxValue.Ticks)
        {
            return ConditionValue.Failed(ConditionFault.Overflow);
        }

        DateTime time = new(ticks);
        return ConditionValue.Of((long)(part switch
        {
            Operation.GetDate => time.Day,
            Operation.GetDayOfMonth => time.Day - 1,
            Operation.GetDayOfWeek => (int)time.DayOfWeek,
            Operation.GetDayOfYear => time.DayOfYear - 1,
            Operation.GetFullYear => time.Year,
            Operation.GetHours => time.Hour,
            Operation.GetMilliseconds => value.Nanos / 1_000_000,
            Operation.GetMinutes => time.Minute,
            Operation.GetMonth => time.Month - 1,
            _ => time.Second,
        }));
    }

    [HotPath]
    private static ConditionValue OfDuration(Operation part, long nanos)
    {
        long seconds = nanos / Arithmetic.NanosPerSecond;
        return part switch
        {
            Operation.GetHours => ConditionValue.Of(seconds / 3_600),
            Operation.GetMinutes => ConditionValue.Of(seconds / 60),
            Operation.GetSeconds => ConditionValue.Of(seconds),
            Operation.GetMilliseconds => ConditionValue.Of(nanos % Arithmetic.NanosPerSecond / 1_000_000),
            _ => ConditionValue.Failed(ConditionFault.NoOverload),
        };
    }
}
