using System.Text.RegularExpressions;

namespace Countersign.Policy;

/// <summary>Reads what credential an upstream is shown, and where.</summary>
internal sealed partial class CredentialReader(PolicyErrors errors)
{
    private static readonly string[] Brokers = ["jwt", "static", "oauth", "exchange", "vault", "none"];

    private static readonly SectionKeys Keys = new(
        [],
        ["broker", "audience", "ttl", "reuse", "algorithm", "from", "path", "wrap", "scopes", "subject", "form",
            "header", "value", "region", "service", "payload", "passEncoded"],
        [], []);

    // Which keys mean something to which broker; broker and the form are everybody's.
    private static readonly Dictionary<string, string[]> Meanings = new(StringComparer.Ordinal)
    {
        ["audience"] = ["jwt", "oauth", "exchange"],
        ["ttl"] = ["jwt", "exchange", "vault"],
        ["reuse"] = ["jwt"],
        ["algorithm"] = ["jwt"],
        ["from"] = ["static", "oauth", "exchange", "vault"],
        ["path"] = ["vault"],
        ["wrap"] = ["vault"],
        ["scopes"] = ["oauth", "exchange"],
        ["subject"] = ["exchange"],
    };

    // What has a meaning wherever something is lent.
    private static readonly string[] PlaceKeys =
        ["form", "header", "value", "region", "service", "payload", "passEncoded"];

    public static TimeSpan TimeToLiveUnstated => TimeSpan.FromSeconds(30);

    public CredentialTerms Read(string upstream, DocumentNode? node)
    {
        CredentialTerms unstated = new(CredentialBroker.Jwt, upstream, TimeToLiveUnstated, TimeSpan.Zero);
        Section? section = node is null ? null : Section.Open(node, "a credential", Keys, errors);
        if (section is null) return unstated;
        string broker = section.Word("broker", Brokers, []) ?? "jwt";
        RefuseMeaningless(section, broker);
        TimeSpan timeToLive = section.Duration(
            "ttl", TimeToLiveUnstated, PolicyLimits.TimeToLiveMin, PolicyLimits.TimeToLiveMax);
        TimeSpan reuse = section.Duration("reuse", TimeSpan.Zero, TimeSpan.Zero, timeToLive);
        string? algorithm = section.Word("algorithm", ["ES256", "EdDSA"], []);
        string? subject = section.Word("subject", ["caller", "gateway"], []);
        bool needsFrom = Meanings["from"].Contains(broker);
        if (needsFrom && section.Find("from") is null) errors.Add(node!, $"broker '{broker}' needs 'from'");
        if (broker == "vault" && section.Find("path") is null) errors.Add(node!, "broker 'vault' needs 'path'");
        return new CredentialTerms(BrokerOf(broker), section.Text("audience") ?? upstream, timeToLive, reuse)
        {
            Algorithm = algorithm == "EdDSA" ? SigningAlgorithm.EdDsa : SigningAlgorithm.Es256,
            From = section.Id("from") ?? "",
            Path = ReadPath(section),
            IsWrapped = section.Flag("wrap", false),
            Scope = string.Join(' ', section.TextList("scopes", 1, ScopeFault)),
            ExchangesCaller = broker == "exchange" && subject != "gateway",
            PassesEncoded = section.Flag("passEncoded", false),
            Place = ReadPlace(section, broker),
        };
    }

    private void RefuseMeaningless(Section section, string broker)
    {
        foreach ((string key, string[] brokers) in Meanings)
        {
            if (section.FindKey(key) is { } written && !brokers.Contains(broker))
                errors.Add(written, $"'{key}' has no meaning for broker '{broker}'");
        }

        foreach (string key in PlaceKeys)
        {
            if (broker == "none" && section.FindKey(key) is { } written)
                errors.Add(written, $"'{key}' has no meaning for broker 'none'");
        }
    }

