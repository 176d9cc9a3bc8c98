using System.Text.Json.Nodes;

namespace Countersign.Cli.Policies.OpenApi;

/// <summary>The servers of a document as upstreams, each once.</summary>
internal sealed class ServerNames(List<string> notes)
{
    /// <summary>Where functions are looked for until somebody says where they are.</summary>
    internal const string Placeholder = "http://127.0.0.1:9001";

    private readonly Dictionary<string, ImportedUpstream> _byEndpoint = new(StringComparer.Ordinal);

    /// <summary>In the order in which they were met.</summary>
    internal IReadOnlyList<ImportedUpstream> All => [.. _byEndpoint.Values];

    /// <summary>The upstream of the first of the servers, and the path that its functions are under.</summary>
    internal (string Name, string Prefix) Find(JsonArray? servers, string name, string where)
    {
        JsonObject? server = servers?.FirstOrDefault() as JsonObject;
        string url = server is null ? "/" : Fill(OpenApiDocument.TextOf(server["url"]) ?? "/", server);
        if (servers is { Count: > 1 }) Once($"of {servers.Count} servers the first is taken: {url}");
        bool isAbsolute = Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https";
        if (!isAbsolute)
        {
            Once($"server '{url}' has no address: put the address of the functions in place of {Placeholder}");
            return (Take(Placeholder, name), PrefixOf(url.Split('?', '#')[0], where));
        }

        string endpoint = uri!.GetLeftPart(UriPartial.Scheme) + uri.Authority;
        return (Take(endpoint, name), PrefixOf(uri.AbsolutePath, where));
    }

    private string PrefixOf(string path, string where)
    {
        string prefix = path.Trim('/');
        if (!prefix.Contains('%', StringComparison.Ordinal)) return prefix.Length == 0 ? "" : "/" + prefix;
        Once($"{where}: the server's path '{path}' is percent-encoded; it is left out");
        return "";
    }

    private string Take(string endpoint, string name)
    {
        if (_byEndpoint.TryGetValue(endpoint, out ImportedUpstream? known)) return known.Name;
        string unique = name;
        for (int n = 2; _byEndpoint.Values.Any(one => one.Name == unique); n++) unique = $"{name}-{n}";
        _byEndpoint.Add(endpoint, new ImportedUpstream(unique, endpoint));
        return unique;
    }

    /// <summary>Variables stand for their defaults (OpenAPI 3.1, 4.8.6).</summary>
    private static string Fill(string url, JsonObject server)
    {
        foreach ((string variable, JsonNode? node) in server["variables"] as JsonObject ?? [])
        {
            string value = OpenApiDocument.TextOf((node as JsonObject)?["default"]) ?? "";
            url = url.Replace("{" + variable + "}", value, StringComparison.Ordinal);
        }

        return url;
    }

    private void Once(string note)
    {
        if (!notes.Contains(note)) notes.Add(note);
    }
}
