using System.Globalization;
using System.Text.Json;

namespace Countersign.Audit;

/// <summary>One step of a call's story.</summary>
/// <param name="Index">The entry that tells it.</param>
/// <param name="At">When, as the entry says.</param>
/// <param name="Step"><c>asked</c>, <c>decided</c>, <c>approval</c>, <c>sent</c>, <c>answered</c>, <c>masked</c>,
/// <c>refused</c> or <c>unknown</c>.</param>
/// <param name="Text">One sentence. Names in it are as callers and people wrote them: make them safe to show.</param>
public sealed record StoryStep(long Index, string At, string Step, string Text);

/// <summary>Everything that a log tells of one call.</summary>
public sealed class CallStory
{
    // Acts on an approval after its call, such as a review, are looked for this far behind it.
    private const long EntriesBehindMax = 1_048_576;

    private CallStory(Guid call, List<AuditEntry> records, List<AuditEntry> acts)
    {
        Call = call;
        Records = records;
        Acts = acts;
    }

    /// <summary>The call.</summary>
    public Guid Call { get; }

    /// <summary>Its own records: an intent, an outcome, or both.</summary>
    public IReadOnlyList<AuditEntry> Records { get; }

    /// <summary>What this log tells of its approval: the call that it was first asked for by, decisions, breaking of
    /// glass, reviews.</summary>
    public IReadOnlyList<AuditEntry> Acts { get; }

    /// <summary>
    /// Looks for a call from where its id, which carries a time, lets it begin. Null where it is not in the log.
    /// </summary>
    public static CallStory? Find(string folder, Guid call)
    {
        ArgumentNullException.ThrowIfNull(folder);
        AuditQuery query = new() { Call = call, WantsEvents = false };
        List<AuditEntry> records = [];
        long last = 0;
        using (AuditReader reader = new(folder, AuditTimes.EntryBefore(folder, TimeOf(call))))
        {
            while (records.Count < 2 && reader.Read(out AuditEntry entry) == AuditReadStatus.Entry)
            {
                if (!query.Matches(entry.Payload)) continue;
                records.Add(entry);
                last = entry.Index;
                if (IsOutcome(entry)) break;
            }
        }

        if (records.Count == 0) return null;
        string? approval = TextOf(records[^1], "approval");
        return new CallStory(call, records, approval is null ? [] : ActsOn(folder, approval, call, last));
    }

    /// <summary>The record of that type, <c>intent</c> or <c>outcome</c>; null where it is not there.</summary>
    public AuditEntry? Record(string type)
    {
        foreach (AuditEntry record in Records)
        {
            if (TextOf(record, "type") == type) return record;
        }

        return null;
    }

    /// <summary>The steps, in the order of their times: a call is asked for when its id was made, which is long before
    /// its intent where it waited.</summary>
    public IReadOnlyList<StoryStep> Steps()
    {
        List<StoryStep> steps = [];
        AuditEntry first = Records[0];
        using JsonDocument told = JsonDocument.Parse(first.Payload);
        JsonElement record = told.RootElement;
        string came = CameAt(record);
        steps.Add(new(first.Index, came, "asked", Asked(record)));
        if (Decided(record) is { } decided) steps.Add(new(first.Index, came, "decided", decided));
        foreach (AuditEntry act in Acts) steps.Add(ActOf(act));
        bool isIntended = !IsOutcome(first);
        if (isIntended) steps.Add(new(first.Index, SentAt(first), "sent", Sent(record)));
        if (Records.FirstOrDefault(IsOutcome) is { Payload.Length: > 0 } outcome) AddOutcome(steps, outcome);
        else steps.Add(new(first.Index, At(record), "unknown", "no outcome is written yet"));

        // Stable, so that what was written at one moment stays in the order of this method.
        return [.. steps.OrderBy(step => step.At, StringComparer.Ordinal)];
    }

    // An intent tells when its call came; it was written after what was done to its approval before it.
    private string SentAt(in AuditEntry intent)
    {
        string at = TextOf(intent, "at") ?? "";
        foreach (AuditEntry act in Acts)
        {
            if (act.Index > intent.Index) break;
            string acted = TextOf(act, "at") ?? "";
            if (StringComparer.Ordinal.Compare(acted, at) > 0) at = acted;
        }

        return at;
    }

    private string CameAt(JsonElement record)
    {
        string at = At(record);
        if (Call.Version != 7) return at;
        string made = TimeOf(Call).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        return StringComparer.Ordinal.Compare(made, at) < 0 ? made : at;
    }

