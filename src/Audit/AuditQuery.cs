using System.Text.Json;

namespace Countersign.Audit;

/// <summary>Which records somebody looks for. What is null is not asked for; all that is asked must hold.</summary>
public sealed record AuditQuery
{
    /// <summary>Records of calls (<c>intent</c>, <c>outcome</c>).</summary>
    public bool WantsCalls { get; init; } = true;

    /// <summary>Records of other acts (<c>event</c>).</summary>
    public bool WantsEvents { get; init; } = true;

    /// <summary>The call's id.</summary>
    public Guid? Call { get; init; }

    /// <summary>Subject of the caller, of an agent that acts with their token, or of who acted; also as
    /// <c>issuer|subject</c>.</summary>
    public string? Caller { get; init; }

    /// <summary>A person in the human chain, among the approvers, or who acted; without regard to case.</summary>
    public string? Person { get; init; }

    /// <summary>The function's id; a last <c>*</c> stands for any ending.</summary>
    public string? Function { get; init; }

    /// <summary><c>allow</c>, <c>deny</c> or <c>approve</c>.</summary>
    public string? Decision { get; init; }

    /// <summary>How the call ended: <c>ok</c>, or the name of the problem.</summary>
    public string? Verdict { get; init; }

    /// <summary>The approval's id: of calls that had it, and of acts on it.</summary>
    public string? Approval { get; init; }

    /// <summary>The name of an event.</summary>
    public string? Event { get; init; }

    /// <summary>Not before this, by the record's own time.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Before this.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Text anywhere in the record, without regard to case.</summary>
    public string? Text { get; init; }

    /// <summary>True for a record that is asked for. What is no record is never one.</summary>
    public bool Matches(ReadOnlyMemory<byte> payload)
    {
        if (!MayMatch(payload.Span)) return false;
        try
        {
            using JsonDocument document = JsonDocument.Parse(payload);
            return document.RootElement.ValueKind == JsonValueKind.Object && Matches(document.RootElement);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // Most records are passed over without being parsed: an id that is not in the bytes is not in the record.
    private bool MayMatch(ReadOnlySpan<byte> payload)
    {
        if (Call is { } call && !Holds(payload, call.ToString("D"))) return false;
        return Holds(payload, Approval) && Holds(payload, Verdict) && Holds(payload, Event);
    }

    private static bool Holds(ReadOnlySpan<byte> payload, string? text)
    {
        if (text is null || text.Length > 128 || !System.Text.Ascii.IsValid(text)) return true;
        Span<byte> bytes = stackalloc byte[text.Length];
        System.Text.Ascii.FromUtf16(text, bytes, out _);
        return bytes.ContainsAny((byte)'"', (byte)'\\') || payload.IndexOf(bytes) >= 0;
    }

    private bool Matches(JsonElement record)
    {
        bool isEvent = Is(record, "type", "event");
        if (isEvent ? !WantsEvents : !WantsCalls) return false;
        if (Call is { } call && !Is(record, "call", call.ToString("D"))) return false;
        if (Caller is not null && !IsWho(record, "caller") && !IsWho(record, "actor")) return false;
        if (Person is not null && !HasPerson(record)) return false;
        if (Function is not null && !IsFunction(record)) return false;
        if (Decision is not null && !Is(record, "decision", Decision)) return false;
        if (Verdict is not null && !Is(record, "verdict", Verdict)) return false;
        if (Event is not null && !Is(record, "event", Event)) return false;
        if (Approval is not null && !Is(record, isEvent ? "subject" : "approval", Approval)) return false;
        return IsInTime(record) && (Text is null || HasText(record, Text));
    }

    private bool IsWho(JsonElement record, string member)
    {
        if (!record.TryGetProperty(member, out JsonElement who)) return false;
        string subject = TextOf(who, "sub");
        if (subject == Caller || TextOf(who, "iss") + "|" + subject == Caller) return true;
        return who.ValueKind == JsonValueKind.Object && IsWho(who, "act");
    }

    private bool HasPerson(JsonElement record)
    {
        if (record.TryGetProperty("caller", out JsonElement caller) && Lists(caller, "chain")) return true;
        if (record.TryGetProperty("actor", out JsonElement actor)
            && TextOf(actor, "sub").Equals(Person, StringComparison.OrdinalIgnoreCase)) return true;
        return Lists(record, "approvers");
    }

    private bool Lists(JsonElement holder, string member)
    {
        if (!holder.TryGetProperty(member, out JsonElement list) || list.ValueKind != JsonValueKind.Array) return false;
        foreach (JsonElement item in list.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.String
                && item.GetString()!.Equals(Person, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }

    private bool IsFunction(JsonElement record)
    {
        string function = TextOf(record, "function");
        return Function!.EndsWith('*')
            ? function.StartsWith(Function[..^1], StringComparison.Ordinal) && function.Length > 0
            : function == Function;
    }

    private bool IsInTime(JsonElement record)
    {
        if (From is null && To is null) return true;
        if (!record.TryGetProperty("at", out JsonElement at) || !at.TryGetDateTimeOffset(out DateTimeOffset time))
            return false;
        return (From is null || time >= From) && (To is null || time < To);
    }

    private static bool HasText(JsonElement value, string text) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!.Contains(text, StringComparison.OrdinalIgnoreCase),
        JsonValueKind.Object => value.EnumerateObject().Any(member => HasText(member.Value, text)),
        JsonValueKind.Array => value.EnumerateArray().Any(item => HasText(item, text)),
        JsonValueKind.Number => value.GetRawText() == text,
        _ => false,
    };

    private static bool Is(JsonElement record, string member, string text) =>
        record.TryGetProperty(member, out JsonElement value) && value.ValueKind == JsonValueKind.String
        && value.ValueEquals(text);

    private static string TextOf(JsonElement holder, string member) =>
        holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty(member, out JsonElement value)
        && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
