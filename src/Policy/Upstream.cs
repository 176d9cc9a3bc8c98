namespace Countersign.Policy;

/// <summary>A set of endpoints that serve functions.</summary>
/// <param name="Name">Its name in the policy.</param>
/// <param name="Endpoints">Absolute http or https URIs without path; calls are balanced over all of their
/// addresses.</param>
/// <param name="Timeout">From the request's last byte to the response's head, 1 ms to 1 h.</param>
/// <param name="Credential">What it is shown.</param>
public sealed record Upstream(string Name, IReadOnlyList<Uri> Endpoints, TimeSpan Timeout, CredentialTerms Credential)
{
    /// <summary>How long a connection may take to open, 1 ms to 1 min; null is the gateway's own limit.</summary>
    public TimeSpan? ConnectTimeout { get; init; }

    /// <summary>How long any one read of an answer's body may wait, 1 ms to 1 h; as the timeout by default.</summary>
    public TimeSpan ReadTimeout { get; init; } = Timeout;

    /// <summary>How often the names of endpoints are resolved anew, 1 s to 1 h; 30 s by default.</summary>
    public TimeSpan ResolveEvery { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The most connections per endpoint and gateway, 1 to 65,535; 1,024 by default.</summary>
    public int ConnectionsMax { get; init; } = 1_024;

    /// <summary>The most calls in flight per gateway, 1 to 1,000,000; 1,024 by default.</summary>
    public int CallsInFlightMax { get; init; } = 1_024;

    /// <summary>Retries allowed per hundred calls, 0 to 100, beside ten a second that always are; 20 by
    /// default.</summary>
    public int RetryBudgetPercent { get; init; } = 20;

    /// <summary>How endpoints are asked whether they are well; null asks nothing.</summary>
    public HealthTerms? Health { get; init; }

    /// <summary>When an endpoint that fails calls is left out.</summary>
    public EjectionTerms Ejection { get; init; } = new();

    /// <summary>How https endpoints are spoken to; null trusts the machine's certificates and shows none.</summary>
    public UpstreamTls? Tls { get; init; }
}

/// <summary>An active health check: a GET of one path, apart from the calls.</summary>
public sealed record HealthTerms
{
    /// <summary>The path that is asked for.</summary>
    public required string Path { get; init; }

    /// <summary>From one check to the next, 1 s to 1 h; 5 s by default.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a check may take, connection and answer each; at most the interval, 1 s by default.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How many checks in a row must pass before an unhealthy endpoint gets calls, 1 to 100.</summary>
    public int HealthyAfter { get; init; } = 2;

    /// <summary>How many checks in a row must fail before a healthy endpoint gets none, 1 to 100.</summary>
    public int UnhealthyAfter { get; init; } = 3;

    /// <summary>The lowest status that passes, 200 to 599.</summary>
    public int StatusMin { get; init; } = 200;

    /// <summary>The highest status that passes, 200 to 599.</summary>
    public int StatusMax { get; init; } = 299;
}

/// <summary>
/// When an endpoint that fails calls is ejected: not reached, reset, no answer in time, or 502, 503 or 504.
/// </summary>
public sealed record EjectionTerms
{
    /// <summary>How many failures in a row eject an endpoint, 1 to 1,000; 5 by default.</summary>
    public int After { get; init; } = 5;

    /// <summary>How long the first ejection lasts, 1 s to 1 h; it doubles each time. 30 s by default.</summary>
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest ejection, 1 s to 1 d, at least <see cref="For"/>; 5 min by default.</summary>
    public TimeSpan ForMax { get; init; } = TimeSpan.FromMinutes(5);
}
