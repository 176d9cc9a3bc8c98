namespace Countersign.Audit;

/// <summary>
/// An act that is not a call: a policy published, an approval decided, a gateway started. Empty text is left out; the
/// rest
/// as for <see cref="CallRecord"/>.
/// </summary>
public ref struct EventRecord
{
    /// <summary>When it happened.</summary>
    public DateTimeOffset At { get; set; }

    /// <summary>The gateway's name.</summary>
    public string? Gateway { get; set; }

    /// <summary>What happened, such as <c>policy-published</c>, <c>approval-decided</c>, <c>started</c>.</summary>
    public string? Event { get; set; }

    /// <summary>Issuer of who did it; without issuer and subject the gateway itself did.</summary>
    public string? ActorIssuer { get; set; }

    /// <summary>Who did it.</summary>
    public string? ActorSubject { get; set; }

    /// <summary><c>human</c>, <c>agent</c>, <c>ci</c> or <c>service</c>.</summary>
    public string? ActorKind { get; set; }

    /// <summary>To what: an approval's id, a policy version.</summary>
    public string? Subject { get; set; }

    /// <summary>More for people.</summary>
    public string? Detail { get; set; }

    /// <summary>Writes the record into an empty <paramref name="record"/>.</summary>
    public readonly void WriteTo(AuditRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentException.ThrowIfNullOrEmpty(Event);
        record.Clear();
        AuditJson json = new(record);
        json.Number("v"u8, 1);
        json.Text("type"u8, "event"u8);
        json.Time("at"u8, At);
        json.Text("gateway"u8, Gateway);
        json.Text("event"u8, Event);
        if (!string.IsNullOrEmpty(ActorIssuer) || !string.IsNullOrEmpty(ActorSubject))
        {
            json.BeginObject("actor"u8);
            json.Text("iss"u8, ActorIssuer);
            json.Text("sub"u8, ActorSubject);
            json.Text("kind"u8, ActorKind);
            json.EndObject();
        }

        json.Text("subject"u8, Subject);
        json.Detail("detail"u8, Detail);
        json.End();
    }
}
