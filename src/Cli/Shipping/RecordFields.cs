using System.Text;
using System.Text.Json;

namespace Countersign.Cli.Shipping;

/// <summary>
/// What is looked for in a record, drawn out of it. Text that is compared without regard to case is upper case here by
/// the same rule that the search in a folder compares by. A record that cannot be read has only its bytes.
/// </summary>
internal sealed record RecordFields
{
    /// <summary>Text without NUL, which no PostgreSQL text can hold.</summary>
    private const char Replacement = '\ufffd';

    internal DateTimeOffset At { get; private init; } = DateTimeOffset.UnixEpoch;

    internal string Type { get; private init; } = "";

    internal Guid? Call { get; private init; }

    internal string? Gateway { get; private init; }

    /// <summary>Issuer of the caller, or of who acted.</summary>
    internal string? Issuer { get; private init; }

    /// <summary>Subject of the same.</summary>
    internal string? Subject { get; private init; }

    /// <summary>Both, as <c>issuer|subject</c>.</summary>
    internal string? Who => Subject is null ? null : Issuer + "|" + Subject;

    /// <summary>Chain, approvers and who acted, in upper case.</summary>
    internal IReadOnlyList<string> People { get; private init; } = [];

    internal string? Function { get; private init; }

    internal string? Decision { get; private init; }

    internal string? Verdict { get; private init; }

    /// <summary>The approval's id: of a call, or what an event was done to.</summary>
    internal string? Approval { get; private init; }

    internal string? Event { get; private init; }

    /// <summary>Every text and number of the record, a line each, in upper case.</summary>
    internal string Words { get; private init; } = "";

    /// <summary>Draws them out.</summary>
    internal static RecordFields Read(ReadOnlyMemory<byte> record)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(record);
            return document.RootElement.ValueKind == JsonValueKind.Object ? Of(document.RootElement) : new();
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return new();
        }
    }

    /// <summary>The record's own time; null where it has none.</summary>
    internal static DateTimeOffset? TimeOf(ReadOnlySpan<byte> record)
    {
        try
        {
            Utf8JsonReader reader = new(record);
            while (reader.Read())
            {
                if (reader.CurrentDepth != 1 || reader.TokenType != JsonTokenType.PropertyName) continue;
                bool isTime = reader.ValueTextEquals("at"u8);
                reader.Read();
                if (isTime) return reader.TryGetDateTimeOffset(out DateTimeOffset at) ? at : null;
                reader.Skip();
            }
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // Not a record of ours: it has no time.
        }

        return null;
    }

    /// <summary>Text as it is stored: in upper case, and without what cannot be.</summary>
    internal static string Folded(string text) => Storable(text).ToUpperInvariant();

    /// <summary>Text without what cannot be stored.</summary>
    internal static string Storable(string text) => text.Replace('\0', Replacement);

    private static RecordFields Of(JsonElement record)
    {
        bool isEvent = Text(record, "type") == "event";
        JsonElement who = Member(record, isEvent ? "actor" : "caller");
        List<string> people = [];
        Add(people, Member(who, "chain"));
        Add(people, Member(record, "approvers"));
        if (isEvent && Text(who, "sub") is { } actor) people.Add(Folded(actor));
        StringBuilder words = new();
        Gather(words, record);
        return new RecordFields
        {
            At = Member(record, "at") is { ValueKind: JsonValueKind.String } at
                && at.TryGetDateTimeOffset(out DateTimeOffset time) ? time.ToUniversalTime() : DateTimeOffset.UnixEpoch,
            Type = Text(record, "type") ?? "",
            Call = Guid.TryParse(Text(record, "call"), out Guid call) ? call : null,
            Gateway = Text(record, "gateway"),
            Issuer = Text(who, "iss"),
            Subject = Text(who, "sub"),
            People = people,
            Function = Text(record, "function"),
            Decision = Text(record, "decision"),
            Verdict = Text(record, "verdict"),
            Approval = Text(record, isEvent ? "subject" : "approval"),
            Event = Text(record, "event"),
            Words = Folded(words.ToString()),
        };
    }

    private static void Add(List<string> people, JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array) return;
        foreach (JsonElement one in list.EnumerateArray())
            if (one.ValueKind == JsonValueKind.String) people.Add(Folded(one.GetString()!));
    }

    private static void Gather(StringBuilder words, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty member in value.EnumerateObject()) Gather(words, member.Value);
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in value.EnumerateArray()) Gather(words, item);
                break;
            case JsonValueKind.String:
                words.Append(value.GetString()).Append('\n');
                break;
            case JsonValueKind.Number:
                words.Append(value.GetRawText()).Append('\n');
                break;
        }
    }

    private static JsonElement Member(JsonElement holder, string name) =>
        holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty(name, out JsonElement value)
            ? value
            : default;

    private static string? Text(JsonElement holder, string name) =>
        Member(holder, name) is { ValueKind: JsonValueKind.String } value ? Storable(value.GetString()!) : null;
}
