using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Configuration;

/// <summary>
/// One object of the configuration as it is read: every key asked for is noted, every error is collected with its path,
/// and what nobody asked for is an error in the end.
/// </summary>
internal sealed class ConfigurationSection(JsonObject content, string path, List<string> errors)
{
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    /// <summary>True if the key is there.</summary>
    internal bool Has(string key) => content.ContainsKey(key);

    /// <summary>The keys that are there, where whoever writes the file chooses them.</summary>
    internal IReadOnlyList<string> Names => [.. content.Select(pair => pair.Key)];

    /// <summary>A nested object; empty where it is absent.</summary>
    internal ConfigurationSection Section(string key)
    {
        JsonNode? node = Take(key);
        if (node is null or JsonObject) return new ConfigurationSection(node as JsonObject ?? [], At(key), errors);
        Fault(key, "must be an object");
        return new ConfigurationSection([], At(key), errors);
    }

    /// <summary>A list of objects.</summary>
    internal List<ConfigurationSection> Sections(string key)
    {
        List<ConfigurationSection> sections = [];
        JsonNode? node = Take(key);
        if (node is null) return sections;
        if (node is not JsonArray array)
        {
            Fault(key, "must be a list");
            return sections;
        }

        for (int index = 0; index < array.Count; index++)
        {
            string place = key + "[" + index.ToString(CultureInfo.InvariantCulture) + "]";
            if (array[index] is JsonObject item) sections.Add(new ConfigurationSection(item, At(place), errors));
            else Fault(place, "must be an object");
        }

        return sections;
    }

    /// <summary>A text; null where it is absent.</summary>
    internal string? Text(string key)
    {
        JsonNode? node = Take(key);
        if (node is null) return null;
        if (node is JsonValue value && value.TryGetValue(out string? text) && text.Length > 0) return text;
        Fault(key, "must be a non-empty text");
        return null;
    }

    /// <summary>A list of texts, or one text alone; null where it is absent.</summary>
    internal IReadOnlyList<string>? Texts(string key)
    {
        JsonNode? node = Take(key);
        if (node is null) return null;
        if (node is JsonValue only && only.TryGetValue(out string? text) && text.Length > 0) return [text];
        List<string> texts = [];
        foreach (JsonNode? item in node as JsonArray ?? [])
        {
            if (item is JsonValue value && value.TryGetValue(out string? one) && one.Length > 0) texts.Add(one);
            else Fault(key, "must hold non-empty texts only");
        }

        if (node is not JsonArray) Fault(key, "must be a list of texts");
        return texts;
    }

    /// <summary>Addresses to listen on; <paramref name="absent"/> where the key is absent.</summary>
    internal IReadOnlyList<IPEndPoint> Endpoints(string key, string absent)
    {
        List<IPEndPoint> endpoints = [];
        foreach (string text in Texts(key) ?? [absent])
        {
            if (TryParseEndpoint(text, out IPEndPoint? endpoint)) endpoints.Add(endpoint!);
            else Fault(key, $"'{text}' is not an address and port such as 127.0.0.1:8080");
        }

        if (endpoints.Count == 0 && Texts(key) is { Count: 0 }) Fault(key, "needs at least one address");
        return endpoints;
    }

    /// <summary>Networks such as <c>10.0.0.0/8</c>, or single addresses; none where the key is absent.</summary>
    internal IReadOnlyList<IPNetwork> Networks(string key)
    {
        List<IPNetwork> networks = [];
        foreach (string text in Texts(key) ?? [])
        {
            if (IPNetwork.TryParse(text, out IPNetwork network)) networks.Add(network);
            else if (IPAddress.TryParse(text, out IPAddress? address))
            {
                networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            }
            else Fault(key, $"'{text}' is not a network such as 10.0.0.0/8 or an address");
        }

        return networks;
    }

