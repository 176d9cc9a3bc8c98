namespace Countersign.Policy.Notices;

/// <summary>A message for one webhook. Its bytes are fixed when it is filed: every attempt sends the same.</summary>
/// <param name="Id">Unique, the same at every attempt: what a receiver tells repeats by.</param>
/// <param name="Webhook">The webhook's name; never its address, which may hold a secret.</param>
/// <param name="Event">What happened, <c>approval.created</c>.</param>
/// <param name="Approval">To which approval.</param>
/// <param name="At">When it happened.</param>
/// <param name="Body">The JSON that is sent.</param>
public sealed record Notice(
    string Id, string Webhook, string Event, string Approval, DateTimeOffset At, string Body);

/// <summary>A notice that one gateway may deliver now, and nobody else while the lease holds.</summary>
/// <param name="Notice">What to send.</param>
/// <param name="Attempt">Which attempt this is, from 1.</param>
/// <param name="Lease">Proves that the attempt is still this gateway's to end.</param>
public sealed record LeasedNotice(Notice Notice, int Attempt, string Lease);

/// <summary>A notice as the store holds it.</summary>
/// <param name="Notice">The notice.</param>
/// <param name="Attempts">Attempts so far.</param>
/// <param name="Error">Why the last one failed, or empty.</param>
/// <param name="At">When it is due next, or when it was given up.</param>
public sealed record FiledNotice(Notice Notice, int Attempts, string Error, DateTimeOffset At);

/// <summary>Some of the notices, and where to go on.</summary>
/// <param name="Items">Latest first.</param>
/// <param name="Next">Pass it on to get the next page; null at the end.</param>
public sealed record NoticePage(IReadOnlyList<FiledNotice> Items, string? Next);
