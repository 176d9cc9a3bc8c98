namespace Countersign.Policy;

/// <summary>Reads one upstream: its endpoints, how long they may take, and what credential they are shown.</summary>
internal sealed class UpstreamReader(PolicyErrors errors)
{
    /// <summary>
    /// Stands in for an upstream that has errors or is unknown, so that the function is still checked.
    /// </summary>
    public static readonly Upstream None = new("", [], TimeoutUnstated,
        new CredentialTerms(CredentialBroker.None, "", TimeToLiveUnstated, TimeSpan.Zero));

    private static readonly SectionKeys UpstreamKeys = new(["endpoints"], ["timeout", "credential"], [], []);
    private static readonly SectionKeys CredentialKeys = new([], ["broker", "audience", "ttl", "reuse"], [], []);

    private static TimeSpan TimeoutUnstated => TimeSpan.FromSeconds(30);

    private static TimeSpan TimeToLiveUnstated => TimeSpan.FromSeconds(30);

    public Upstream Read(string name, DocumentNode node)
    {
        Section? section = Section.Open(node, $"upstream '{name}'", UpstreamKeys, errors);
        if (section is null) return None with { Name = name };
        List<Uri> endpoints = [];
        section.TextList("endpoints", 1, text =>
        {
            string? fault = EndpointFault(text, out Uri? endpoint);
            if (fault is null && endpoints.Contains(endpoint!)) return $"'{text}' is listed twice";
            if (fault is null) endpoints.Add(endpoint!);
            return fault;
        });
        TimeSpan timeout = section.Duration(
            "timeout", TimeoutUnstated, TimeSpan.FromMilliseconds(1), PolicyLimits.UpstreamTimeoutMax);
        return new Upstream(name, endpoints, timeout, ReadCredential(name, section.Find("credential")));
    }

    private CredentialTerms ReadCredential(string upstream, DocumentNode? node)
    {
        CredentialTerms unstated = new(CredentialBroker.Jwt, upstream, TimeToLiveUnstated, TimeSpan.Zero);
        Section? section = node is null ? null : Section.Open(node, "a credential", CredentialKeys, errors);
        if (section is null) return unstated;
        string? broker = section.Word("broker", ["jwt", "none"], ["exchange", "vault", "static"]);
        TimeSpan timeToLive = section.Duration(
            "ttl", TimeToLiveUnstated, PolicyLimits.TimeToLiveMin, PolicyLimits.TimeToLiveMax);
        TimeSpan reuse = section.Duration("reuse", TimeSpan.Zero, TimeSpan.Zero, timeToLive);
        CredentialBroker lent = broker == "none" ? CredentialBroker.None : CredentialBroker.Jwt;
        return new CredentialTerms(lent, section.Text("audience") ?? upstream, timeToLive, reuse);
    }

    /// <summary>An absolute http or https URI that is scheme, host and port only (RFC 3986 section 3).</summary>
    private static string? EndpointFault(string text, out Uri? endpoint)
    {
        bool isUri = Uri.TryCreate(text, UriKind.Absolute, out endpoint) && endpoint.Host.Length > 0
            && endpoint.Scheme is "http" or "https" && endpoint.Port is > 0 and <= 65_535
            && !text.AsSpan().ContainsAnyExceptInRange('!', '~') && !text.Contains('\\', StringComparison.Ordinal);
        if (!isUri) return $"'{text}' is not an absolute http or https URI";
        int authority = text.IndexOf("://", StringComparison.Ordinal);
        if (authority < 0) return $"'{text}' is not an absolute http or https URI";
        return text.AsSpan(authority + 3).ContainsAny("/?#@")
            ? $"'{text}' must be scheme, host and port only: no path, query, fragment or user" : null;
    }
}
