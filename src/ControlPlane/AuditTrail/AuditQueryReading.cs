using System.Collections.Frozen;
using System.Globalization;
using Countersign.Audit;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.AuditTrail;

/// <summary>A search of the log as a request's query asks for it.</summary>
internal static class AuditQueryReading
{
    private const int TextCharactersMax = 500;
    private const int NameCharactersMax = 40;

    // A filter that was misspelt would let everything through.
    private static readonly FrozenSet<string> Known =
        ((string[])["call", "caller", "person", "function", "decision", "verdict", "approval", "event", "from", "to",
            "text", "type", "limit", "cursor", "format"]).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>The search, or null and what is wrong with it.</summary>
    public static AuditQuery? Read(HttpContext context, out string fault)
    {
        fault = "";
        if (context.Request.Query.Keys.FirstOrDefault(name => !Known.Contains(name)) is { } unknown)
        {
            string shown = unknown.Length > NameCharactersMax ? unknown[..NameCharactersMax] + "…" : unknown;
            fault = $"there is no filter named {shown}.";
            return null;
        }

        AuditQuery query = new()
        {
            Call = Parsed<Guid>(context, "call", IdOf, ref fault),
            Caller = Text(context, "caller", ref fault),
            Person = Text(context, "person", ref fault),
            Function = Text(context, "function", ref fault),
            Decision = Text(context, "decision", ref fault),
            Verdict = Text(context, "verdict", ref fault),
            Approval = Text(context, "approval", ref fault),
            Event = Text(context, "event", ref fault),
            Text = Text(context, "text", ref fault),
            From = Parsed(context, "from", TimeOf, ref fault),
            To = Parsed(context, "to", TimeOf, ref fault),
        };
        string type = Text(context, "type", ref fault) ?? (query.Event is null ? "call" : "event");
        if (type is not ("call" or "event" or "all")) fault = "type must be call, event or all.";
        if (query.Decision is not (null or "allow" or "deny" or "approve"))
            fault = "decision must be allow, deny or approve.";
        return fault.Length == 0
            ? query with { WantsCalls = type is "call" or "all", WantsEvents = type is "event" or "all" }
            : null;
    }

    private static string? Text(HttpContext context, string name, ref string fault)
    {
        bool isOnce = RequestReading.TryQuery(context, name, out string? text);
        if (isOnce && text is not { Length: > TextCharactersMax }) return text is "" ? null : text;
        fault = $"{name} must be given once, in at most {TextCharactersMax} characters.";
        return null;
    }

    private static T? Parsed<T>(HttpContext context, string name, Func<string, T?> parse, ref string fault)
        where T : struct
    {
        if (Text(context, name, ref fault) is not { } text) return null;
        T? value = parse(text);
        if (value is null)
        {
            fault = name == "call"
                ? "call must be one call's id."
                : $"{name} must be a time such as 2026-03-01T12:00:00Z.";
        }

        return value;
    }

    private static Guid? IdOf(string text) => Guid.TryParseExact(text, "D", out Guid id) ? id : null;

    private static DateTimeOffset? TimeOf(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? at
            : null;
}
