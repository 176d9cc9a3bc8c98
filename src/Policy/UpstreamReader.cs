using System.Globalization;

namespace Countersign.Policy;

/// <summary>Reads one upstream: its endpoints, how long they may take, and what credential they are shown.</summary>
internal sealed class UpstreamReader(PolicyErrors errors)
{
    /// <summary>
    /// Stands in for an upstream that has errors or is unknown, so that the function is still checked.
    /// </summary>
    public static readonly Upstream None = new("", [], TimeoutUnstated,
        new CredentialTerms(CredentialBroker.None, "", CredentialReader.TimeToLiveUnstated, TimeSpan.Zero));

    private static readonly SectionKeys UpstreamKeys = new(
        ["endpoints"],
        ["timeout", "credential", "connectTimeout", "readTimeout", "resolveEvery", "maxConnections", "maxInFlight",
            "retryBudget", "health", "ejection", "tls"], [], []);
    private static readonly SectionKeys HealthKeys = new(
        ["path"], ["interval", "timeout", "healthyAfter", "unhealthyAfter", "status"], [], []);
    private static readonly SectionKeys EjectionKeys = new([], ["after", "for", "forMax"], [], []);
    private static readonly SectionKeys TlsKeys = new(
        [], ["ca", "clientCertificate", "clientKey", "serverName"], [], []);

    private readonly CredentialReader _credentials = new(errors);

