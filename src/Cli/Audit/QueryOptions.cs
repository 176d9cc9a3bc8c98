using System.CommandLine;
using System.Globalization;
using Countersign.Audit;

namespace Countersign.Cli.Audit;

/// <summary>The options that say which records are wanted.</summary>
internal sealed class QueryOptions
{
    private readonly Option<string?> _caller =
        new("--caller")
        {
            Description = "Subject of the caller, of an agent of theirs or of who acted, or issuer|subject",
        };

    private readonly Option<string?> _person =
        new("--person") { Description = "A person in the caller's chain, among the approvers, or who acted" };

    private readonly Option<string?> _function =
        new("--function") { Description = "Function id; a last * stands for any ending" };

    private readonly Option<string?> _decision = new("--decision") { Description = "allow, deny or approve" };

    private readonly Option<string?> _verdict =
        new("--verdict") { Description = "ok, unknown, or the name of a problem" };

    private readonly Option<string?> _approval = new("--approval") { Description = "An approval's id" };
    private readonly Option<string?> _event = new("--event") { Description = "Name of an event" };

    private readonly Option<string?> _from =
        new("--from") { Description = "Not before: RFC 3339 (2026-03-01T12:00:00Z), or so long ago (90m, 2h, 7d)" };

    private readonly Option<string?> _to = new("--to") { Description = "Before: the same" };
    private readonly Option<string?> _text = new("--text") { Description = "Text anywhere in the record" };

    private Option<string?>[] All =>
        [_caller, _person, _function, _decision, _verdict, _approval, _event, _from, _to, _text];

    /// <summary>Adds them to a command.</summary>
    internal void AddTo(Command command)
    {
        foreach (Option option in All) command.Options.Add(option);
    }

    /// <summary>True if none of them is given.</summary>
    internal bool AsksNothing(ParseResult parsed) => All.All(option => parsed.GetValue(option) is null);

    /// <summary>What is asked for, or null after an error was printed.</summary>
    internal AuditQuery? Read(CommandEnvironment environment, ParseResult parsed)
    {
        bool isKnown = TryTime(environment, parsed, _from, out DateTimeOffset? from)
            & TryTime(environment, parsed, _to, out DateTimeOffset? to);
        string? decision = parsed.GetValue(_decision);
        if (decision is not (null or "allow" or "deny" or "approve"))
        {
            environment.Fail($"--decision: '{decision}' is not allow, deny or approve");
            return null;
        }

        if (!isKnown) return null;
        bool isOfCalls = decision is not null || parsed.GetValue(_verdict) is not null
            || parsed.GetValue(_function) is not null;
        return new AuditQuery
        {
            Caller = parsed.GetValue(_caller),
            Person = parsed.GetValue(_person),
            Function = parsed.GetValue(_function),
            Decision = decision,
            Verdict = parsed.GetValue(_verdict),
            Approval = parsed.GetValue(_approval),
            Event = parsed.GetValue(_event),
            Text = parsed.GetValue(_text),
            From = from,
            To = to,
            WantsCalls = parsed.GetValue(_event) is null,
            WantsEvents = !isOfCalls,
        };
    }

    /// <summary>The records that are asked for, in the order of the log; damage is told when it is met.</summary>
    internal static IEnumerable<AuditEntry> Find(CommandEnvironment environment, string folder, AuditQuery query)
    {
        long first = query.From is { } from ? AuditTimes.EntryBefore(folder, from) : 0;
        long end = query.To is { } to ? AuditTimes.EntryAfter(folder, to) : long.MaxValue;
        using AuditReader reader = new(folder, first);
        while (reader.Index < end && reader.Read(out AuditEntry entry) == AuditReadStatus.Entry)
        {
            if (query.Matches(entry.Payload)) yield return entry;
        }

        if (reader.Damage is { } damage) environment.Error.WriteLine("countersign: " + damage.Message);
    }

    private static bool TryTime(
        CommandEnvironment environment, ParseResult parsed, Option<string?> option, out DateTimeOffset? time)
    {
        time = null;
        if (parsed.GetValue(option) is not { } text) return true;
        if (TryAgo(text, out TimeSpan ago)) time = environment.Clock.GetUtcNow() - ago;
        else if (DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at)) time = at;
        if (time is null) environment.Fail($"{option.Name}: '{text}' is neither a time nor a span such as 90m, 2h, 7d");
        return time is not null;
    }

    private static bool TryAgo(string text, out TimeSpan ago)
    {
        ago = default;
        ReadOnlySpan<char> digits = text.AsSpan(0, Math.Max(text.Length - 1, 0));
        if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int count)) return false;
        ago = text[^1] switch
        {
            's' => TimeSpan.FromSeconds(count),
            'm' => TimeSpan.FromMinutes(count),
            'h' => TimeSpan.FromHours(count),
            'd' => TimeSpan.FromDays(count),
            _ => TimeSpan.MinValue,
        };
        return ago != TimeSpan.MinValue;
    }
}