    /// <summary>When a UUIDv7 was made (RFC 9562 section 5.7); the earliest time there is for another.</summary>
    public static DateTimeOffset TimeOf(Guid id)
    {
        if (id.Version != 7) return DateTimeOffset.UnixEpoch;
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        long milliseconds = 0;
        for (int at = 0; at < 6; at++) milliseconds = (milliseconds << 8) | bytes[at];
        long most = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
        return DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(milliseconds, most));
    }

    private static List<AuditEntry> ActsOn(string folder, string approval, Guid call, long last)
    {
        AuditQuery query = new() { Approval = approval };
        DateTimeOffset from = Guid.TryParse(approval, out Guid id) ? TimeOf(id) : DateTimeOffset.UnixEpoch;
        return
        [
            .. AuditReader.Between(folder, AuditTimes.EntryBefore(folder, from), last + EntriesBehindMax)
                .Where(entry => query.Matches(entry.Payload) && IsActOn(entry, call)),
        ];
    }

    // Of other calls under the same approval only how they were told to wait: what they did is their own story.
    private static bool IsActOn(in AuditEntry entry, Guid call)
    {
        using JsonDocument told = JsonDocument.Parse(entry.Payload);
        JsonElement record = told.RootElement;
        if (Text(record, "type") == "event") return true;
        return Text(record, "type") == "outcome" && Text(record, "call") != call.ToString("D")
            && Text(record, "verdict") == "approval-required";
    }

    private static void AddOutcome(List<StoryStep> steps, in AuditEntry outcome)
    {
        using JsonDocument told = JsonDocument.Parse(outcome.Payload);
        JsonElement record = told.RootElement;
        string verdict = Text(record, "verdict") ?? "";
        string at = At(record);
        string step = verdict switch { "ok" => "answered", "unknown" => "unknown", _ => "refused" };
        steps.Add(new(outcome.Index, at, step, Ended(record, verdict)));
        long masked = Number(record, "masked") ?? 0;
        if (masked > 0) steps.Add(new(outcome.Index, at, "masked", Count(masked, "value") + " masked in the answer"));
    }

    private static StoryStep ActOf(in AuditEntry act)
    {
        using JsonDocument told = JsonDocument.Parse(act.Payload);
        JsonElement record = told.RootElement;
        if (Text(record, "type") == "outcome")
        {
            string ended = Ended(record, Text(record, "verdict") ?? "");
            return new(act.Index, At(record), "asked", $"{Asked(record)} as call {Text(record, "call")}: {ended}");
        }

        string who = record.TryGetProperty("actor", out JsonElement actor)
            ? Text(actor, "sub") ?? "somebody"
            : "the gateway";
        string detail = Text(record, "detail") is { } more ? ": " + more : "";
        return new(act.Index, At(record), "approval", $"{Text(record, "event")} by {who}{detail}");
    }

    private static string Asked(JsonElement record)
    {
        string what = Text(record, "function") is { } function ? function + " (" : "(";
        what += Text(record, "method") + " " + Text(record, "target") + ")";
        if (!record.TryGetProperty("caller", out JsonElement caller)) return "somebody unknown asked for " + what;
        string subject = caller.TryGetProperty("act", out JsonElement act) && Text(act, "sub") is { } agent
            ? agent + " with the token of " + Text(caller, "sub")
            : Text(caller, "sub") ?? "";
        string who = Text(caller, "kind") + " " + subject;
        string[] chain = caller.TryGetProperty("chain", out JsonElement people)
            ? [.. people.EnumerateArray().Select(one => one.ToString())]
            : [];
        bool isAlone = chain.Length == 1 && chain[0] == Text(caller, "sub");
        string behind = chain.Length > 0 && !isAlone ? $" for {string.Join(", ", chain)}" : "";
        return $"{who}{behind} asked for {what}";
    }

    private static string? Decided(JsonElement record)
    {
        if (Text(record, "decision") is not { } decision) return null;
        string rule = Text(record, "rule") is { } id ? $" by rule {id}" : "";
        string version = Number(record, "policy_version") is { } number
            ? string.Create(CultureInfo.InvariantCulture, $" of policy {number}")
            : "";
        string enforced = Text(record, "enforced") is { } done ? $", observed only: {done}" : "";
        return decision + rule + version + enforced;
    }

    private static string Sent(JsonElement record)
    {
        string[] approvers = record.TryGetProperty("approvers", out JsonElement people)
            ? [.. people.EnumerateArray().Select(one => one.ToString())]
            : [];
        string approved = approvers.Length > 0 ? "approved by " + string.Join(", ", approvers) + "; " : "";
        return approved + "the intent was written, and the call let go";
    }

    private static string Ended(JsonElement record, string verdict)
    {
        string status = Number(record, "status") is { } sent
            ? string.Create(CultureInfo.InvariantCulture, $", status {sent}")
            : "";
        string bytes = Number(record, "response_bytes") is { } count ? ", " + Count(count, "byte") : "";
        string lasted = Number(record, "duration_us") is { } microseconds
            ? string.Create(CultureInfo.InvariantCulture, $", after {microseconds / 1000.0:0.###} ms")
            : "";
        string detail = Text(record, "detail") is { } more ? ": " + more : "";
        return verdict + status + bytes + lasted + detail;
    }

    private static string Count(long number, string of) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {of}{(number == 1 ? "" : "s")}");

    private static bool IsOutcome(AuditEntry entry) => TextOf(entry, "type") == "outcome";

    private static string? TextOf(in AuditEntry entry, string name)
    {
        using JsonDocument told = JsonDocument.Parse(entry.Payload);
        return Text(told.RootElement, name);
    }

    private static string At(JsonElement record) => Text(record, "at") ?? "";

    private static string? Text(JsonElement record, string name) =>
        record.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static long? Number(JsonElement record, string name) =>
        record.TryGetProperty(name, out JsonElement value) && value.TryGetInt64(out long number) ? number : null;
}