    /// <summary>A whole number within bounds; <paramref name="absent"/> where the key is absent.</summary>
    internal long Number(string key, long absent, long min, long max)
    {
        JsonNode? node = Take(key);
        if (node is null) return absent;
        bool isText = node.GetValueKind() == System.Text.Json.JsonValueKind.String;
        string text = isText ? node.GetValue<string>() : node.ToJsonString();
        bool isNumber = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number);
        if (isNumber && number >= min && number <= max) return number;
        Fault(key, $"must be a whole number from {min} to {max}");
        return absent;
    }

    /// <summary>True or false; <paramref name="absent"/> where the key is absent.</summary>
    internal bool Switch(string key, bool absent)
    {
        JsonNode? node = Take(key);
        if (node is null) return absent;
        if (bool.TryParse(node.ToString(), out bool isOn)) return isOn;
        Fault(key, "must be true or false");
        return absent;
    }

    /// <summary>A duration within bounds, both included; <paramref name="absent"/> where absent.</summary>
    internal TimeSpan Duration(string key, TimeSpan absent, TimeSpan min, TimeSpan max)
    {
        TimeSpan span = Duration(key, absent, isZeroAllowed: min == TimeSpan.Zero);
        if (span >= min && span <= max) return span;
        Fault(key, $"must be from {LimitRow.Text(min)} to {LimitRow.Text(max)}");
        return absent;
    }

    /// <summary>
    /// A duration such as <c>500ms</c>, <c>30s</c>, <c>15m</c>, <c>2h</c>; <paramref name="absent"/> where absent.
    /// </summary>
    internal TimeSpan Duration(string key, TimeSpan absent, bool isZeroAllowed = false)
    {
        string? text = Text(key);
        if (text is null) return absent;
        int digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        bool isNumber = long.TryParse(digits < 0 ? text : text.AsSpan(0, digits), out long number)
            && number is >= 0 and < 1_000_000_000 && (number > 0 || isZeroAllowed);
        TimeSpan? span = !isNumber || digits < 0 ? null : text[digits..] switch
        {
            "ms" => TimeSpan.FromMilliseconds(number),
            "s" => TimeSpan.FromSeconds(number),
            "m" => TimeSpan.FromMinutes(number),
            "h" => TimeSpan.FromHours(number),
            "d" => TimeSpan.FromDays(number),
            _ => null,
        };
        if (span is null) Fault(key, $"'{text}' is not a duration such as 500ms, 30s, 15m, 2h or 1d");
        return span ?? absent;
    }

    /// <summary>True or false; <paramref name="absent"/> where the key is absent.</summary>
    internal bool Flag(string key, bool absent)
    {
        JsonNode? node = Take(key);
        if (node is null) return absent;
        bool isText = node.GetValueKind() == System.Text.Json.JsonValueKind.String;
        string text = isText ? node.GetValue<string>() : node.ToJsonString();
        if (text is "true" or "false") return text == "true";
        Fault(key, "must be true or false");
        return absent;
    }

    /// <summary>Adds an error about a key.</summary>
    internal void Fault(string key, string message) => errors.Add(At(key) + ": " + message);

    /// <summary>Adds an error for every key that nobody asked for.</summary>
    internal void RefuseOthers()
    {
        foreach (KeyValuePair<string, JsonNode?> pair in content)
        {
            if (_asked.Contains(pair.Key)) continue;
            string known = string.Join(", ", _asked.Order(StringComparer.Ordinal));
            errors.Add(At(pair.Key) + ": unknown setting; known here: " + known);
        }
    }

    /// <summary>Reads <c>host:port</c>, where the host is an IP address or <c>localhost</c>.</summary>
    internal static bool TryParseEndpoint(string text, out IPEndPoint? endpoint)
    {
        string address = text.StartsWith("localhost:", StringComparison.OrdinalIgnoreCase)
            ? "127.0.0.1" + text["localhost".Length..]
            : text;
        bool hasPort = address.LastIndexOf(':') > address.LastIndexOf(']')
            && address.Contains(':', StringComparison.Ordinal);
        endpoint = null;
        return hasPort && IPEndPoint.TryParse(address, out endpoint);
    }

    private string At(string key) => path.Length == 0 ? key : path + "." + key;

    private JsonNode? Take(string key)
    {
        _asked.Add(key);
        return content[key];
    }
}
