namespace Countersign.Policy;

/// <summary>Who acts with another's token (RFC 8693 section 4.1): a party that an issuer vouches for.</summary>
/// <param name="Issuer">The issuer that vouches for them.</param>
/// <param name="Subject">Their <c>sub</c>; empty where a token names none.</param>
public readonly record struct ActorName(string Issuer, string Subject)
{
    /// <summary>Reads <see cref="Caller.Actor"/>; null where nobody acts but the subject.</summary>
    public static ActorName? Of(string actor)
    {
        ArgumentNullException.ThrowIfNull(actor);
        if (actor.Length == 0) return null;

        // A subject has no line ends; what an issuer calls itself might.
        int end = actor.LastIndexOf('\n');
        return end < 0 ? new(actor, "") : new(actor[..end], actor[(end + 1)..]);
    }
}
