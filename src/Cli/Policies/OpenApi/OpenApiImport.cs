using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Countersign.Cli.Policies.OpenApi;

/// <summary>
/// Takes the operations of an OpenAPI document for functions, and says of each that it cannot take why. Risk is
/// guessed: what only reads is low; what changes something is high; what deletes is critical, since it cannot be
/// undone.
/// </summary>
internal sealed partial class OpenApiImport
{
    private const int FunctionsMax = 10_000;

    private static readonly string[] Methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    private static readonly string[] Risks = ["low", "medium", "high", "critical"];

    private readonly OpenApiDocument _document;
    private readonly string _upstreamName;
    private readonly ServerNames _servers;
    private readonly List<ImportedFunction> _functions = [];
    private readonly List<string> _notes = [];
    private readonly HashSet<string> _ids = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, int> _taken = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string> _shapes = new(StringComparer.Ordinal);

    private OpenApiImport(OpenApiDocument document, string upstreamName)
    {
        _document = document;
        _upstreamName = upstreamName;
        _servers = new ServerNames(_notes);
    }

    /// <summary>Takes what can be taken.</summary>
    internal static OpenApiImportResult Run(OpenApiDocument document, string? upstreamName, string under = "")
    {
        string title = OpenApiDocument.TextOf((document.Root["info"] as JsonObject)?["title"]) ?? "an API";
        OpenApiImport import = new(document, NameOf(upstreamName ?? title, "api"));
        import.TakePaths(under);
        if (document.Root["webhooks"] is JsonObject { Count: > 0 } webhooks)
        {
            import._notes.Add($"{webhooks.Count} webhooks: they are calls that the API makes, not calls to it");
        }

        return new OpenApiImportResult(title, import._servers.All, import._functions, import._notes);
    }

    /// <summary>Text as a name of the language; <paramref name="otherwise"/> if nothing of it is left.</summary>
    internal static string NameOf(string text, string otherwise)
    {
        string name = NotName().Replace(text, "-").Trim('-', '.', '_');
        if (name.Length > 100) name = name[..100].TrimEnd('-', '.', '_');
        return name.Length == 0 ? otherwise : name;
    }

    private void TakePaths(string under)
    {
        if (_document.Root["paths"] is not JsonObject paths) return;
        foreach ((string path, JsonNode? node) in paths)
        {
            if (path.StartsWith("x-", StringComparison.Ordinal)) continue;
            if (!path.StartsWith(under, StringComparison.Ordinal)) continue;
            if (_document.Resolve(node, out string fault) is not { } item)
            {
                _notes.Add($"{path}: {(fault.Length == 0 ? "is no mapping" : fault)}");
                continue;
            }

            foreach (string method in Methods)
            {
                if (item[method] is JsonObject operation) Take(path, method.ToUpperInvariant(), item, operation);
            }
        }
    }

    private void Take(string path, string method, JsonObject item, JsonObject operation)
    {
        string where = $"{method} {path}";
        if (operation["callbacks"] is JsonObject { Count: > 0 })
        {
            _notes.Add($"{where}: its callbacks are calls that the API makes; they are left out");
        }

        if (method == "TRACE" || _functions.Count == FunctionsMax)
        {
            _notes.Add($"{where}: " + (method == "TRACE" ? "the gateway does not forward TRACE"
                : $"a policy has at most {FunctionsMax} functions"));
            return;
        }

        List<JsonObject> parameters = ParametersOf(where, item, operation);
        JsonNode? servers = operation["servers"] ?? item["servers"] ?? _document.Root["servers"];
        (string upstream, string prefix) = _servers.Find(servers as JsonArray, _upstreamName, where);
        if (PathText.Convert(prefix, path, parameters, _document, out string template) is { } fault)
        {
            _notes.Add($"{where}: {fault}");
            return;
        }

        string id = IdOf(operation, method, path);
        string shape = method + ' ' + upstream + ' ' + Parameter().Replace(template, "{}");
        if (!_shapes.TryAdd(shape, id))
        {
            _notes.Add($"{where}: a call of it could be one of '{_shapes[shape]}' as well");
            return;
        }

        _ids.Add(id);
        _functions.Add(new ImportedFunction(id, upstream, method, template, RiskOf(where, method, operation))
        {
            Tags = TagsOf(operation),
            Headers = method is "GET" or "HEAD" or "OPTIONS" ? [] : HeadersOf(parameters),
            Summary = OpenApiDocument.TextOf(operation["summary"]) ?? "",
        });
    }

