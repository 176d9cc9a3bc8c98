namespace Countersign.ControlPlane;

/// <summary>What a webhook hears of.</summary>
[Flags]
public enum NoticeEvents : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Somebody asks, and approvers are needed.</summary>
    Created = 1,

    /// <summary>It was approved, denied, cancelled or revoked, or its time ran out.</summary>
    Settled = 2,

    /// <summary>Somebody let it happen without its approvers.</summary>
    BreakGlass = 4,

    /// <summary>Such a call still needs somebody else to look at it.</summary>
    ReviewOwed = 8,
}

/// <summary>In which form a webhook wants its notices. Zero is none.</summary>
public enum WebhookKind : byte
{
    /// <summary>No form.</summary>
    None = 0,

    /// <summary>JSON, signed by the Standard Webhooks specification.</summary>
    Generic,

    /// <summary>A message for a channel of Slack, or of what takes Slack's messages.</summary>
    Slack,
}

/// <summary>One webhook; checked before it gets here.</summary>
public sealed record WebhookOptions
{
    /// <summary>Its name, in lists and logs.</summary>
    public required string Name { get; init; }

    /// <summary>Where notices go. May hold a secret: it is never logged or shown.</summary>
    public required Uri Url { get; init; }

    /// <summary>Their form.</summary>
    public required WebhookKind Kind { get; init; }

    /// <summary>What they are about.</summary>
    public required NoticeEvents Events { get; init; }

    /// <summary>The key of the signature; empty for a form without one.</summary>
    public ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>The name alone: a record would print its address.</summary>
    public override string ToString() => Name;
}