    private static TimeSpan TimeoutUnstated => TimeSpan.FromSeconds(30);

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
            "timeout", TimeoutUnstated, PolicyLimits.UpstreamTimeoutMin, PolicyLimits.UpstreamTimeoutMax);
        Upstream unstated = new(name, endpoints, timeout, _credentials.Read(name, section.Find("credential")));
        return unstated with
        {
            ConnectTimeout = section.Find("connectTimeout") is null ? null : section.Duration(
                "connectTimeout", timeout, PolicyLimits.UpstreamTimeoutMin, PolicyLimits.ConnectTimeoutMax),
            ReadTimeout = section.Duration(
                "readTimeout", timeout, PolicyLimits.UpstreamTimeoutMin, PolicyLimits.UpstreamTimeoutMax),
            ResolveEvery = section.Duration(
                "resolveEvery", unstated.ResolveEvery, PolicyLimits.PeriodMin, PolicyLimits.PeriodMax),
            ConnectionsMax = section.Number(
                "maxConnections", unstated.ConnectionsMax, 1, PolicyLimits.UpstreamConnectionsMax),
            CallsInFlightMax = section.Number(
                "maxInFlight", unstated.CallsInFlightMax, 1, PolicyLimits.UpstreamCallsMax),
            RetryBudgetPercent = section.Number("retryBudget", unstated.RetryBudgetPercent, 0, 100),
            Health = ReadHealth(section.Find("health")),
            Ejection = ReadEjection(section.Find("ejection")),
            Tls = ReadTls(section, endpoints),
        };
    }

    private HealthTerms? ReadHealth(DocumentNode? node)
    {
        if (node is null || Section.Open(node, "health", HealthKeys, errors) is not { } section) return null;
        string path = section.Text("path") ?? "/";
        if (HealthPathFault(path) is { } fault) errors.Add(section.Find("path")!, fault);
        HealthTerms unstated = new() { Path = path };
        TimeSpan interval = section.Duration(
            "interval", unstated.Interval, PolicyLimits.PeriodMin, PolicyLimits.PeriodMax);
        TimeSpan timeout = unstated.Timeout < interval ? unstated.Timeout : interval;
        (int lowest, int highest) = ReadStatus(section, unstated);
        return unstated with
        {
            Interval = interval,
            Timeout = section.Duration("timeout", timeout, PolicyLimits.UpstreamTimeoutMin, interval),
            HealthyAfter = section.Number("healthyAfter", unstated.HealthyAfter, 1, PolicyLimits.ChecksInRowMax),
            UnhealthyAfter = section.Number("unhealthyAfter", unstated.UnhealthyAfter, 1, PolicyLimits.ChecksInRowMax),
            StatusMin = lowest,
            StatusMax = highest,
        };
    }

    /// <summary>One status, <c>204</c>, or a range of them, <c>200-299</c>.</summary>
    private (int Lowest, int Highest) ReadStatus(Section section, HealthTerms unstated)
    {
        DocumentNode? node = section.Find("status");
        if (node is null || node.Kind == NodeKind.Broken) return (unstated.StatusMin, unstated.StatusMax);
        string text = node.Kind is NodeKind.Text or NodeKind.Number ? node.Text : "";
        bool isStatus = text.Length is 3 or 7 && (text.Length == 3 || text[3] == '-')
            && IsStatus(text.AsSpan(0, 3)) && IsStatus(text.AsSpan(text.Length - 3))
            && string.CompareOrdinal(text, 0, text, text.Length - 3, 3) <= 0;
        if (isStatus)
        {
            return (int.Parse(text.AsSpan(0, 3), CultureInfo.InvariantCulture),
                int.Parse(text.AsSpan(text.Length - 3), CultureInfo.InvariantCulture));
        }

        string written = node.Kind is NodeKind.Text or NodeKind.Number ? $"'{node.Text}'" : node.Describe();
        errors.Add(node, $"status must be one status or a range such as 200-299, within 200 to 599, not {written}");
        return (unstated.StatusMin, unstated.StatusMax);
    }

    private static bool IsStatus(ReadOnlySpan<char> text) =>
        text[0] is >= '2' and <= '5' && char.IsAsciiDigit(text[1]) && char.IsAsciiDigit(text[2]);

    private EjectionTerms ReadEjection(DocumentNode? node)
    {
        EjectionTerms unstated = new();
        if (node is null || Section.Open(node, "ejection", EjectionKeys, errors) is not { } section) return unstated;
        TimeSpan first = section.Duration("for", unstated.For, PolicyLimits.PeriodMin, PolicyLimits.PeriodMax);
        TimeSpan longest = unstated.ForMax > first ? unstated.ForMax : first;
        return new EjectionTerms
        {
            After = section.Number("after", unstated.After, 1, PolicyLimits.FailuresInRowMax),
            For = first,
            ForMax = section.Duration("forMax", longest, first, PolicyLimits.EjectionMax),
        };
    }

    private UpstreamTls? ReadTls(Section upstream, List<Uri> endpoints)
    {
        DocumentNode? node = upstream.Find("tls");
        if (node is null || Section.Open(node, "tls", TlsKeys, errors) is not { } section) return null;
        UpstreamTls tls = new(
            section.Text("ca"), section.Text("clientCertificate"), section.Text("clientKey"),
            section.Text("serverName"));
        bool isHalf = section.Find("clientCertificate") is null != section.Find("clientKey") is null;
        if (isHalf) errors.Add(node, "tls needs 'clientCertificate' and 'clientKey' both, or neither");
        if (tls.ServerName is { } name && Uri.CheckHostName(name) == UriHostNameType.Unknown)
        {
            errors.Add(section.Find("serverName")!, $"'{name}' is not a host name");
        }

        if (endpoints.Count > 0 && endpoints.TrueForAll(endpoint => endpoint.Scheme == Uri.UriSchemeHttp))
        {
            errors.Add(upstream.FindKey("tls")!, "'tls' has no meaning: no endpoint is https");
        }

        return tls;
    }

    /// <summary>An absolute path as it goes on the wire, with a query if need be (RFC 9112 section 3.2.1).</summary>
    private static string? HealthPathFault(string path) =>
        path[0] != '/' || path.Contains('#', StringComparison.Ordinal)
            || path.AsSpan().ContainsAnyExceptInRange('!', '~')
            ? $"'{path}' is not a path: it begins with '/' and has visible ASCII characters only, no '#'" : null;

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