    /// <summary>
    /// Those of the path and those of the operation, which stand in their place (OpenAPI 3.1, 4.8.9.1).
    /// </summary>
    private List<JsonObject> ParametersOf(string where, JsonObject item, JsonObject operation)
    {
        Dictionary<string, JsonObject> byName = new(StringComparer.Ordinal);
        foreach (JsonNode? node in Items(item["parameters"]).Concat(Items(operation["parameters"])))
        {
            if (_document.Resolve(node, out string fault) is not { } parameter)
            {
                _notes.Add($"{where}: a parameter: {fault}");
                continue;
            }

            string name = $"{OpenApiDocument.TextOf(parameter["in"])} {OpenApiDocument.TextOf(parameter["name"])}";
            byName[name] = parameter;
        }

        return [.. byName.Values];

        static IEnumerable<JsonNode?> Items(JsonNode? list) => list as JsonArray ?? [];
    }

    private string IdOf(JsonObject operation, string method, string path)
    {
        string? stated = OpenApiDocument.TextOf(operation["operationId"]);
        string spoken = method.ToLowerInvariant() + '.' + path.Replace('/', '.').Replace("{", "",
            StringComparison.Ordinal)
            .Replace("}", "", StringComparison.Ordinal).Trim('.');
        string id = NameOf(stated ?? spoken, method.ToLowerInvariant());
        string unique = id;

        // Where every operation has one id, each looks on from where the last one stopped.
        int n = _taken.GetValueOrDefault(id, 2);
        for (; _ids.Contains(unique); n++) unique = $"{id}-{n}";
        if (unique != id) _taken[id] = n;
        if (unique != id) _notes.Add($"{method} {path}: '{id}' is taken; it is called '{unique}'");
        return unique;
    }

    private string RiskOf(string where, string method, JsonObject operation)
    {
        if (OpenApiDocument.TextOf(operation["x-countersign-risk"]) is { } stated)
        {
            if (Risks.Contains(stated)) return stated;
            string known = string.Join(", ", Risks);
            _notes.Add($"{where}: x-countersign-risk must be {known}, not '{stated}'; it is guessed");
        }

        return method switch
        {
            "GET" or "HEAD" or "OPTIONS" => "low",
            "DELETE" => "critical",
            _ => "high",
        };
    }

    private static List<string> TagsOf(JsonObject operation)
    {
        List<string> tags = [.. OpenApiDocument.TextsOf(operation["tags"]).Select(tag =>
            NameOf(tag, "")).Where(tag => tag.Length > 0)];
        if (operation["deprecated"] is JsonValue value && value.TryGetValue(out bool isOld)
            && isOld) tags.Add("deprecated");
        return [.. tags.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>Not those that OpenAPI ignores, nor those that do not reach the upstream as sent.</summary>
    private static List<string> HeadersOf(List<JsonObject> parameters) =>
    [
        .. parameters.Where(one => OpenApiDocument.TextOf(one["in"]) == "header")
            .Select(one => OpenApiDocument.TextOf(one["name"]) ?? "")
            .Where(name => HeaderName().IsMatch(name) && !IsTaken(name.ToLowerInvariant()))
            .Distinct(StringComparer.OrdinalIgnoreCase),
    ];

    private static bool IsTaken(string name) => name.StartsWith("countersign-", StringComparison.Ordinal)
        || name is "accept" or "content-type" or "authorization" or "connection" or "keep-alive"
            or "proxy-authorization" or "te" or "trailer" or "transfer-encoding" or "upgrade" or "content-length";

    [GeneratedRegex("[^A-Za-z0-9._-]+")]
    private static partial Regex NotName();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();

    [GeneratedRegex("^[A-Za-z0-9-]{1,100}$")]
    private static partial Regex HeaderName();
}
