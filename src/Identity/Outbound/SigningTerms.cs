namespace Countersign.Identity.Outbound;

/// <summary>When signing keys change. Every gateway of a fleet has the same.</summary>
public sealed record SigningTerms
{
    /// <summary>The longest that anything signed may live: the most that a policy may say of a <c>ttl</c>.</summary>
    public static readonly TimeSpan LifeMax = TimeSpan.FromHours(1);

    /// <summary>How long one key signs.</summary>
    public TimeSpan RotateEvery { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How long a key is published before it signs; longer than anybody caches the JWKS.</summary>
    public TimeSpan PublishBefore { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How long a gateway that the store does not answer may go on with the keys it has: so much longer a key that
    /// signs no more is published.
    /// </summary>
    public TimeSpan Slack { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a key is published after the next one began to sign.</summary>
    public TimeSpan KeptAfter => LifeMax + Slack;

    /// <summary>
    /// After the store was last heard, keys may sign for so long: a key that this gateway has not heard of begins to
    /// sign no sooner than <see cref="PublishBefore"/> after that.
    /// </summary>
    public TimeSpan GoodFor => PublishBefore + Slack;

    /// <summary>How often the store is looked at.</summary>
    public TimeSpan LookEvery
    {
        get
        {
            TimeSpan quarter = PublishBefore / 4;
            TimeSpan most = TimeSpan.FromSeconds(15);
            return quarter < most ? quarter : most;
        }
    }

    /// <summary>The longest that others may be told to keep the JWKS: a revoked key is believed so long.</summary>
    public static readonly TimeSpan JwksMaxAgeMax = TimeSpan.FromHours(1);

    /// <summary>
    /// How long others may keep the JWKS, so how long they go on believing a revoked key; null for a minute, or a
    /// quarter of <see cref="PublishBefore"/> where that is less. At most half of that, so that a key is known
    /// everywhere before it signs.
    /// </summary>
    public TimeSpan? JwksMaxAge { get; init; }

    /// <summary>How long others may keep the JWKS, in whole seconds, 1 to 3600.</summary>
    public int CachedSeconds
    {
        get
        {
            double unstated = Math.Min(60, PublishBefore.TotalSeconds / 4);
            return (int)Math.Clamp(JwksMaxAge?.TotalSeconds ?? unstated, 1, JwksMaxAgeMax.TotalSeconds);
        }
    }
}