    private CredentialPlace ReadPlace(Section section, string broker)
    {
        string form = section.Word("form", ["header", "basic", "aws-sigv4"], []) ?? "header";
        bool hasFields = broker is "static" or "vault";
        if (form != "header" && !hasFields && broker != "none")
            errors.Add(section.Find("form")!, $"form '{form}' needs broker 'static' or 'vault'");
        foreach (string key in (string[])["region", "service", "payload"])
        {
            if (form != "aws-sigv4" && section.FindKey(key) is { } written)
                errors.Add(written, $"'{key}' has no meaning for form '{form}'");
        }

        if (form == "aws-sigv4") return ReadSignature(section);
        string header = section.Text("header") ?? "Authorization";
        if (HeaderFault(header) is { } headerFault) errors.Add(section.Find("header")!, headerFault);
        if (form == "basic")
        {
            if (section.FindKey("value") is { } written) errors.Add(written, "'value' has no meaning for form 'basic'");
            return new CredentialPlace(header, "Basic {token}", CredentialForm.Basic);
        }

        bool isAuthorization = header.Equals("Authorization", StringComparison.OrdinalIgnoreCase);
        string value = section.Text("value") ?? (isAuthorization ? "Bearer {token}" : "{token}");
        if (section.Find("value") is { } node && ValueFault(value, broker) is { } fault) errors.Add(node, fault);
        return new CredentialPlace(header, value);
    }

    private CredentialPlace ReadSignature(Section section)
    {
        foreach (string key in (string[])["header", "value"])
        {
            if (section.FindKey(key) is { } written)
                errors.Add(written, $"'{key}' has no meaning for form 'aws-sigv4'");
        }

        foreach (string key in (string[])["region", "service"])
        {
            if (section.Find(key) is null) errors.Add(section.Find("form")!, $"form 'aws-sigv4' needs '{key}'");
        }

        string? payload = section.Word("payload", ["signed", "unsigned"], []);
        return new CredentialPlace("Authorization", "", CredentialForm.AwsSigV4)
        {
            Region = section.Id("region") ?? "",
            Service = section.Id("service") ?? "",
            SignsBody = payload != "unsigned",
        };
    }

    private string ReadPath(Section section)
    {
        string? path = section.Text("path");
        if (path is null) return "";
        bool isPath = VaultPath().IsMatch(path) && !path.Split('/').Any(one => one is "" or "." or "..");
        if (!isPath)
        {
            errors.Add(section.Find("path")!, $"'{path}' is not a path of a vault: letters, digits, '-', '_' and '.', "
                + "with '/' between its parts, such as database/creds/billing");
        }

        return path;
    }

    private static CredentialBroker BrokerOf(string broker) => broker switch
    {
        "static" => CredentialBroker.Static,
        "oauth" => CredentialBroker.OAuth,
        "exchange" => CredentialBroker.Exchange,
        "vault" => CredentialBroker.Vault,
        "none" => CredentialBroker.None,
        _ => CredentialBroker.Jwt,
    };

    /// <summary>What frames, routes or describes the message, and what the gateway says, is no place for it.</summary>
    private static string? HeaderFault(string header)
    {
        if (!FunctionReader.IsHeaderName(header)) return $"'{header}' is not a header name";
        string name = header.ToLowerInvariant().Replace('_', '-');
        bool isTaken = name.StartsWith("countersign-", StringComparison.Ordinal)
            || name.StartsWith("x-forwarded", StringComparison.Ordinal)
            || name is "connection" or "keep-alive" or "proxy-authorization" or "proxy-connection" or "te" or "trailer"
                or "transfer-encoding" or "upgrade" or "content-length" or "content-type" or "host" or "expect"
                or "forwarded" or "via" or "cookie" or "traceparent" or "tracestate" or "idempotency-key"
                or "max-forwards" or "accept-encoding" or "date";
        return isTaken ? $"'{header}' cannot carry a credential" : null;
    }

    private static string? ValueFault(string value, string broker)
    {
        if (value.AsSpan().ContainsAnyExceptInRange(' ', '~')) return "value must be visible ASCII and spaces";
        MatchCollection fields = TemplateField().Matches(value);
        string rest = TemplateField().Replace(value, "");
        if (fields.Count == 0) return $"'{value}' names no field such as {{token}}";
        if (rest.Contains('{', StringComparison.Ordinal) || rest.Contains('}', StringComparison.Ordinal))
            return $"'{value}' has a brace that is no field's";
        bool isKnown = broker == "vault" || fields.All(one => one.Value == "{token}"
            || (broker == "static" && one.Value is "{username}" or "{password}"));
        return isKnown ? null : $"'{value}' names a field that broker '{broker}' does not have";
    }

    // RFC 6749 section 3.3.
    private static string? ScopeFault(string scope) =>
        scope.All(one => one is '!' or (>= '#' and <= '[') or (>= ']' and <= '~')) ? null : $"'{scope}' is not a scope";

    [GeneratedRegex("^[A-Za-z0-9._/-]{1,512}$")]
    private static partial Regex VaultPath();

    [GeneratedRegex(@"\{[A-Za-z0-9_]{1,64}\}")]
    private static partial Regex TemplateField();
}
